//! Streams, read and written.

use bytes::BytesMut;
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    pricing::Usage,
};
use serde_json::{Value, json};

use crate::{
    anthropic::AnthropicMessages,
    canonical::{Answer, Choice, Collector, Delta, Event, FailureClass, Part, PartKind, PartStart, StopReason},
    dialect::{Asked, ClientDialect, Unreadable, VendorDialect},
    sse::{self, SseDecoder},
};

fn read(events: &[Value]) -> (Vec<Event>, Result<(), Unreadable>) {
    let frames: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let stream = frames.concat();
    let (mut reader, mut events) = (AnthropicMessages.stream_reader(), Vec::new());
    let outcome = reader.read(stream.as_bytes(), &mut events).and_then(|()| reader.finish(&mut events));
    (events, outcome)
}

fn written(events: &[Event]) -> Vec<Value> {
    let asked = Asked { model: "the-model".into(), unique: "0a1b".into(), ..Asked::default() };
    let (mut writer, mut out) = (AnthropicMessages.stream_writer(&asked), BytesMut::new());
    for event in events {
        writer.write(event, &mut out);
    }
    frames(&out)
}

/// The payloads; that each has the name of its event.
fn frames(out: &[u8]) -> Vec<Value> {
    let mut frames = Vec::new();
    let take = |event: bytes::Bytes| {
        let value: Value = serde_json::from_slice(&sse::data(&event).unwrap()).unwrap();
        let name = format!("event: {}\n", value["type"].as_str().unwrap());
        assert!(event.starts_with(name.as_bytes()), "{event:?}");
        frames.push(value);
    };
    let mut decoder = SseDecoder::default();
    decoder.push(&bytes::Bytes::copy_from_slice(out), take).unwrap();
    assert_eq!(decoder.finish(), None, "whole frames only");
    frames
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

fn start() -> Event {
    let (id, model) = (String::new(), String::new());
    Event::Start { id, model, created: None, usage: None, service_tier: None, fingerprint: None }
}

fn begin(part: u32, start: PartStart) -> Event {
    Event::PartStart { choice: 0, part, start }
}

fn add(part: u32, delta: Delta) -> Event {
    Event::PartDelta { choice: 0, part, delta }
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

#[test]
fn usage_that_comes_last_stands_in_the_message_delta() {
    let usage = Usage { input_tokens: 30, cached_input_tokens: 20, output_tokens: 5, ..Usage::default() };
    let frames = written(&[
        start(),
        begin(0, PartStart::Text),
        add(0, Delta::Text("Hi".into())),
        end(0),
        Event::Stop { choice: 0, reason: StopReason::Length },
        Event::Usage(usage),
        Event::End,
    ]);
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(types(&frames), expected);
    assert_eq!(frames[0]["message"]["id"], "msg_0a1b");
    assert_eq!(frames[5]["delta"], json!({"stop_reason": "max_tokens", "stop_sequence": null}));
    let usage = &frames[5]["usage"];
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(10), &json!(20)));
}

#[test]
fn a_part_that_anthropic_cannot_have_leaves_no_gap_in_the_numbers() {
    let source = crate::canonical::Source::Data { media_type: "audio/wav".into(), data: "UklGRg==".into() };
    let sound = PartStart::Whole(Box::new(PartKind::Audio { source }.into()));
    let call = PartStart::ToolCall { id: "c".into(), name: "f".into(), signature: None };
    let frames = written(&[
        start(),
        begin(0, sound),
        end(0),
        begin(1, PartStart::Reasoning),
        add(1, Delta::Text("Hm.".into())),
        end(1),
        begin(2, call),
        add(2, Delta::Arguments("{\"a\":".into())),
        add(2, Delta::Arguments("1}".into())),
        end(2),
        Event::Stop { choice: 0, reason: StopReason::End },
        Event::End,
    ]);
    let numbers: Vec<u64> = frames.iter().filter_map(|frame| frame["index"].as_u64()).collect();
    assert_eq!(numbers, [0, 0, 0, 1, 1, 1, 1]);
    let thinking = frames.iter().find(|frame| frame["type"] == "content_block_start").unwrap();
    assert_eq!(thinking["content_block"], json!({"type": "thinking", "thinking": "", "signature": ""}));
    let last = frames.iter().find(|frame| frame["type"] == "message_delta").unwrap();
    assert_eq!(last["delta"]["stop_reason"], "tool_use", "a vendor that only says the model finished");
}

