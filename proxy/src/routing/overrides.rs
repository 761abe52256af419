//! What a caller changes of its own request's way: `fallbacks`, `num_retries`, `timeout`, `disable_fallbacks`, `tags`, a session.
//!
//! As fields of the body, which then do not reach the provider, or as header lines, which count above the body:
//!
//! | field | header | value |
//! |---|---|---|
//! | `fallbacks` | `x-deltallm-fallbacks` | names of models; in a header with commas between them |
//! | `disable_fallbacks` | `x-deltallm-disable-fallbacks` | `true` |
//! | `num_retries` | `x-deltallm-num-retries` | 0 to 10 |
//! | `timeout` | `x-deltallm-timeout` | seconds, with a fraction where wanted |
//! | `tags` | `x-deltallm-tags` | names; in a header with commas between them |
//! | | `x-deltallm-session-id` | any text |
//!
//! The same headers with `x-litellm-` in front mean the same.

use std::time::Duration;

use deltallm_dialects::openai::routing_fields::RoutingFields;
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    routing::Timers,
};
use http::HeaderMap;

/// More attempts than that help nobody.
const MOST_RETRIES: u32 = 10;
const MOST_NAMES: usize = 20;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Groups to go to when the model's own fails, in the place of the configured ones.
    pub fallbacks: Option<Vec<String>>,
    /// Attempts after the first.
    pub num_retries: Option<u32>,
    /// The whole request.
    pub timeout: Option<Duration>,
    /// What the deployment should be tagged with.
    pub tags: Vec<String>,
    /// What says which requests belong together.
    pub session: Option<String>,
}

impl Overrides {
    /// How long the request may take: a caller can have it shorter than the group, not longer.
    pub fn time_limit(&self, timers: &Timers) -> Duration {
        self.timeout.map_or(timers.total, |wanted| wanted.min(timers.total))
    }

    /// Of a request. `body`: what stood in it.
    pub fn read(headers: &HeaderMap, body: RoutingFields) -> Result<Self, ApiError> {
        let of = |name: &'static str| header(headers, name);
        let list = |name| Ok::<_, ApiError>(of(name)?.map(names));
        let mut fallbacks = list("fallbacks")?.or(body.fallbacks);
        let is_disabled = match of("disable-fallbacks")? {
            Some(text) => text.eq_ignore_ascii_case("true") || text == "1",
            None => body.disable_fallbacks,
        };
        if is_disabled {
            fallbacks = Some(Vec::new());
        }
        let num_retries = match of("num-retries")? {
            Some(text) => Some(text.parse().map_err(|_| wrong("num_retries", "a whole number"))?),
            None => body.num_retries,
        };
        let timeout = match of("timeout")? {
            Some(text) => Some(seconds(text)?),
            None => body.timeout_seconds.as_deref().map(seconds).transpose()?,
        };
        let tags = list("tags")?.unwrap_or(body.tags);
        if num_retries.is_some_and(|times| times > u64::from(MOST_RETRIES)) {
            return Err(wrong("num_retries", "at most 10"));
        }
        if fallbacks.as_ref().is_some_and(|names| names.len() > MOST_NAMES) || tags.len() > MOST_NAMES {
            return Err(wrong(
                if tags.len() > MOST_NAMES { "tags" } else { "fallbacks" },
                "a list of 20 names at most",
            ));
        }
        let session = of("session-id")?.map(str::to_owned).or(body.session);
        let num_retries = num_retries.and_then(|times| u32::try_from(times).ok());
        Ok(Self { fallbacks, num_retries, timeout, tags, session })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let value = ["x-deltallm-", "x-litellm-"]
        .iter()
        .find_map(|beginning| headers.get(format!("{beginning}{name}")))
        .map(|value| value.to_str().map(str::trim));
    value.transpose().map_err(|_| wrong(name, "plain text"))
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Seconds with up to three places behind the point.
fn seconds(text: &str) -> Result<Duration, ApiError> {
    let expected = || wrong("timeout", "a number of seconds above 0");
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || whole.len() > 6 {
        return Err(expected());
    }
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u64 = whole.parse().map_err(|_| expected())?;
    let duration = Duration::from_millis(whole * 1000 + millis.parse::<u64>().map_err(|_| expected())?);
    if duration.is_zero() { Err(expected()) } else { Ok(duration) }
}

fn wrong(field: &str, expected: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, field, format!("`{field}` has to be {expected}."))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(lines: &[(&'static str, &'static str)], body: RoutingFields) -> Result<Overrides, ApiError> {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Overrides::read(&lines.iter().map(line).collect(), body)
    }

    #[test]
    fn a_header_counts_above_the_body() {
        let body = || RoutingFields {
            fallbacks: Some(vec!["b".into()]),
            num_retries: Some(1),
            timeout_seconds: Some("2.5".into()),
            tags: vec!["eu".into()],
            ..RoutingFields::default()
        };
        let found = read(&[], body()).unwrap();
        assert_eq!(found.fallbacks, Some(vec!["b".to_owned()]));
        assert_eq!((found.num_retries, found.timeout), (Some(1), Some(Duration::from_millis(2500))));
        let lines = [
            ("x-deltallm-fallbacks", "c, d"),
            ("x-litellm-num-retries", "0"),
            ("x-deltallm-timeout", "30"),
            ("x-litellm-tags", "us"),
        ];
        let found = read(&lines, body()).unwrap();
        assert_eq!(found.fallbacks, Some(vec!["c".to_owned(), "d".to_owned()]));
        assert_eq!((found.num_retries, found.timeout), (Some(0), Some(Duration::from_secs(30))));
        assert_eq!(found.tags, ["us"]);
        assert_eq!(read(&[("x-deltallm-disable-fallbacks", "true")], body()).unwrap().fallbacks, Some(Vec::new()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, value) in [
            ("x-deltallm-timeout", "soon"),
            ("x-deltallm-timeout", "0"),
            ("x-deltallm-timeout", "-1"),
            ("x-deltallm-num-retries", "11"),
            ("x-deltallm-num-retries", "-1"),
        ] {
            assert!(read(&[(name, value)], RoutingFields::default()).is_err(), "{name}: {value}");
        }
    }
}
