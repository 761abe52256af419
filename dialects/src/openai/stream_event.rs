//! One event of a chat completion stream: what it tells us, and what of it the client should see.

use bytes::{Bytes, BytesMut};
use deltallm_shared::pricing::Usage;
use sonic_rs::JsonValueTrait;

use super::{request_index::range_in, usage};
use crate::sse;

/// What to do with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Pass it on as it came.
    AsIs,
    /// Pass this on instead.
    Instead(Bytes),
    /// The client did not ask for it.
    Hidden,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The usage so far, where the event has it.
    pub usage: Option<Usage>,
    /// The tier that served the answer, where the event has usage.
    pub service_tier: Option<String>,
    /// `[DONE]`.
    pub is_done: bool,
    /// The provider reports an error in the stream.
    pub is_error: bool,
    /// What the client should see.
    pub shown: Shown,
}

/// How every event but the last ends at OpenAI when usage was asked for.
const NULL_USAGE_END: &[u8] = b",\"usage\":null}\n\n";

/// Reads an event. `show_usage`: the client asked for usage itself.
pub fn read(event: &Bytes, show_usage: bool) -> Reading {
    let mut reading = Reading { usage: None, service_tier: None, is_done: false, is_error: false, shown: Shown::AsIs };
    // The last brace closes the payload, so what stands before it is a member of the payload itself: nothing to parse.
    if let Some(rest) = event.strip_suffix(NULL_USAGE_END).filter(|rest| is_delta(rest)) {
        if !show_usage {
            reading.shown = Shown::Instead(Bytes::from([rest, b"}\n\n"].concat()));
        }
        return reading;
    }
    let Some(payload) = sse::data(event) else { return reading };
    if payload.as_ref() == b"[DONE]" {
        reading.is_done = true;
        return reading;
    }
    if memchr::memmem::find(&payload, b"\"error\"").is_some() {
        reading.is_error =
            sonic_rs::get(payload.as_ref(), ["error"]).is_ok_and(|error| error.is_object() || error.is_str());
    }
    // Most events have no usage: one search decides, nothing is parsed.
    if memchr::memmem::find(&payload, b"\"usage\"").is_none() {
        return reading;
    }
    let Ok(value) = sonic_rs::get(payload.as_ref(), ["usage"]) else { return reading };
    reading.usage = usage::read(value.as_raw_str().as_bytes());
    if reading.usage.is_some() {
        reading.service_tier = usage::service_tier_of(&payload);
    }
    if !show_usage {
        reading.shown = hide_usage(event, &payload, value.as_raw_str());
    }
    reading
}

/// Whether an event holds something of the answer itself: text, thoughts, a tool call, an end. The first event of a stream usually
/// holds a role only.
pub fn has_content(event: &[u8]) -> bool {
    const MEMBERS: [&[u8]; 9] = [
        b"\"content\"",
        b"\"reasoning_content\"",
        b"\"reasoning\"",
        b"\"refusal\"",
        b"\"text\"",
        b"\"finish_reason\"",
        b"\"tool_calls\"",
        b"\"function_call\"",
        b"\"audio\"",
    ];
    let is_filled = |name: &&[u8]| {
        memchr::memmem::find_iter(event, name).any(|at| {
            // Without a colon it is a value, or a word of a text.
            let rest = event[at + name.len()..].trim_ascii_start();
            rest.strip_prefix(b":").is_some_and(|value| !is_nothing(value.trim_ascii_start()))
        })
    };
    MEMBERS.iter().any(is_filled) || memchr::memmem::find(event, b"[DONE]").is_some()
}

/// Whether what begins here says nothing: some servers write every member that there is into every event.
fn is_nothing(value: &[u8]) -> bool {
    let closes_at_once = |open: &[u8], close: &[u8]| {
        value.strip_prefix(open).is_some_and(|inner| inner.trim_ascii_start().starts_with(close))
    };
    value.starts_with(b"\"\"") || value.starts_with(b"null") || closes_at_once(b"[", b"]") || closes_at_once(b"{", b"}")
}

/// Whether an event is the usual piece of an answer: one data line, and no error in it.
fn is_delta(event: &[u8]) -> bool {
    event.starts_with(b"data: {")
        && memchr::memchr(b'\n', event).is_none()
        && memchr::memmem::find(event, b"\"error\"").is_none()
}