#[test]
fn choices_after_the_first_are_not_written() {
    let second = Event::PartStart { choice: 1, part: 0, start: PartStart::Text };
    assert_eq!(types(&written(&[start(), second, Event::End])), ["message_start", "message_delta", "message_stop"]);
}

#[test]
fn an_error_ends_a_stream() {
    let asked = Asked::default();
    let (mut writer, mut out) = (AnthropicMessages.stream_writer(&asked), BytesMut::new());
    writer.write(&start(), &mut out);
    writer.error(&ApiError::new(ErrorCode::UpstreamOverloaded, "Later."), &mut out);
    writer.write(&Event::End, &mut out);
    writer.error(&ApiError::new(ErrorCode::InternalError, "Again."), &mut out);
    let frames = frames(&out);
    assert_eq!(types(&frames), ["message_start", "error"]);
    assert_eq!(frames[1]["error"], json!({"type": "overloaded_error", "message": "Later."}));
}

#[test]
fn a_stream_of_anthropics_survives_reading_and_writing() {
    let parts = vec![
        Part::from(PartKind::Reasoning { text: "Hm.".into(), signature: Some("c2ln".into()), encrypted: None }),
        PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some("ZW5j".into()) }.into(),
        Part::text("Let me look."),
        PartKind::Own {
            name: "server_tool_use".into(),
            value: json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}),
        }
        .into(),
        PartKind::ToolCall { id: "c".into(), name: "f".into(), arguments: "{\"a\":1}".into(), signature: None }.into(),
    ];
    let usage = Usage { input_tokens: 9, output_tokens: 8, searches: 1, ..Usage::default() };
    let choice = Choice { parts, stop: Some(StopReason::ToolCalls), logprobs: None };
    let answer = Answer {
        id: "msg_1".into(),
        model: "the-model".into(),
        choices: vec![choice],
        usage: Some(usage),
        ..Answer::default()
    };
    let (events, outcome) = read(&written(&answer.clone().into_events()));
    assert_eq!(outcome, Ok(()));
    let mut collector = Collector::default();
    for event in events {
        collector.take(event);
    }
    assert_eq!(collector.finish(), Ok(answer));
}

#[test]
fn a_block_that_is_whole_at_its_begin_is_taken_as_its_first_piece() {
    let block =
        |index: u32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let (events, outcome) = read(&[
        block(0, json!({"type": "text", "text": "Hi"})),
        block(1, json!({"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}})),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "late"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_stop"}),
    ]);
    assert_eq!(outcome, Ok(()));
    let call = PartStart::ToolCall { id: "c".into(), name: "f".into(), signature: None };
    let expected = [
        start(),
        begin(0, PartStart::Text),
        add(0, Delta::Text("Hi".into())),
        end(0),
        begin(1, call),
        add(1, Delta::Arguments("{\"a\":1}".into())),
        end(1),
        Event::End,
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_stream_that_breaks_off_is_not_whole_and_one_with_an_error_says_so() {
    let begun = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let (events, outcome) =
        read(&[begun.clone(), json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})]);
    assert!(outcome.is_err());
    assert!(!events.contains(&Event::End));
    let error = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}});
    let (events, outcome) = read(&[begun, error, json!({"type": "message_stop"})]);
    assert_eq!(outcome, Ok(()));
    let Some(Event::Error(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!((failure.class, failure.message.as_deref()), (FailureClass::RateLimit, Some("Slow down.")));
}

#[test]
fn what_is_no_event_of_anthropics_is_unreadable() {
    let (mut reader, mut events) = (AnthropicMessages.stream_reader(), Vec::new());
    assert!(reader.read(b"data: <html>\n\n", &mut events).is_err());
    let (mut reader, mut events) = (AnthropicMessages.stream_reader(), Vec::new());
    assert_eq!(reader.read(b"data: {\"type\":\"news\",\"delta\":[]}\n\ndata: [DONE]\n\n", &mut events), Ok(()));
    assert!(events.is_empty());
}
