//! Fields of a request body that are for the gateway and not for the provider: they are read and taken out. The rest stays byte for
//! byte as it came.
//!
//! The names are LiteLLM's: `fallbacks`, `num_retries`, `timeout`, `disable_fallbacks`, `tags`, and `tags` in `metadata`.

use bytes::Bytes;
use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::Value;
use sonic_rs::JsonValueTrait;

/// The names at the top of a body.
pub const NAMES: [&str; 5] = ["fallbacks", "num_retries", "timeout", "disable_fallbacks", "tags"];

/// What stood in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingFields {
    /// Other models to go to.
    pub fallbacks: Option<Vec<String>>,
    /// Attempts after the first.
    pub num_retries: Option<u64>,
    /// Seconds, as they were written.
    pub timeout_seconds: Option<String>,
    /// Go to no other model.
    pub disable_fallbacks: bool,
    /// What the deployment should be tagged with.
    pub tags: Vec<String>,
    /// Says which requests belong together.
    pub session: Option<String>,
}

/// Reads the fields of a body that is a JSON object, and gives the body without them.
pub fn take(body: &[u8]) -> Result<(RoutingFields, Bytes), ApiError> {
    let mut fields = RoutingFields::default();
    let mut rest = Vec::with_capacity(body.len());
    for member in sonic_rs::to_object_iter(body) {
        let (key, value) = member.map_err(|_| wrong("body", "a JSON object"))?;
        let raw = value.as_raw_str();
        let kept = match key.as_ref() {
            name if NAMES.contains(&name) => {
                fields.read(name, raw)?;
                continue;
            }
            "metadata" if value.get("tags").is_some_and(|tags| tags.is_array()) => fields.without_tags(raw)?,
            _ => None,
        };
        rest.push(if rest.is_empty() { b'{' } else { b',' });
        rest.extend_from_slice(Value::from(key.as_ref()).to_string().as_bytes());
        rest.push(b':');
        rest.extend_from_slice(kept.as_deref().unwrap_or(raw).as_bytes());
    }
    if rest.is_empty() {
        rest.push(b'{');
    }
    rest.push(b'}');
    Ok((fields, rest.into()))
}

impl RoutingFields {
    fn read(&mut self, name: &str, raw: &str) -> Result<(), ApiError> {
        let value: Value = serde_json::from_str(raw).map_err(|_| wrong(name, "JSON"))?;
        if value.is_null() {
            return Ok(());
        }
        match name {
            "fallbacks" => self.fallbacks = Some(models(&value)?),
            "num_retries" => {
                self.num_retries = Some(value.as_u64().ok_or_else(|| wrong(name, "a whole number"))?);
            }
            "timeout" => {
                let text = value.as_str().map(str::to_owned).or_else(|| value.is_number().then(|| value.to_string()));
                self.timeout_seconds = Some(text.ok_or_else(|| wrong(name, "a number of seconds"))?);
            }
            "disable_fallbacks" => {
                self.disable_fallbacks = value.as_bool().ok_or_else(|| wrong(name, "true or false"))?;
            }
            _ => self.tags.extend(texts(&value).ok_or_else(|| wrong(name, "an array of strings"))?),
        }
        Ok(())
    }

    /// The metadata without its tags.
    fn without_tags(&mut self, raw: &str) -> Result<Option<String>, ApiError> {
        let mut metadata: serde_json::Map<String, Value> =
            serde_json::from_str(raw).map_err(|_| wrong("metadata", "an object"))?;
        let tags = metadata.shift_remove("tags").unwrap_or_default();
        self.tags.extend(texts(&tags).ok_or_else(|| wrong("metadata.tags", "an array of strings"))?);
        let kept = serde_json::to_string(&metadata).map_err(|_| wrong("metadata", "an object"))?;
        Ok(Some(kept))
    }
}

/// Names, or LiteLLM's objects with a `model` in them.
fn models(value: &Value) -> Result<Vec<String>, ApiError> {
    let expected = || wrong("fallbacks", "an array of model names");
    let name = |entry: &Value| entry.as_str().or_else(|| entry.get("model")?.as_str()).map(str::to_owned);
    value.as_array().ok_or_else(expected)?.iter().map(|entry| name(entry).ok_or_else(expected)).collect()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
}

fn wrong(field: &str, expected: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, field, format!("`{field}` has to be {expected}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_read_and_do_not_reach_the_provider() {
        let body =
            br#"{"num_retries":1,"model":"m","fallbacks":["a",{"model":"b"}], "x": 1.0E+2 ,"timeout":2.5,"tags":["eu"],
            "metadata":{"tags":["prod"],"a":"1"},"messages":[]}"#;
        let (fields, rest) = take(body).unwrap();
        assert_eq!(fields.fallbacks, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((fields.num_retries, fields.timeout_seconds.as_deref()), (Some(1), Some("2.5")));
        assert_eq!(fields.tags, ["eu", "prod"]);
        assert_eq!(
            std::str::from_utf8(&rest).unwrap(),
            r#"{"model":"m","x":1.0E+2,"metadata":{"a":"1"},"messages":[]}"#
        );
        assert_eq!(take(br#"{"tags":[]}"#).unwrap().1.as_ref(), b"{}");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (body, field) in [
            (r#"{"fallbacks":"a"}"#, "fallbacks"),
            (r#"{"num_retries":-1}"#, "num_retries"),
            (r#"{"tags":[1]}"#, "tags"),
            (r#"{"metadata":{"tags":[1]}}"#, "metadata.tags"),
        ] {
            assert_eq!(take(body.as_bytes()).unwrap_err().param.as_deref(), Some(field), "{body}");
        }
    }
}
