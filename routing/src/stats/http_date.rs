//! The calendar in header lines: HTTP's own (`Mon, 23 Nov 2026 23:40:43 GMT`) and RFC 3339's, as seconds since 1970.
//!
//! A moment that a provider names is compared with the provider's own `date`: no clock of ours is asked, and one that goes wrong
//! does no harm.

use deltallm_shared::time_text::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// HTTP's preferred form (RFC 9110, section 5.6.7); the obsolete ones nobody sends any more.
pub(super) fn http_date(text: &str) -> Option<i64> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split_ascii_whitespace();
    let day: i64 = number(words.next()?, 31)?;
    let month = words.next()?;
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let year = number(words.next()?, 9999)?;
    let mut clock = words.next()?.split(':');
    let (hour, minute, second) = (number(clock.next()?, 23)?, number(clock.next()?, 59)?, number(clock.next()?, 60)?);
    (words.next()? == "GMT" && clock.next().is_none() && day > 0)
        .then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// RFC 3339.
pub(super) fn rfc3339(text: &str) -> Option<i64> {
    let moment: Timestamp = text.trim().parse().ok()?;
    Some(moment.0.div_euclid(1_000_000))
}

fn number(text: &str, most: i64) -> Option<i64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_digits && *number <= most)
}

/// Days since 1970 of a date of the Gregorian calendar. The year begins in March here, so that the leap day is its last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_calendars_agree() {
        for (http, rfc) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
            ("Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59Z"),
            ("Mon, 23 Nov 2026 23:40:43 GMT", "2026-11-23T23:40:43Z"),
        ] {
            assert_eq!(http_date(http).unwrap(), rfc3339(rfc).unwrap(), "{http}");
        }
        for wrong in ["", "Sun, 06 Nov 1994 08:49 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "x, 6 Foo 1994 08:49:37 GMT"]
        {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_no_date(text in ".*", date in "[A-Z][a-z]{2}, [0-9]{1,20} [A-Z][a-z]{2} [0-9]{1,20} [0-9:]{0,12} GMT") {
            let _ = (http_date(&text), http_date(&date), rfc3339(&text));
        }
    }
}
