//! What a client of the Responses API lives through: mistakes, a conversation of two turns, streams and how they end.

use bytes::BytesMut;
use deltallm_shared::error::{ApiError, ErrorCode};
use deltallm_shared::pricing::Usage;
use serde_json::{Value, json};

use super::OpenAiResponses;
use crate::canonical::{
    Answer, Choice, Citation, Delta, Event, Message, Part, PartKind, PartStart, Role, Source, StopReason,
};
use crate::dialect::{Asked, ClientDialect, StreamWriter, VendorDialect};
use crate::sse::{self, MAX_EVENT_BYTES, SseDecoder};

fn asked() -> Asked {
    Asked { model: "the-model".into(), unique: "ab12".into(), created: 1_700_000_000, ..Asked::default() }
}

fn events_of(written: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    let mut take = |event: bytes::Bytes| {
        let value: Value = serde_json::from_slice(&sse::data(&event).unwrap()).unwrap();
        let line = format!("event: {}\n", value["type"].as_str().unwrap());
        assert!(event.starts_with(line.as_bytes()), "{event:?}");
        events.push(value);
    };
    SseDecoder::default().push(&bytes::Bytes::copy_from_slice(written), &mut take).unwrap();
    events
}

fn write_all(writer: &mut dyn StreamWriter, events: &[Event], out: &mut BytesMut) {
    for event in events {
        writer.write(event, out);
    }
}

fn streamed(events: &[Event]) -> Vec<Value> {
    let (mut writer, mut out) = (OpenAiResponses.stream_writer(&asked()), BytesMut::new());
    write_all(&mut *writer, events, &mut out);
    events_of(&out)
}

fn whole(answer: &Answer) -> Value {
    serde_json::from_slice(&OpenAiResponses.write_answer(answer, &asked())).unwrap()
}