/// Drops an event that is about usage only; cuts the member out of one that says something else too.
fn hide_usage(event: &Bytes, payload: &[u8], usage_value: &str) -> Shown {
    let choices = sonic_rs::get(payload, ["choices"]).ok();
    let says_nothing_else = choices.is_none_or(|choices| choices.as_raw_str()[1..].trim_start().starts_with(']'));
    if says_nothing_else && usage_value != "null" {
        return Shown::Hidden;
    }
    let Some(cut) = member_around(payload, range_in(payload, usage_value)) else { return Shown::AsIs };
    // The payload is a slice of the event when it is one data line, which it always is here in practice.
    let Some(at) = memchr::memmem::find(event, payload) else { return Shown::AsIs };
    let mut out = BytesMut::with_capacity(event.len());
    out.extend_from_slice(&event[..at + cut.start]);
    out.extend_from_slice(&event[at + cut.end..]);
    Shown::Instead(out.freeze())
}

/// The whole member `"usage": value` with the comma that goes with it.
fn member_around(payload: &[u8], value: std::ops::Range<usize>) -> Option<std::ops::Range<usize>> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let before = &payload[..value.start];
    let key = memchr::memmem::rfind(before, b"\"usage\"")?;
    let comma_before = payload[..key].iter().rposition(|byte| !is_space(byte)).filter(|at| payload[*at] == b',');
    if let Some(comma) = comma_before {
        return Some(comma..value.end);
    }
    let rest = &payload[value.end..];
    let gap = rest.iter().take_while(|byte| is_space(byte)).count();
    let end = if rest.get(gap) == Some(&b',') { value.end + gap + 1 } else { value.end };
    Some(key..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Bytes {
        Bytes::from(format!("data: {json}\n\n"))
    }

    #[test]
    fn a_role_alone_is_no_content() {
        for json in [
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content": null}}]}"#,
            r#"{"choices":[],"prompt_filter_results":[]}"#,
            r#"{"choices":[{"delta":{"role":"assistant","content":"","function_call":null,"tool_calls":null,"audio": null}}]}"#,
            r#"{"choices":[{"delta":{"role":"assistant","content":"","tool_calls":[ ],"audio":{}},"finish_reason":null}]}"#,
        ] {
            assert!(!has_content(&event(json)), "{json}");
        }
        for json in [
            r#"{"choices":[{"delta":{"content":"H"},"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content": "H"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{"content":null,"tool_calls" : [ {"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{"content":null,"function_call":{"name":"f"}}}]}"#,
            r#"{"choices":[{"delta":{"audio":{"id":"a"}}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"text":"H"}]}"#,
            "[DONE]",
        ] {
            assert!(has_content(&event(json)), "{json}");
        }
    }

    #[test]
    fn a_delta_passes_as_it_came() {
        let reading = read(&event(r#"{"choices":[{"delta":{"content":"the \"usage\" of error"}}]}"#), false);
        assert_eq!(
            reading,
            Reading { usage: None, service_tier: None, is_done: false, is_error: false, shown: Shown::AsIs }
        );
    }

    #[test]
    fn the_usage_event_is_read_and_hidden_from_who_did_not_ask() {
        let last = event(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#);
        let expected = Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() };
        assert_eq!((read(&last, false).usage, read(&last, false).shown), (Some(expected), Shown::Hidden));
        assert_eq!(read(&last, true).shown, Shown::AsIs);
    }

    #[test]
    fn a_null_usage_is_cut_out_wherever_it_stands() {
        let cases = [
            (r#"{"choices":[{"x":1}],"usage":null}"#, r#"{"choices":[{"x":1}]}"#),
            (r#"{"usage" : null , "choices":[{"x":1}]}"#, r#"{ "choices":[{"x":1}]}"#),
            (r#"{"a":1,"usage":{"prompt_tokens":1},"choices":[{"x":1}]}"#, r#"{"a":1,"choices":[{"x":1}]}"#),
            (r#"{"choices":[],"error":null,"usage":null}"#, r#"{"choices":[],"error":null}"#),
            (r#"{"choices":[],"usage":null}"#, r#"{"choices":[]}"#),
        ];
        for (json, expected) in cases {
            assert_eq!(read(&event(json), false).shown, Shown::Instead(event(expected)), "{json}");
        }
    }

    #[test]
    fn the_end_and_errors_are_seen() {
        assert!(read(&event("[DONE]"), false).is_done);
        assert!(read(&event(r#"{"error":{"message":"overloaded"}}"#), false).is_error);
        assert!(!read(&event(r#"{"choices":[{"x":"\"error\""}],"error":null}"#), false).is_error);
        assert_eq!(read(&Bytes::from_static(b": ping\n\n"), false).shown, Shown::AsIs);
    }
}
