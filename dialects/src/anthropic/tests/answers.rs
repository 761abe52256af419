//! Whole answers.

use deltallm_shared::pricing::Usage;
use serde_json::{Value, json};

use crate::{
    anthropic::{AnthropicMessages, usage_of_answer},
    canonical::{Answer, Choice, Citation, Part, PartKind, Source, StopReason},
    dialect::{Asked, ClientDialect, VendorDialect},
};

fn asked() -> Asked {
    Asked { model: "the-model".into(), unique: "0a1b".into(), created: 7, ..Asked::default() }
}

fn written(parts: Vec<PartKind>, stop: Option<StopReason>) -> Value {
    let parts = parts.into_iter().map(Part::from).collect();
    let answer = Answer { choices: vec![Choice { parts, stop, logprobs: None }], ..Answer::default() };
    serde_json::from_slice(&AnthropicMessages.write_answer(&answer, &asked())).unwrap()
}

fn text(text: &str) -> PartKind {
    PartKind::Text { text: text.into(), citations: Vec::new() }
}

fn call(arguments: &str) -> PartKind {
    PartKind::ToolCall { id: "c".into(), name: "f".into(), arguments: arguments.into(), signature: Some("s".into()) }
}

#[test]
fn an_answer_without_id_gets_one_and_the_public_name() {
    let body = written(vec![text("Hi.")], Some(StopReason::End));
    assert_eq!((&body["id"], &body["model"]), (&json!("msg_0a1b"), &json!("the-model")));
    assert_eq!(body["usage"]["input_tokens"], 0);
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("end_turn"), &Value::Null));
}

#[test]
fn every_reason_of_an_end_has_anthropics_word() {
    let reason = |parts: Vec<PartKind>, stop| written(parts, stop)["stop_reason"].as_str().unwrap().to_owned();
    let cases = [
        (StopReason::Length, "max_tokens"),
        (StopReason::ToolCalls, "tool_use"),
        (StopReason::StopSequence(Some("END".into())), "stop_sequence"),
        (StopReason::StopSequence(None), "end_turn"),
        (StopReason::ContentFilter, "refusal"),
        (StopReason::Refusal, "refusal"),
        (StopReason::Pause, "pause_turn"),
        (StopReason::ContextWindow, "model_context_window_exceeded"),
        (StopReason::Other("eos".into()), "end_turn"),
    ];
    for (stop, word) in cases {
        assert_eq!(reason(vec![text("x")], Some(stop)), word);
    }
    assert_eq!(reason(vec![call("{}")], Some(StopReason::End)), "tool_use");
    assert_eq!(reason(vec![PartKind::Refusal { text: "No.".into() }], None), "refusal");
}

#[test]
fn what_other_vendors_say_finds_a_place() {
    let thoughts = PartKind::Reasoning { text: "Hm.".into(), signature: None, encrypted: None };
    let source = Source::Data { media_type: "image/png".into(), data: "iVBORw0KGgo=".into() };
    let page = Citation { url: Some("https://example.com".into()), title: Some("T".into()), ..Citation::default() };
    let cited = PartKind::Text { text: "It is so.".into(), citations: vec![page, Citation::default()] };
    let content = written(
        vec![thoughts, cited, PartKind::Image { source: source.clone(), detail: None }, PartKind::Audio { source }],
        None,
    )["content"]
        .clone();
    assert_eq!(content.as_array().unwrap().len(), 3, "sound has no place");
    assert_eq!(content[0], json!({"type": "thinking", "thinking": "Hm.", "signature": ""}));
    assert_eq!(content[1]["citations"].as_array().unwrap().len(), 1);
    assert_eq!(content[1]["citations"][0]["url"], "https://example.com");
    assert_eq!(content[2]["source"]["media_type"], "image/png");
}

#[test]
fn arguments_are_an_object_and_what_is_none_stays_readable() {
    let input = |arguments: &str| written(vec![call(arguments)], None)["content"][0]["input"].clone();
    assert_eq!(input(""), json!({}));
    assert_eq!(input("{\"a\": [1]}"), json!({"a": [1]}));
    assert_eq!(input("{\"a\": "), json!("{\"a\": "));
    assert_eq!(written(vec![call("{}")], None)["content"][0]["signature"], "s");
}

#[test]
fn a_broken_answer_is_unreadable_and_a_strange_one_is_not() {
    for body in [b"".as_slice(), b"{}", b"[]", b"{\"content\":{}}", b"<html>", &[b'"', 0xff, b'"']] {
        assert!(AnthropicMessages.read_answer(body).is_err(), "{body:?}");
    }
    let strange =
        br#"{"content":[null,7,{"type":"text","text":{"a":1}},{"no":"type"},{"type":"text"}],"usage":"none"}"#;
    let answer = AnthropicMessages.read_answer(strange).unwrap();
    let kinds: Vec<PartKind> = answer.choices[0].parts.iter().map(|part| part.kind.clone()).collect();
    let unknown = PartKind::Own { name: "text".into(), value: json!({"type": "text", "text": {"a": 1}}) };
    assert_eq!(kinds, [unknown, text("")]);
    assert_eq!(answer.usage, None);
}

#[test]
fn the_usage_of_an_answer_that_passes_through_is_found_without_the_rest() {
    let long = "x".repeat(100_000);
    let body = json!({"content": [{"type": "text", "text": long}], "usage": {"input_tokens": 3, "output_tokens": 4}});
    let expected = Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() };
    assert_eq!(usage_of_answer(body.to_string().as_bytes()), Some(expected));
    assert_eq!(usage_of_answer(b"{}"), None);
    assert_eq!(usage_of_answer(&[b'{', 0xff]), None);
}
