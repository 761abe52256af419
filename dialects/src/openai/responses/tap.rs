//! Listens to Responses streams and answers that pass through: usage, the end, errors, and what was produced, for counting
//! where the client leaves before the provider says. Nothing is changed and deltas are not parsed.

use bytes::Bytes;
use deltallm_shared::pricing::Usage;

use super::usage;
use crate::openai::produced_text::ProducedText;
use crate::sse;

/// What an event says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What the whole answer consumed; at its end.
    pub usage: Option<Usage>,
    /// Nothing follows.
    pub is_done: bool,
    /// The provider reports an error.
    pub is_error: bool,
}

/// Reads an event.
pub fn read(event: &Bytes) -> Reading {
    let nothing = Reading::default();
    if kind_by_line(event).is_some_and(|kind| kind.ends_with(b".delta")) {
        return nothing;
    }
    let Some(payload) = sse::data(event) else { return nothing };
    if payload.as_ref() == b"[DONE]" {
        return Reading { is_done: true, ..nothing };
    }
    let Ok(kind) = sonic_rs::get(payload.as_ref(), ["type"]) else { return nothing };
    match kind.as_raw_str() {
        r#""response.completed""# | r#""response.incomplete""# => {
            Reading { usage: usage_in(&payload), is_done: true, ..nothing }
        }
        r#""response.failed""# | r#""response.cancelled""# => {
            Reading { usage: usage_in(&payload), is_done: true, is_error: true }
        }
        r#""error""# => Reading { is_error: true, ..nothing },
        _ => nothing,
    }
}

/// Adds what an event's delta produced. Events that repeat what came before add nothing.
pub fn take_produced(event: &Bytes, produced: &mut ProducedText) {
    if kind_by_line(event).is_some_and(|kind| !kind.ends_with(b".delta")) {
        return;
    }
    if let Some(payload) = sse::data(event) {
        produced.take_members(&payload, &[b"\"delta\":"]);
    }
}

/// The usage of a whole answer.
pub fn usage_of_answer(body: &[u8]) -> Option<Usage> {
    usage::of_response(body)
}

/// What a whole answer produced.
pub fn produced_of_answer(body: &[u8], produced: &mut ProducedText) {
    if let Ok(output) = sonic_rs::get(body, ["output"]) {
        let members: [&[u8]; 4] = [b"\"text\":", b"\"refusal\":", b"\"arguments\":", b"\"input\":"];
        produced.take_members(output.as_raw_str().as_bytes(), &members);
    }
}

/// The name on the event's first line, where it has one.
fn kind_by_line(event: &[u8]) -> Option<&[u8]> {
    let rest = event.strip_prefix(b"event:")?;
    let line = &rest[..memchr::memchr2(b'\n', b'\r', rest)?];
    Some(line.trim_ascii())
}

fn usage_in(payload: &[u8]) -> Option<Usage> {
    usage::of_response(sonic_rs::get(payload, ["response"]).ok()?.as_raw_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, json: &str) -> Bytes {
        Bytes::from(format!("event: {kind}\ndata: {json}\n\n"))
    }

    #[test]
    fn the_end_tells_the_usage() {
        let usage = r#"{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":7}"#;
        let expected = Usage {
            input_tokens: 3,
            output_tokens: 4,
            cached_input_tokens: 1,
            reasoning_tokens: 2,
            ..Usage::default()
        };
        for (kind, is_error) in [("completed", false), ("incomplete", false), ("failed", true)] {
            let json = format!(r#"{{"type":"response.{kind}","response":{{"usage":{usage}}},"sequence_number":9}}"#);
            let expected = Reading { usage: Some(expected), is_done: true, is_error };
            assert_eq!(read(&event(&format!("response.{kind}"), &json)), expected);
            assert_eq!(read(&Bytes::from(format!("data: {json}\n\n"))), expected, "without an event line");
        }
        assert_eq!(usage_of_answer(format!(r#"{{"usage":{usage}}}"#).as_bytes()), Some(expected));
    }

    #[test]
    fn errors_and_other_events_are_told_apart() {
        assert!(read(&event("error", r#"{"type":"error","code":"server_error","message":"x"}"#)).is_error);
        let text = r#"{"type":"response.output_text.delta","delta":"\"response.failed\" error"}"#;
        assert_eq!(read(&event("response.output_text.delta", text)), Reading::default());
        assert_eq!(read(&Bytes::from(format!("data: {text}\n\n"))), Reading::default());
        assert_eq!(read(&Bytes::from_static(b": ping\n\n")), Reading::default());
        assert_eq!(read(&Bytes::from_static(b"event: response.completed\ndata: {\n\n")), Reading::default());
        assert!(read(&Bytes::from_static(b"data: [DONE]\n\n")).is_done);
    }

    #[test]
    fn what_was_produced_is_counted_once() {
        let mut produced = ProducedText::default();
        for (kind, json) in [
            ("response.output_text.delta", r#"{"type":"response.output_text.delta","delta":"a \"b\""}"#),
            ("response.function_call_arguments.delta", r#"{"delta":"{\"x\":","obfuscation":"qq"}"#),
            ("response.output_text.done", r#"{"type":"response.output_text.done","text":"a \"b\""}"#),
            ("response.output_item.done", r#"{"item":{"content":[{"text":"a","delta":"x"}]}}"#),
        ] {
            take_produced(&event(kind, json), &mut produced);
        }
        assert_eq!((produced.pieces(), produced.into_text()), (2, "a \"b\"{\"x\":".to_owned()));

        let mut produced = ProducedText::default();
        let body = br#"{"instructions":"no","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]},{"arguments":"{}"}],"text":{"format":{"type":"text"}}}"#;
        produced_of_answer(body, &mut produced);
        assert_eq!(produced.into_text(), "hi{}");
    }
}