fn call(id: &str, signature: Option<&str>) -> Part {
    let (name, arguments) = ("get_weather".into(), r#"{"city":"Paris"}"#.into());
    PartKind::ToolCall { id: id.into(), name, arguments, signature: signature.map(Into::into) }.into()
}

fn thought(text: &str, signature: Option<&str>, encrypted: Option<&str>) -> Part {
    let (signature, encrypted) = (signature.map(Into::into), encrypted.map(Into::into));
    PartKind::Reasoning { text: text.into(), signature, encrypted }.into()
}

fn answer(parts: Vec<Part>, stop: StopReason) -> Answer {
    let usage = Usage { input_tokens: 9, output_tokens: 4, ..Usage::default() };
    let choices = vec![Choice { parts, stop: Some(stop), logprobs: None }];
    Answer { id: "msg_x".into(), model: "vendor".into(), choices, usage: Some(usage), ..Answer::default() }
}

fn answers() -> Vec<Answer> {
    let image = Source::Data { media_type: "image/png".into(), data: "iVBORw0KGgo=".into() };
    let citations = vec![
        Citation { url: Some("https://example.com".into()), title: Some("W".into()), ..Citation::default() },
        Citation { title: Some("report.pdf".into()), start: Some(0), end: Some(2), ..Citation::default() },
    ];
    let refusal = || PartKind::Refusal { text: "No.".into() }.into();
    vec![
        answer(vec![Part::text("Hällo")], StopReason::End),
        answer(vec![Part::text("Hi"), Part::text(""), Part::text(" there")], StopReason::Length),
        answer(vec![Part::text(""), call("call_1", None), call("", Some("c2ln"))], StopReason::ToolCalls),
        answer(vec![thought("Hm.", Some("s"), None), thought("", None, Some("e")), Part::text("Hi")], StopReason::End),
        answer(vec![PartKind::Text { text: "Hällo".into(), citations }.into()], StopReason::End),
        answer(vec![PartKind::Image { source: image, detail: None }.into(), Part::text("See?")], StopReason::End),
        answer(vec![Part::text("I"), refusal()], StopReason::Refusal),
        answer(vec![Part::text("I")], StopReason::Refusal),
        answer(vec![], StopReason::ContentFilter),
        answer(vec![Part::text("The end")], StopReason::StopSequence(Some("END".into()))),
    ]
}

#[test]
fn a_stream_ends_with_the_answer_that_comes_without_a_stream() {
    for answer in answers() {
        let whole = whole(&answer);
        let events = streamed(&answer.into_events());
        assert_eq!(events.last().unwrap()["response"], whole);
        let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn every_level_of_a_stream_tells_the_same() {
    for answer in answers() {
        let events = streamed(&answer.into_events());
        let output = events.last().unwrap()["response"]["output"].as_array().unwrap().clone();
        let of_kind = |kind: &str| events.iter().filter(move |event| event["type"] == kind).collect::<Vec<_>>();
        let (added, done) = (of_kind("response.output_item.added"), of_kind("response.output_item.done"));
        assert_eq!(done.iter().map(|event| event["item"].clone()).collect::<Vec<_>>(), output);
        assert_eq!(added.len(), done.len());
        for (at, (added, done)) in added.iter().zip(&done).enumerate() {
            assert_eq!((&added["output_index"], &added["item"]["id"]), (&json!(at), &done["item"]["id"]));
        }
        let joined =
            |kind: &str| of_kind(kind).iter().map(|event| event["delta"].as_str().unwrap()).collect::<String>();
        let texts = |path: &str| {
            let contents = output.iter().filter_map(|item| item["content"].as_array()).flatten();
            contents.filter_map(|content| content[path].as_str()).collect::<String>()
        };
        assert_eq!(joined("response.output_text.delta"), texts("text"));
        assert_eq!(joined("response.refusal.delta"), texts("refusal"));
        let arguments = output.iter().filter_map(|item| item["arguments"].as_str()).collect::<String>();
        assert_eq!(joined("response.function_call_arguments.delta"), arguments);
    }
}

#[test]
fn what_a_client_is_given_comes_back_with_its_next_turn() {
    let parts = vec![
        thought("I look it up.", Some("c2lnbg=="), None),
        thought("", None, Some("gAAAA")),
        Part::text("One moment."),
        call("call_1", Some("c2ln")),
        call("call_2", None),
    ];
    let answer = answer(parts.clone(), StopReason::ToolCalls);
    let output = |response: &Value| response["output"].as_array().unwrap().clone();
    let by_stream = streamed(&answer.clone().into_events()).last().unwrap()["response"].clone();
    for response in [whole(&answer), by_stream] {
        let mut input = vec![json!({"role": "user", "content": "Paris?"})];
        input.extend(output(&response));
        input.push(json!({"type": "function_call_output", "call_id": "call_1", "output": "18"}));
        let body = json!({"model": "the-model", "input": input}).to_string();
        let request = OpenAiResponses.read_request(body.as_bytes(), None, false).unwrap();
        assert_eq!(request.messages[1], Message::new(Role::Assistant, parts.clone()));
        assert_eq!(request.messages.len(), 3);
    }
}

#[test]
fn a_signature_that_comes_after_its_call_comes_back_too() {
    let start = PartStart::ToolCall { id: "call_1".into(), name: "get_weather".into(), signature: None };
    let of_part = |delta| Event::PartDelta { choice: 0, part: 0, delta };
    let mut events = answer(vec![], StopReason::ToolCalls).into_events();
    events.splice(
        1..1,
        [
            Event::PartStart { choice: 0, part: 0, start },
            of_part(Delta::Arguments(r#"{"city":"Paris"}"#.into())),
            of_part(Delta::Signature("c2ln".into())),
            Event::PartEnd { choice: 0, part: 0 },
        ],
    );
    let output = streamed(&events).last().unwrap()["response"]["output"].clone();
    let body = json!({"model": "m", "input": output}).to_string();
    let request = OpenAiResponses.read_request(body.as_bytes(), None, false).unwrap();
    assert_eq!(request.messages, [Message::new(Role::Assistant, vec![call("call_1", Some("c2ln"))])]);
}

#[test]
fn a_stream_that_fails_says_so_and_ends() {
    let error = ApiError::new(ErrorCode::RateLimitExceeded, "Too many.");
    for told in [0, 3] {
        let (mut writer, mut out) = (OpenAiResponses.stream_writer(&asked()), BytesMut::new());
        let events = answer(vec![Part::text("Hi")], StopReason::End).into_events();
        write_all(&mut *writer, &events[..told], &mut out);
        writer.error(&error, &mut out);
        let length = out.len();
        write_all(&mut *writer, &events[told..], &mut out);
        writer.error(&error, &mut out);
        assert_eq!(out.len(), length, "something follows the error");

        let written = events_of(&out);
        let kinds: Vec<&str> = written.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
        assert_eq!(kinds[kinds.len() - 2..], ["error", "response.failed"]);
        let response = &written.last().unwrap()["response"];
        assert_eq!(response["status"], "failed");
        assert_eq!(response["error"], json!({"code": "rate_limit_exceeded", "message": "Too many."}));
        assert_eq!(response["output"].as_array().unwrap().len(), usize::from(told > 0));
    }
}

#[test]
fn the_answer_repeats_what_was_asked() {
    let request = json!({"model": "m", "input": "hi", "instructions": "Be terse.", "temperature": 0.5, "store": true,
        "text": {"verbosity": "low"}, "tools": [{"type": "function", "name": "f"}], "tool_choice": null});
    let asked = Asked { request, ..asked() };
    let body = OpenAiResponses.write_answer(&answers()[0], &asked);
    let response: Value = serde_json::from_slice(&body).unwrap();
    for (name, expected) in [
        ("id", json!("resp_ab12")),
        ("model", json!("the-model")),
        ("instructions", json!("Be terse.")),
        ("temperature", json!(0.5)),
        ("text", json!({"verbosity": "low", "format": {"type": "text"}})),
        ("tools", json!([{"type": "function", "name": "f"}])),
        ("tool_choice", json!("auto")),
        ("store", json!(false)),
        ("top_p", Value::Null),
    ] {
        assert_eq!(response[name], expected, "{name}");
    }
}

#[test]
fn mistakes_name_the_field() {
    let cases = [
        (r#"{"input":"hi"}"#, Some("model")),
        (r#"{"model":"","input":"hi"}"#, Some("model")),
        (r#"{"model":"m"}"#, Some("input")),
        (r#"{"model":"m","input":7}"#, Some("input")),
        (r#"{"model":"m","input":[7]}"#, Some("input[0]")),
        (r#"{"model":"m","input":[{"role":"tool","content":"x"}]}"#, Some("input[0].role")),
        (r#"{"model":"m","input":[{"role":"user"}]}"#, Some("input[0].content")),
        (r#"{"model":"m","input":[{"role":"user","content":[{"text":"x"}]}]}"#, Some("input[0].content[0].type")),
        (
            r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]}"#,
            Some("input[0].content[0].image_url"),
        ),
        (r#"{"model":"m","input":[{"type":"function_call","call_id":"c"}]}"#, Some("input[0].name")),
        (r#"{"model":"m","input":[{"type":"function_call_output","call_id":"c"}]}"#, Some("input[0].output")),
        (r#"{"model":"m","input":"x","tools":[{"name":"f"}]}"#, Some("tools[0].type")),
        (r#"{"model":"m","input":"x","tools":[{"type":"function"}]}"#, Some("tools[0].name")),
        (r#"{"model":"m","input":"x","tool_choice":"any"}"#, Some("tool_choice")),
        (r#"{"model":"m","input":"x","reasoning":{"effort":"huge"}}"#, Some("reasoning.effort")),
        (r#"{"model":"m","input":"x","text":{"format":{"type":"xml"}}}"#, Some("text.format.type")),
        (
            r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"a"}}}"#,
            Some("text.format.schema"),
        ),
        (r#"{"model":"m","input":"x","max_output_tokens":-1}"#, Some("max_output_tokens")),
        (r#"{"model":"m","input":"x","previous_response_id":"resp_1"}"#, Some("previous_response_id")),
        (r#"{"model":"m","input":"x","conversation":"conv_1"}"#, Some("conversation")),
        (r#"{"model":"m","input":"x","prompt":{"id":"pmpt_1"}}"#, Some("prompt")),
        (r#"{"model":"m","input":"x","background":true}"#, Some("background")),
        (r#"{"model":"m","input":[{"type":"item_reference","id":"msg_1"}]}"#, Some("input[0]")),
        ("[]", None),
        ("{", None),
    ];
    for (body, param) in cases {
        let error = OpenAiResponses.read_request(body.as_bytes(), None, false).expect_err(body);
        assert_eq!((error.status(), error.param.as_deref()), (400, param), "{body}: {}", error.message);
    }
}

#[test]
fn a_vendor_who_holds_everything_open_is_cut_off() {
    let event = |json: Value| format!("data: {json}\n\n").into_bytes();
    let (mut reader, mut events) = (OpenAiResponses.stream_reader(), Vec::new());
    let delta = |at: u32, text: &str| {
        event(json!({"type": "response.output_text.delta", "output_index": at, "content_index": 0, "delta": text}))
    };
    reader.read(&delta(0, "first"), &mut events).unwrap();
    let long = "x".repeat(MAX_EVENT_BYTES / 4);
    let mut read = || reader.read(&delta(1, &long), &mut events);
    assert!((0..3).all(|_| read().is_ok()));
    assert!((0..2).any(|_| read().is_err()));
}

#[test]
fn a_failed_answer_is_no_answer() {
    let body = json!({"id": "resp_1", "status": "failed", "output": [],
        "error": {"code": "server_error", "message": "The model failed."}});
    assert!(OpenAiResponses.read_answer(body.to_string().as_bytes()).is_err());
    for body in ["", "{}", "[]", r#"{"output":7}"#, "<html>"] {
        assert!(OpenAiResponses.read_answer(body.as_bytes()).is_err(), "{body}");
    }
}
