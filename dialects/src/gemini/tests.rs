//! Requests and streams as their senders see them; what every pair of dialects does with the same cases stands in the golden
//! files.

use bytes::BytesMut;
use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Value, json};

use super::{Gemini, array_stream_writer, error};
use crate::{
    canonical::{
        Answer, CacheMark, ChatRequest, Choice, Collector, Event, FailureClass, Message, Part, PartKind, Role, Source,
        StopReason, Tool, Unsupported,
    },
    dialect::{Asked, ClientDialect, DialectId, VendorDialect},
};

fn request(model: &str, messages: Vec<Message>) -> ChatRequest {
    ChatRequest { model: model.into(), messages, ..ChatRequest::new(DialectId::OpenAiChat) }
}

fn written(request: &ChatRequest) -> Result<Value, ApiError> {
    let body = Gemini.write_request(request, &mut Unsupported::new("google", false))?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn call(id: &str, signature: Option<&str>) -> Part {
    PartKind::ToolCall {
        id: id.into(),
        name: "get_weather".into(),
        arguments: r#"{"city":"Paris","at":1.50}"#.into(),
        signature: signature.map(str::to_owned),
    }
    .into()
}

fn result(call_id: &str, parts: Vec<Part>) -> Message {
    Message::new(
        Role::Tool,
        vec![PartKind::ToolResult { call_id: call_id.into(), name: None, parts, is_error: false }.into()],
    )
}

fn image(detail: Option<&str>) -> Part {
    let source = Source::of_url("data:image/png;base64,iVBORw0KGgo=");
    PartKind::Image { source, detail: detail.map(str::to_owned) }.into()
}

/// What a client sends, read.
fn read(body: Value) -> Result<ChatRequest, ApiError> {
    Gemini.read_request(body.to_string().as_bytes(), Some("models/the-model"), false)
}

#[test]
fn calls_of_another_vendor_are_vouched_for_where_gemini_wants_signatures() {
    let conversation = vec![
        Message::new(Role::User, vec![Part::text("Weather?")]),
        Message::new(Role::Assistant, vec![call("a", None), call("b", None)]),
        result("a", vec![Part::text("18")]),
        result("b", vec![Part::text("24")]),
        Message::new(Role::Assistant, vec![call("c", Some("c2ln"))]),
        result("c", vec![Part::text("{\"degrees\":30}")]),
    ];
    let body = written(&request("gemini-3-flash-preview", conversation.clone())).unwrap();
    let signature = |content: usize, part: usize| &body["contents"][content]["parts"][part]["thoughtSignature"];
    assert_eq!(signature(1, 0), "skip_thought_signature_validator");
    assert_eq!(signature(1, 1), &Value::Null);
    assert_eq!(body["contents"][2]["parts"].as_array().unwrap().len(), 2, "results of one round stand together");
    assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["name"], "get_weather");
    assert_eq!(signature(3, 0), "c2ln");
    assert_eq!(body["contents"][4]["parts"][0]["functionResponse"]["response"], json!({"degrees": 30}));

    let older = written(&request("gemini-2.5-flash", conversation)).unwrap();
    assert_eq!(older["contents"][1]["parts"][0]["thoughtSignature"], Value::Null);
}

