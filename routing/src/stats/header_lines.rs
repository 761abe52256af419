//! What providers say of their limits in the header lines of an answer, read into one form.

use std::time::Duration;

use super::http_date::{http_date, rfc3339};

/// What is limited.
pub(super) const KINDS: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];

/// What was said of one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The limit.
    pub(super) limit: Option<u64>,
    /// What is left.
    pub(super) remaining: Option<u64>,
    /// In what time all of it is there again.
    pub(super) reset: Option<Duration>,
    /// Whether it comes back bit by bit, as OpenAI's and Anthropic's do, or all at once.
    pub(super) is_refilled: bool,
}

/// In its reset a provider names a time from now or a moment of its calendar.
#[derive(Clone, Copy)]
enum Reset {
    In(Duration),
    At(i64),
}

/// Reads all lines. In the order of [`KINDS`].
pub(super) fn read<'a>(lines: impl Iterator<Item = (&'a str, &'a str)>) -> [Said; 4] {
    let (mut said, mut resets, mut date) = ([Said::default(); 4], [None; 4], None);
    for (name, value) in lines {
        if name == "date" {
            date = http_date(value);
            continue;
        }
        let Some((kind, what, is_refilled)) = take_apart(name) else { continue };
        let (Some(said), Some(reset)) = (said.get_mut(kind), resets.get_mut(kind)) else { continue };
        said.is_refilled = is_refilled;
        match what {
            "limit" => said.limit = leading_number(value),
            "remaining" => said.remaining = leading_number(value),
            _ => *reset = read_reset(value),
        }
    }
    for (said, reset) in said.iter_mut().zip(resets) {
        said.reset = match (reset, date) {
            (Some(Reset::In(time)), _) => Some(time),
            (Some(Reset::At(moment)), Some(date)) => {
                u64::try_from(moment.saturating_sub(date)).ok().map(Duration::from_secs)
            }
            _ => None,
        };
    }
    said
}

/// For how long a provider wants to be left alone: `retry-after-ms`, else `retry-after` as seconds or date. Names are lower case.
pub fn retry_after<'a>(lines: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Duration> {
    let (mut exact, mut usual, mut moment, mut date) = (None, None, None, None);
    for (name, value) in lines {
        match name {
            "retry-after-ms" => exact = decimal(value, 1000),
            "retry-after" => (usual, moment) = (decimal(value, 1_000_000), http_date(value)),
            "date" => date = http_date(value),
            _ => {}
        }
    }
    let until_moment = || {
        let seconds = u64::try_from(moment?.saturating_sub(date?)).unwrap_or(0);
        Some(Duration::from_secs(seconds))
    };
    exact.or(usual).or_else(until_moment)
}

/// Kind, what is said of it, and whether it is refilled bit by bit.
fn take_apart(name: &str) -> Option<(usize, &str, bool)> {
    let kind_of = |kind: &str| KINDS.iter().position(|known| *known == kind);
    let is_known = |what: &str| matches!(what, "limit" | "remaining" | "reset");
    let (kind, what, is_refilled) = if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
        let (kind, what) = rest.rsplit_once('-')?;
        (kind_of(kind)?, what, true)
    } else if let Some(rest) = name.strip_prefix("x-ratelimit-") {
        match rest.split_once('-') {
            Some((what, kind)) => (kind_of(kind)?, what, true),
            None => (0, rest, false),
        }
    } else {
        (0, name.strip_prefix("ratelimit-")?, false)
    };
    is_known(what).then_some((kind, what, is_refilled))
}

/// `100`, and the beginning of `100, 100;w=60`.
fn leading_number(value: &str) -> Option<u64> {
    let value = value.trim();
    let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    // Nobody has more; so no later calculation can overflow.
    value.get(..end)?.parse().ok().filter(|number| *number < 1 << 48)
}

/// `6m0s`, `20ms`, `1.5s`, `30`, RFC 3339, or a moment as seconds or milliseconds since 1970.
fn read_reset(value: &str) -> Option<Reset> {
    let value = value.trim();
    if let Some(time) = decimal(value, 1_000_000) {
        return Some(match time.as_secs() {
            // No limit is set anew in thirty years.
            0..1_000_000_000 => Reset::In(time),
            seconds @ 1_000_000_000..1_000_000_000_000 => Reset::At(i64::try_from(seconds).ok()?),
            millis => Reset::At(i64::try_from(millis / 1000).ok()?),
        });
    }
    go_duration(value).map(Reset::In).or_else(|| rfc3339(value).map(Reset::At))
}

