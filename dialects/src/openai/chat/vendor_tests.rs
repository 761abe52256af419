//! Stories of vendors that are like OpenAI and yet not the same.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{ChatClient, ChatVendor};
use crate::canonical::{Collector, Delta, Event, FailureClass, PartKind, StopReason, Unsupported};
use crate::dialect::{Asked, ClientDialect, DialectId, Unreadable, VendorDialect};

/// What a provider is sent for a body of a client's; the second: what was left out.
fn sent(provider: &str, body: &Value) -> (Value, Vec<String>) {
    let request = ChatClient.read_request(body.to_string().as_bytes(), None, false).unwrap();
    let mut unsupported = Unsupported::new(provider, true);
    let body = ChatVendor::of_provider(provider).write_request(&request, &mut unsupported).unwrap();
    (serde_json::from_slice(&body).unwrap(), unsupported.dropped)
}

fn request(more: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hello"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn stream(chunks: &[Value]) -> String {
    chunks.iter().flat_map(|chunk| ["data: ".to_owned(), chunk.to_string(), "\n\n".to_owned()]).collect()
}

fn chunk(delta: Value) -> Value {
    json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn last(reason: &str) -> Value {
    json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn read(text: &str) -> Result<Vec<Event>, Unreadable> {
    let (mut reader, mut events) = (ChatVendor::of_provider("openai").stream_reader(), Vec::new());
    reader.read(text.as_bytes(), &mut events)?;
    reader.finish(&mut events)?;
    Ok(events)
}

fn parts(text: &str) -> Vec<PartKind> {
    let mut collector = Collector::default();
    read(text).unwrap().into_iter().for_each(|event| collector.take(event));
    collector.finish().unwrap().choices.remove(0).parts.into_iter().map(|part| part.kind).collect()
}

fn call(id: &str, arguments: &str) -> PartKind {
    PartKind::ToolCall { id: id.to_owned(), name: "look".to_owned(), arguments: arguments.to_owned(), signature: None }
}

#[test]
fn mistral_is_asked_in_its_own_words() {
    let body = request(json!({
        "max_completion_tokens": 9, "seed": 7, "stream": true, "store": true, "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {"name": "look"}}], "tool_choice": "required",
    }));
    let (sent, dropped) = sent("mistral", &body);
    assert_eq!(
        (&sent["max_tokens"], &sent["random_seed"], &sent["tool_choice"]),
        (&json!(9), &json!(7), &json!("any"))
    );
    for absent in ["max_completion_tokens", "seed", "stream_options", "store", "reasoning_effort"] {
        assert!(sent.get(absent).is_none(), "{absent}");
    }
    assert_eq!(dropped, ["reasoning_effort", "store"]);
}

#[test]
fn thoughts_go_back_in_the_form_that_a_vendor_knows() {
    let block = json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"});
    let body = request(json!({"messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi.", "reasoning_content": "Hm.", "thinking_blocks": [block]},
        {"role": "user", "content": "And?"},
    ]}));
    let assistant = |provider: &str| sent(provider, &body).0["messages"][1].clone();
    assert_eq!(assistant("openai"), json!({"role": "assistant", "content": "Hi."}));
    assert_eq!(assistant("deepseek")["reasoning_content"], "Hm.");
    let details = json!([{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"}]);
    assert_eq!(assistant("openrouter")["reasoning_details"], details);
}

#[test]
fn who_knows_no_array_of_texts_gets_one_text() {
    let body = request(json!({"messages": [
        {"role": "developer", "content": [{"type": "text", "text": "Be terse."}, {"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": "Hello"},
    ]}));
    let expected = json!({"role": "system", "content": "Be terse.\n\nBe kind."});
    assert_eq!(sent("deepseek", &body).0["messages"][0], expected);
    assert_eq!(sent("openai", &body).0["messages"][0]["role"], "developer");
}

#[test]
fn a_long_name_of_a_customer_is_left_out_only_where_it_came_from_another_dialect() {
    let body = request(json!({"user": "x".repeat(65)}));
    let mut request = ChatClient.read_request(body.to_string().as_bytes(), None, false).unwrap();
    let write = |request: &_| {
        let mut unsupported = Unsupported::new("openai", false);
        ChatVendor::of_provider("openai").write_request(request, &mut unsupported).unwrap();
        unsupported.dropped
    };
    assert!(write(&request).is_empty());
    request.source = DialectId::AnthropicMessages;
    assert_eq!(write(&request), ["user"]);
}

#[test]
fn azures_first_chunk_about_its_filter_begins_nothing() {
    let filter = json!({"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]});
    let events = read(&stream(&[filter, chunk(json!({"content": "Hi"})), last("stop")])).unwrap();
    assert!(matches!(&events[0], Event::Start { id, .. } if id == "c1"), "{events:?}");
}

#[test]
fn calls_that_all_have_the_same_index_or_none_are_kept_apart() {
    let with = |index: Value, id: &str| {
        let function = json!({"name": "look", "arguments": "{}"});
        chunk(json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}))
    };
    for index in [json!(0), json!(null)] {
        let text = stream(&[with(index.clone(), "a"), with(index, "b"), last("stop")]);
        assert_eq!(parts(&text), [call("a", "{}"), call("b", "{}")]);
        assert!(read(&text).unwrap().contains(&Event::Stop { choice: 0, reason: StopReason::ToolCalls }));
    }
}

#[test]
fn a_call_without_arguments_or_id_is_a_call() {
    let first = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": ""}}]});
    let second = json!({"tool_calls": [{"index": 1, "function": {"name": "look", "arguments": {"x": 1}}}]});
    let text = stream(&[chunk(first), chunk(second), last("tool_calls")]);
    assert_eq!(parts(&text), [call("a", ""), call("call_1_c1", r#"{"x":1}"#)]);
}

#[test]
fn words_in_the_middle_of_arguments_come_after_them() {
    let begin = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": "{"}}]});
    let rest = json!({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]});
    let text = stream(&[chunk(begin), chunk(json!({"content": "Hm"})), chunk(rest), last("tool_calls")]);
    let said = PartKind::Text { text: "Hm".to_owned(), citations: Vec::new() };
    assert_eq!(parts(&text), [call("a", "{}"), said]);
}

#[test]
fn pages_that_stand_beside_the_answer_are_citations_of_its_text() {
    let page = json!([{"title": "Paris", "url": "https://example.com/paris", "date": "2026-01-01"}]);
    let (mut first, mut end) = (chunk(json!({"content": "Cloudy."})), last("stop"));
    // Perplexity repeats the whole message and the pages in every chunk.
    first["choices"][0]["message"] = json!({"role": "assistant", "content": "Cloudy."});
    first["search_results"] = page.clone();
    end["search_results"] = page;
    let parts = parts(&stream(&[first, end]));
    let [PartKind::Text { text, citations }] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!((text.as_str(), citations.len()), ("Cloudy.", 1));
    assert_eq!(citations[0].title.as_deref(), Some("Paris"));
}

#[test]
fn an_error_in_the_middle_ends_the_stream_with_its_class() {
    let error = json!({"error": {"code": 429, "message": "Rate limited upstream"}});
    let events = read(&stream(&[chunk(json!({"content": "Hi"})), error, chunk(json!({"content": "more"}))])).unwrap();
    let Some(Event::Error(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::RateLimit);
}

#[test]
fn a_stream_is_whole_by_its_reason_or_by_done() {
    let text = stream(&[chunk(json!({"content": "Hi"})), last("stop")]);
    assert_eq!(read(&text).unwrap().last(), Some(&Event::End));
    // Cut off after the last word.
    assert_eq!(read(&format!("{text}data: {{\"usa")).unwrap().last(), Some(&Event::End));
    let text = stream(&[chunk(json!({"content": "Hi"}))]);
    assert!(read(&text).is_err());
    assert_eq!(read(&format!("{text}data: [DONE]\n\n")).unwrap().last(), Some(&Event::End));
    assert!(read("data: [DONE]\n\n").is_err());
    assert!(read("").is_err());
}

#[test]
fn usage_is_written_to_who_asked_for_it_only() {
    let mut end = last("stop");
    end["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 4});
    let events = read(&stream(&[chunk(json!({"content": "Hi"})), end])).unwrap();
    for include_usage in [false, true] {
        let asked = Asked { include_usage, ..Asked::default() };
        let (mut writer, mut out) = (ChatClient.stream_writer(&asked), BytesMut::new());
        for event in &events {
            writer.write(event, &mut out);
        }
        let text = String::from_utf8_lossy(&out);
        assert_eq!(text.contains("\"usage\""), include_usage, "{text}");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    }
}

#[test]
fn blocks_of_thoughts_do_not_repeat_their_words() {
    let plain = chunk(json!({"reasoning_content": "Hm."}));
    let block = chunk(json!({"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]}));
    let signed = PartKind::Reasoning { text: "Hm.".to_owned(), signature: Some("c2ln".to_owned()), encrypted: None };
    assert_eq!(parts(&stream(&[plain, block.clone(), last("stop")])), std::slice::from_ref(&signed));
    assert_eq!(parts(&stream(&[block, last("stop")])), [signed]);
}

#[test]
fn a_deltas_words_are_told_at_once() {
    let (mut reader, mut events) = (ChatVendor::of_provider("openai").stream_reader(), Vec::new());
    reader.read(stream(&[chunk(json!({"content": "Hi"}))]).as_bytes(), &mut events).unwrap();
    let told = Event::PartDelta { choice: 0, part: 0, delta: Delta::Text("Hi".to_owned()) };
    assert_eq!(events.last(), Some(&told));
}

#[test]
fn an_odd_member_does_not_cost_the_answer() {
    let mut odd = chunk(json!({"content": "Hi", "annotations": {}, "thinking_blocks": "x", "refusal": 7}));
    odd["id"] = json!(7);
    odd["created"] = json!(1.5);
    odd["service_tier"] = json!({"name": "x"});
    let said = PartKind::Text { text: "Hi".to_owned(), citations: Vec::new() };
    assert_eq!(parts(&stream(&[odd, last("stop")])), [said]);
    let error = ChatVendor::of_provider("openrouter").read_answer(br#"{"error":{"message":"No money","code":402}}"#);
    assert_eq!(error, Err(Unreadable::new("No money")));
}

#[test]
fn only_what_a_strict_vendor_refuses_is_written_anew() {
    let says = |provider: &str, body: &str| ChatVendor::of_provider(provider).must_reword(body.as_bytes());
    let newer = r#"{"model":"m","max_completion_tokens":5,"messages":[{"role":"developer","content":"x"}]}"#;
    assert!(says("mistral", newer));
    assert!(says("mistral", r#"{"stream":true,"stream_options":{"include_usage":true}}"#));
    assert!(!says("openai", newer) && !says("azure", newer) && !says("vllm", newer));
    assert!(!says("mistral", r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#));
}