#[test]
fn arguments_stay_as_the_model_wrote_them() {
    let messages = vec![Message::new(Role::Assistant, vec![call("a", None)])];
    let body = Gemini.write_request(&request("m", messages), &mut Unsupported::new("google", false)).unwrap();
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains(r#""args":{"city":"Paris","at":1.50}"#), "{body}");
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    let kind = PartKind::ToolCall { id: "a".into(), name: "f".into(), arguments: "[1]".into(), signature: None };
    let error = written(&request("m", vec![Message::new(Role::Assistant, vec![kind.into()])])).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages[0].content[0].arguments"));
}

#[test]
fn a_result_without_its_call_is_refused() {
    let error = written(&request("m", vec![result("gone", vec![Part::text("18")])])).unwrap_err();
    assert_eq!((error.code, error.param.as_deref()), (ErrorCode::InvalidRequest, Some("messages[0].content[0]")));
}

#[test]
fn pictures_in_results_stand_where_the_generation_takes_them() {
    let conversation = vec![
        Message::new(Role::Assistant, vec![call("a", None)]),
        result("a", vec![Part::text("A picture:"), image(None)]),
    ];
    let parts = |model: &str| written(&request(model, conversation.clone())).unwrap()["contents"][1]["parts"].clone();
    let third = parts("gemini-3-pro");
    assert_eq!(third[0]["functionResponse"]["parts"][0]["inlineData"]["mimeType"], "image/png");
    assert_eq!(third.as_array().unwrap().len(), 1);
    let second = parts("gemini-2.5-pro");
    assert_eq!(second[0]["functionResponse"]["parts"], Value::Null);
    assert_eq!(second[1]["inlineData"]["mimeType"], "image/png");
}

#[test]
fn detail_of_pictures_is_said_part_by_part_or_left_out() {
    let messages = vec![Message::new(Role::User, vec![image(Some("low")), image(Some("auto"))])];
    let body = written(&request("gemini-3-pro", messages.clone())).unwrap();
    assert_eq!(body["contents"][0]["parts"][0]["mediaResolution"], json!({"level": "MEDIA_RESOLUTION_LOW"}));
    assert_eq!(body["contents"][0]["parts"][1]["mediaResolution"], Value::Null);

    let mut unsupported = Unsupported::new("google", false);
    Gemini.write_request(&request("gemini-2.5-pro", messages), &mut unsupported).unwrap();
    assert_eq!(unsupported.dropped, ["messages[0].content[0].detail"]);
}

#[test]
fn thoughts_of_another_vendor_go_without_their_signature() {
    let thought = |signature: &str| -> Part {
        PartKind::Reasoning { text: "Hm.".into(), signature: Some(signature.into()), encrypted: None }.into()
    };
    let redacted = PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some("x".into()) }.into();
    let parts = vec![thought("ErUB"), thought("gemini:AbC="), redacted, Part::text("It is cloudy.")];
    let body = written(&request("gemini-2.5-pro", vec![Message::new(Role::Assistant, parts)])).unwrap();
    let expected = json!([
        {"text": "Hm.", "thought": true},
        {"text": "Hm.", "thought": true, "thoughtSignature": "AbC="},
        {"text": "It is cloudy."},
    ]);
    assert_eq!(body["contents"][0]["parts"], expected);
}

#[test]
fn the_signature_of_a_text_finds_it_again() {
    let signature = || -> Part {
        PartKind::Reasoning { text: String::new(), signature: Some("gemini:AbC=".into()), encrypted: None }.into()
    };
    let text = || Part::text("It is cloudy.");
    // OpenAI's clients give thoughts back before the text, Anthropic's in their place.
    for parts in [vec![signature(), text()], vec![text(), signature()]] {
        let body = written(&request("m", vec![Message::new(Role::Assistant, parts)])).unwrap();
        let expected = json!([{"text": "It is cloudy.", "thoughtSignature": "AbC="}]);
        assert_eq!(body["contents"][0]["parts"], expected);
    }
    let parts = vec![signature(), call("a", None)];
    let body = written(&request("m", vec![Message::new(Role::Assistant, parts)])).unwrap();
    assert_eq!(body["contents"][0]["parts"][0], json!({"text": "", "thoughtSignature": "AbC="}));
}

#[test]
fn a_lonely_system_prompt_is_asked() {
    let body = written(&request("m", vec![Message::new(Role::System, vec![Part::text("Say hello.")])])).unwrap();
    assert_eq!(body, json!({"contents": [{"parts": [{"text": "Say hello."}], "role": "user"}]}));
}

#[test]
fn what_google_does_by_itself_is_left_out_and_told() {
    let mut part = Part::text("Long.");
    part.cache = Some(CacheMark { ttl: None });
    let message = Message { name: Some("ann".into()), ..Message::new(Role::User, vec![part]) };
    let mut unsupported = Unsupported::new("google", false);
    Gemini.write_request(&request("m", vec![message]), &mut unsupported).unwrap();
    assert_eq!(unsupported.dropped, ["messages[0].name", "messages[0].content[0].cache_control"]);
}