/// A row of numbers with units: `1h2m3.5s`, `20ms`.
fn go_duration(value: &str) -> Option<Duration> {
    let (mut rest, mut total) = (value, Duration::ZERO);
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let unit_us = match unit {
            "us" | "µs" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return None,
        };
        total = total.checked_add(decimal(number, unit_us)?)?;
        rest = next;
    }
    (!value.is_empty()).then_some(total)
}

/// A number with up to six places, in units of so many microseconds.
fn decimal(text: &str, unit_us: u64) -> Option<Duration> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let mut parts: u64 = 0;
    for place in 0..6 {
        parts = parts * 10 + u64::from(fraction.as_bytes().get(place).map_or(0, |digit| digit - b'0'));
    }
    let whole: u64 = whole.parse().ok()?;
    let parts = u128::from(parts) * u128::from(unit_us) / 1_000_000;
    let us = whole.checked_mul(unit_us)?.checked_add(u64::try_from(parts).ok()?)?;
    Some(Duration::from_micros(us))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(limit: u64, remaining: u64, reset: Duration) -> Said {
        Said { limit: Some(limit), remaining: Some(remaining), reset: Some(reset), is_refilled: true }
    }

    #[test]
    fn openai_and_azure() {
        let lines = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let [requests, tokens, ..] = read(lines.into_iter());
        assert_eq!(requests, said(60, 59, Duration::from_secs(1)));
        assert_eq!(tokens, said(150_000, 149_984, Duration::from_mins(6)));
    }

    #[test]
    fn anthropic_by_its_own_clock() {
        let lines = [
            ("date", "Mon, 23 Nov 2026 23:40:43 GMT"),
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-23T23:40:45Z"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
            ("anthropic-ratelimit-output-tokens-remaining", "7000"),
            ("anthropic-ratelimit-output-tokens-reset", "2026-11-23T23:41:43Z"),
        ];
        let [requests, tokens, input, output] = read(lines.into_iter());
        assert_eq!(requests, said(50, 49, Duration::from_secs(2)));
        assert_eq!((tokens, input), Default::default());
        assert_eq!(output, said(8000, 7000, Duration::from_mins(1)));
    }

    #[test]
    fn the_generic_form_and_moments_since_1970() {
        let [requests, ..] = read(
            [("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "3"), ("ratelimit-reset", "30")].into_iter(),
        );
        assert_eq!(requests, Said { is_refilled: false, ..said(100, 3, Duration::from_secs(30)) });
        let lines = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1795477303000"),
            ("date", "Mon, 23 Nov 2026 23:40:43 GMT"),
        ];
        let [requests, ..] = read(lines.into_iter());
        assert_eq!((requests.remaining, requests.reset), (Some(0), Some(Duration::from_mins(1))));
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        let of = |lines: &[(&'static str, &'static str)]| retry_after(lines.iter().copied());
        assert_eq!(of(&[("retry-after", "7"), ("retry-after-ms", "250")]), Some(Duration::from_millis(250)));
        assert_eq!(of(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        let date = ("date", "Mon, 23 Nov 2026 23:40:43 GMT");
        assert_eq!(of(&[("retry-after", "Mon, 23 Nov 2026 23:41:00 GMT"), date]), Some(Duration::from_secs(17)));
        assert_eq!(of(&[("retry-after", "Mon, 23 Nov 2026 23:00:00 GMT"), date]), Some(Duration::ZERO));
        assert_eq!(of(&[("retry-after", "soon")]), None);
    }

    #[test]
    fn durations_as_go_prints_them() {
        for (text, expected) in
            [("20ms", 20), ("1s", 1000), ("6m0s", 360_000), ("1h0m1.25s", 3_601_250), ("1m30.5s", 90_500)]
        {
            assert_eq!(go_duration(text), Some(Duration::from_millis(expected)), "{text}");
        }
        for wrong in ["", "s", "1x", "1..5s", "-1s", "99999999999999999999s", "999999999999h"] {
            assert_eq!(go_duration(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn garbage_says_nothing_and_breaks_nothing(
            lines in proptest::collection::vec((
                prop_oneof![
                    "x-ratelimit-(limit|remaining|reset)(-(requests|tokens))?",
                    "anthropic-ratelimit-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)",
                    "ratelimit-(limit|remaining|reset)", "retry-after(-ms)?", "date", "\\PC*",
                ],
                prop_oneof!["\\PC*", "[0-9]{0,30}", "[0-9.]{0,9}(ms|s|m|h|µ)[0-9.]{0,25}[a-z]{0,2}", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"],
            ), 0..12)
        ) {
            let lines = || lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let _ = (read(lines()), retry_after(lines()));
        }
    }
}