#[test]
fn fields_of_googles_openai_surface_are_understood() {
    let mut asked = request("gemini-2.5-pro", vec![Message::new(Role::User, vec![Part::text("Hi")])]);
    asked.max_output_tokens = Some(9);
    let extra = json!({
        "extra_body": {"google": {"cached_content": "cachedContents/1", "thinking_config": {"thinking_budget": 5}}},
        "generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"},
        "safetySettings": [],
    });
    asked.extra = extra.as_object().unwrap().clone();
    let body = written(&asked).unwrap();
    let config = json!({
        "maxOutputTokens": 9,
        "thinkingConfig": {"thinkingBudget": 5},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    });
    assert_eq!(body["generationConfig"], config);
    assert_eq!((&body["cachedContent"], &body["safetySettings"]), (&json!("cachedContents/1"), &json!([])));
}

#[test]
fn tools_of_another_vendor_are_refused() {
    let mut asked = request("m", vec![Message::new(Role::User, vec![Part::text("Hi")])]);
    asked.tools = vec![Tool::Own { name: "web_search".into(), value: json!({"type": "web_search"}) }];
    assert_eq!(written(&asked).unwrap_err().param.as_deref(), Some("tools[0].web_search"));
}

#[test]
fn errors_of_a_request_name_their_field() {
    let contents = json!([{"parts": [{"text": "Hi"}]}]);
    let cases = [
        (json!({}), "contents"),
        (json!({"contents": []}), "contents"),
        (json!({"contents": [{"role": "system", "parts": []}]}), "contents[0].role"),
        (json!({"contents": [{"parts": [{}]}]}), "contents[0].parts[0]"),
        (json!({"contents": [{"parts": [{"text": 1}]}]}), "contents[0].parts[0].text"),
        (json!({"contents": [{"parts": [{"inlineData": {"data": ""}}]}]}), "contents[0].parts[0].inlineData.mimeType"),
        (
            json!({"contents": [{"parts": [{"functionCall": {"name": "f", "args": []}}]}]}),
            "contents[0].parts[0].functionCall.args",
        ),
        (json!({"contents": contents, "generationConfig": {"topK": "many"}}), "generationConfig.topK"),
        (
            json!({"contents": contents, "tools": [{"functionDeclarations": [{}]}]}),
            "tools[0].functionDeclarations[0].name",
        ),
        (
            json!({"contents": contents, "toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}}),
            "toolConfig.functionCallingConfig.mode",
        ),
    ];
    for (body, param) in cases {
        assert_eq!(read(body.clone()).unwrap_err().param.as_deref(), Some(param), "{body}");
    }
    assert!(Gemini.read_request(b"{", Some("m"), false).is_err());
    assert_eq!(read(json!({"contents": contents})).unwrap().model, "the-model");
}

#[test]
fn a_thought_that_a_client_collected_piece_by_piece_is_one_again() {
    let body = json!({"contents": [
        {"role": "model", "parts": [{"text": "The user", "thought": true}]},
        {"role": "model", "parts": [{"text": " asks.", "thought": true}]},
        {"role": "model", "parts": [{"text": "", "thoughtSignature": "AbC="}]},
        {"role": "model", "parts": [{"text": "It is"}]},
        {"role": "model", "parts": [{"text": " cloudy."}]},
    ]});
    let messages = read(body).unwrap().messages;
    let thought =
        PartKind::Reasoning { text: "The user asks.".into(), signature: Some("gemini:AbC=".into()), encrypted: None };
    assert_eq!(messages, [Message::new(Role::Assistant, vec![thought.into(), Part::text("It is cloudy.")])]);
}

fn answer() -> Answer {
    let parts = vec![Part::text("It is cloudy."), call("a", None)];
    Answer { choices: vec![Choice { parts, stop: Some(StopReason::ToolCalls), logprobs: None }], ..Answer::default() }
}

fn asked() -> Asked {
    Asked { model: "the-model".into(), unique: "0123".into(), ..Asked::default() }
}

#[test]
fn without_events_a_stream_is_one_array() {
    let (mut writer, mut out) = (array_stream_writer(&asked()), BytesMut::new());
    let mut ends = Vec::new();
    for event in answer().into_events() {
        writer.write(&event, &mut out);
        ends.push(out.len());
    }
    let pieces: Vec<Value> = serde_json::from_slice(&out).unwrap();
    let parts: Vec<&Value> = pieces.iter().map(|piece| &piece["candidates"][0]["content"]["parts"][0]).collect();
    assert_eq!(parts[0]["text"], "It is cloudy.");
    assert_eq!(parts[1]["functionCall"]["args"], json!({"city": "Paris", "at": 1.5}));
    assert_eq!(pieces[2]["candidates"][0]["finishReason"], "STOP");
    // The same pieces, read as a vendor's answers one by one.
    let texts = pieces.iter().map(|piece| Gemini.read_answer(piece.to_string().as_bytes()).unwrap().choices.len());
    assert_eq!(texts.collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn an_error_ends_an_array_too() {
    let error = ApiError::new(ErrorCode::UpstreamOverloaded, "Later.");
    for events in [answer().into_events()[..3].to_vec(), Vec::new()] {
        let (mut writer, mut out) = (array_stream_writer(&asked()), BytesMut::new());
        for event in &events {
            writer.write(event, &mut out);
        }
        writer.error(&error, &mut out);
        let pieces: Vec<Value> = serde_json::from_slice(&out).unwrap();
        assert_eq!(pieces.last().unwrap()["error"]["status"], "UNAVAILABLE");
    }
}

#[test]
fn a_ping_is_nothing() {
    let (mut writer, mut out) = (Gemini.stream_writer(&asked()), BytesMut::new());
    writer.write(&Event::Ping, &mut out);
    assert!(out.is_empty());
}

#[test]
fn broken_arguments_of_a_model_are_not_lost() {
    let kind = PartKind::ToolCall { id: "a".into(), name: "f".into(), arguments: "{\"city\":".into(), signature: None };
    let choice = Choice { parts: vec![kind.into()], stop: None, logprobs: None };
    let body = Gemini.write_answer(&Answer { choices: vec![choice], ..Answer::default() }, &asked());
    let body: Value = serde_json::from_slice(&body).unwrap();
    let args = &body["candidates"][0]["content"]["parts"][0]["functionCall"]["args"];
    assert_eq!(*args, json!({"arguments": "{\"city\":"}));
}

#[test]
fn a_stream_without_an_end_is_broken_off() {
    let mut reader = Gemini.stream_reader();
    let mut events = Vec::new();
    reader
        .read(b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"It\"}]}}]}\r\n\r\n", &mut events)
        .unwrap();
    assert!(reader.finish(&mut events).is_err());
    assert!(!events.contains(&Event::End));
}

#[test]
fn an_error_in_a_stream_has_its_class() {
    let mut reader = Gemini.stream_reader();
    let mut events = Vec::new();
    reader.read(b"{\n  \"error\": {\"code\": 429, \"message\": \"Resource exhausted.\",", &mut events).unwrap();
    reader.read(b" \"status\": \"RESOURCE_EXHAUSTED\"}\n}\n", &mut events).unwrap();
    reader.finish(&mut events).unwrap();
    let mut collector = Collector::default();
    for event in events {
        collector.take(event);
    }
    assert_eq!(collector.finish().unwrap_err().class, FailureClass::RateLimit);
}

#[test]
fn the_wait_that_google_asks_for_is_read() {
    let body = |delay: &str| {
        json!({"error": {"code": 429, "details": [
            {"@type": "type.googleapis.com/google.rpc.Help"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
        ]}})
        .to_string()
    };
    let millis = |delay: &str| error::retry_delay(body(delay).as_bytes()).map(|delay| delay.as_millis());
    assert_eq!(millis("36.5s"), Some(36_500));
    assert_eq!(millis("7s"), Some(7000));
    assert_eq!(millis("0.042123s"), Some(42));
    for broken in ["soon", "-1s", "1.x5s", "s", "99999999999999999999s"] {
        assert_eq!(millis(broken), None, "{broken}");
    }
    assert_eq!(error::retry_delay(b"<html>"), None);
}

#[test]
fn a_strange_count_does_not_cost_the_answer() {
    for usage in [r#"{"promptTokenCount":-1}"#, r#""many""#, "[]", r#"{"promptTokensDetails":7}"#] {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"Hi"}}]}},"logprobsResult":"x"}}],"usageMetadata":{usage}}}"#
        );
        let answer = Gemini.read_answer(body.as_bytes()).unwrap();
        assert_eq!(answer.choices[0].parts, [Part::text("Hi")], "{usage}");
        assert_eq!(answer.usage.unwrap_or_default().input_tokens, 0);
    }
}
