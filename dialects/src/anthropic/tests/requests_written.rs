//! What Anthropic is asked for clients of other dialects.

use serde_json::{Value, json};

use crate::{
    anthropic::{AnthropicMessages, beta_headers},
    canonical::{
        ChatRequest, Effort, Message, OutputFormat, Part, PartKind, Reasoning, Role, Source, Tool, ToolChoice,
        Unsupported,
    },
    dialect::{DialectId, VendorDialect},
};

fn request(messages: Vec<Message>) -> ChatRequest {
    let mut request = ChatRequest::new(DialectId::OpenAiChat);
    request.model = "claude-sonnet-4-5".to_owned();
    request.messages = messages;
    request
}

fn hello() -> ChatRequest {
    request(vec![user("Hello")])
}

fn user(text: &str) -> Message {
    Message::new(Role::User, vec![Part::text(text)])
}

fn assistant(kinds: Vec<PartKind>) -> Message {
    Message::new(Role::Assistant, kinds.into_iter().map(Part::from).collect())
}

fn call(id: &str, arguments: &str) -> PartKind {
    PartKind::ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into(), signature: None }
}

fn result(id: &str) -> Message {
    let kind = PartKind::ToolResult { call_id: id.into(), name: None, parts: vec![Part::text("ok")], is_error: false };
    Message::new(Role::Tool, vec![kind.into()])
}

fn tool(name: &str) -> Tool {
    Tool::Function { name: name.into(), description: None, parameters: None, strict: None, cache: None }
}

fn written(request: &ChatRequest) -> Value {
    let body = AnthropicMessages.write_request(request, &mut Unsupported::new("anthropic", false)).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The parameter that is refused; and that with `drop_params` it is left out instead.
fn refused(request: &ChatRequest) -> String {
    let error = AnthropicMessages.write_request(request, &mut Unsupported::new("anthropic", false)).unwrap_err();
    let param = error.param.unwrap();
    let mut lenient = Unsupported::new("anthropic", true);
    AnthropicMessages.write_request(request, &mut lenient).unwrap();
    assert_eq!(lenient.dropped, std::slice::from_ref(&param));
    param
}

#[test]
fn an_answer_always_has_a_longest_length() {
    assert_eq!(written(&hello())["max_tokens"], 4096);
    let mut thinking = hello();
    thinking.reasoning = Some(Reasoning { budget_tokens: Some(10_000), ..Reasoning::default() });
    assert_eq!(written(&thinking)["max_tokens"], 14_096);
    let mut by_hand = hello();
    by_hand.extra.insert("thinking".into(), json!({"type": "enabled", "budget_tokens": 5000}));
    assert_eq!(written(&by_hand)["max_tokens"], 9096);
}

#[test]
fn neighbours_of_one_role_are_one_message_and_results_come_first() {
    let body = written(&request(vec![
        user("Look it up."),
        assistant(vec![call("a", ""), call("b", r#"{"x":1}"#)]),
        result("a"),
        user("Quick!"),
        result("b"),
    ]));
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(messages[1]["content"][0]["input"], json!({}));
    assert_eq!(messages[1]["content"][1]["input"], json!({"x": 1}));
    let types: Vec<&str> =
        messages[2]["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["tool_result", "tool_result", "text"]);
}

#[test]
fn all_system_and_developer_messages_are_the_system_prompt() {
    let system = |role, text: &str| Message::new(role, vec![Part::text(text)]);
    let body = written(&request(vec![
        system(Role::System, "One."),
        user("Hello"),
        system(Role::Developer, "Two."),
        system(Role::System, " "),
    ]));
    assert_eq!(body["system"], json!([{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": "Hello"}]));
    let only_system = request(vec![system(Role::System, "One.")]);
    let error = AnthropicMessages.write_request(&only_system, &mut Unsupported::new("anthropic", true)).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages"));
}

#[test]
fn blank_texts_are_left_out_and_a_begun_answer_ends_without_white_space() {
    let blank = PartKind::Text { text: " \n".into(), citations: Vec::new() };
    let begun = PartKind::Text { text: "It is ".into(), citations: Vec::new() };
    let body = written(&request(vec![user("Hello"), assistant(vec![blank, begun])]));
    assert_eq!(body["messages"][1], json!({"role": "assistant", "content": "It is"}));
}

#[test]
fn thoughts_of_other_vendors_are_not_sent_to_anthropic() {
    let thoughts = |signature: Option<&str>, encrypted: Option<&str>| PartKind::Reasoning {
        text: if encrypted.is_some() { String::new() } else { "Hm.".into() },
        signature: signature.map(str::to_owned),
        encrypted: encrypted.map(str::to_owned),
    };
    let request = request(vec![
        user("Hello"),
        assistant(vec![
            thoughts(None, None),
            thoughts(Some(""), None),
            thoughts(Some("gemini:c2ln"), None),
            thoughts(Some("c2ln"), None),
            thoughts(None, Some("ZW5j")),
            thoughts(None, Some("gAAAAABpQ")),
            PartKind::Text { text: "Hi.".into(), citations: Vec::new() },
        ]),
        user("More"),
    ]);
    let body = written(&request);
    let blocks = body["messages"][1]["content"].as_array().unwrap();
    let types: Vec<&str> = blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["thinking", "redacted_thinking", "text"]);
}

#[test]
fn ids_that_anthropic_does_not_take_are_made_so_that_they_still_fit() {
    let body =
        written(&request(vec![user("x"), assistant(vec![call("functions.f:0", "{}")]), result("functions.f:0")]));
    assert_eq!(body["messages"][1]["content"][0]["id"], "functions_f_0");
    assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "functions_f_0");
}

#[test]
fn arguments_that_are_no_object_are_an_error_that_says_where() {
    for arguments in ["{", "[1]", "\"x\"", "null"] {
        let request = request(vec![user("x"), assistant(vec![call("a", arguments)])]);
        let error = AnthropicMessages.write_request(&request, &mut Unsupported::new("anthropic", true)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[1]"), "{arguments}");
    }
}

#[test]
fn what_anthropic_does_not_have_is_refused_by_the_callers_name() {
    type Change = fn(&mut ChatRequest);
    let cases: [(Change, &str); 11] = [
        (|request| request.answers = Some(2), "n"),
        (|request| request.seed = Some(1), "seed"),
        (|request| request.frequency_penalty = serde_json::Number::from_f64(0.5), "frequency_penalty"),
        (|request| request.presence_penalty = serde_json::Number::from_f64(-0.5), "presence_penalty"),
        (|request| request.logprobs = Some(true), "logprobs"),
        (|request| request.logit_bias = json!({"1": 2}).as_object().cloned(), "logit_bias"),
        (|request| request.modalities = vec!["audio".into()], "modalities"),
        (|request| request.output_format = OutputFormat::JsonObject, "response_format"),
        (|request| request.stop = vec!["\n".into()], "stop"),
        (|request| request.temperature = serde_json::Number::from_f64(1.5), "temperature"),
        (|request| drop(request.own.insert("prediction".into(), json!({}))), "prediction"),
    ];
    for (change, param) in cases {
        let mut request = hello();
        change(&mut request);
        assert_eq!(refused(&request), param);
    }
    let mut gemini = hello();
    (gemini.source, gemini.answers) = (DialectId::GeminiGenerate, Some(2));
    assert_eq!(refused(&gemini), "generationConfig.candidateCount");
}

#[test]
fn values_that_ask_for_nothing_are_no_reason_to_refuse() {
    let mut request = hello();
    (request.answers, request.logprobs, request.top_logprobs) = (Some(1), Some(false), Some(0));
    (request.frequency_penalty, request.presence_penalty) = (Some(0.into()), serde_json::Number::from_f64(0.0));
    request.modalities = vec!["text".into()];
    request.metadata = json!({"ticket": "17"}).as_object().cloned();
    request.user = Some("customer-7".into());
    let mut unsupported = Unsupported::new("anthropic", false);
    let body = AnthropicMessages.write_request(&request, &mut unsupported).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["metadata"], json!({"user_id": "customer-7"}));
    assert_eq!(unsupported.dropped, ["metadata"], "notes are told to be left out, but no reason for an error");
}

#[test]
fn who_thinks_chooses_no_temperature_and_is_not_forced_to_a_tool() {
    let mut request = hello();
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    request.temperature = serde_json::Number::from_f64(1.0);
    assert_eq!(written(&request).get("temperature"), None, "1 is what it does anyway");
    request.temperature = serde_json::Number::from_f64(0.2);
    assert_eq!(refused(&request), "temperature");
    request.temperature = None;
    request.tools = vec![tool("f")];
    request.tool_choice = Some(ToolChoice::Required);
    assert_eq!(refused(&request), "tool_choice");
    request.tool_choice = Some(ToolChoice::Auto);
    assert_eq!(written(&request)["tool_choice"], json!({"type": "auto"}));
}

#[test]
fn newer_models_take_no_samplings_and_those_between_take_one() {
    let mut request = hello();
    request.temperature = serde_json::Number::from_f64(0.2);
    request.top_p = serde_json::Number::from_f64(1.0);
    assert_eq!(written(&request).get("top_p"), None, "1 is what it does anyway");
    request.top_p = serde_json::Number::from_f64(0.9);
    assert_eq!(refused(&request), "top_p");
    request.model = "claude-3-7-sonnet-20250219".into();
    assert_eq!(written(&request)["top_p"], 0.9);
    (request.model, request.top_p) = ("claude-opus-4-7".into(), None);
    assert_eq!(refused(&request), "temperature");
}

#[test]
fn of_several_allowed_tools_only_those_are_told() {
    let mut request = hello();
    request.tools = vec![tool("f"), tool("g"), tool("h")];
    request.tool_choice = Some(ToolChoice::Among { names: vec!["g".into()], required: true });
    request.parallel_tool_calls = Some(false);
    let body = written(&request);
    assert_eq!(body["tools"], json!([{"name": "g", "input_schema": {"type": "object", "properties": {}}}]));
    assert_eq!(body["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
    request.tools.clear();
    request.tool_choice = Some(ToolChoice::None);
    assert_eq!(written(&request).get("tool_choice"), None, "without tools there is no choice");
}

#[test]
fn a_schema_is_closed_as_anthropic_wants_it() {
    let mut request = hello();
    let city = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let schema = json!({"type": "object", "properties": {"cities": {"type": "array", "items": city}}, "additionalProperties": true});
    request.output_format = OutputFormat::JsonSchema { name: "answer".into(), description: None, schema, strict: None };
    let format = &written(&request)["output_config"]["format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["schema"]["properties"]["cities"]["items"]["additionalProperties"], false);
    assert_eq!(format["schema"]["additionalProperties"], true, "what the caller says stays");
}

#[test]
fn documents_go_as_pdf_or_as_text_and_sound_not_at_all() {
    let with = |kind: PartKind| request(vec![Message::new(Role::User, vec![kind.into()])]);
    let document = |media_type: &str, data: &str| {
        let source = Source::Data { media_type: media_type.into(), data: data.into() };
        with(PartKind::Document { source, title: None, citations: false })
    };
    let source = |request: &ChatRequest| written(request)["messages"][0]["content"][0]["source"].clone();
    assert_eq!(source(&document("application/pdf", "JVBERi0xLjQ="))["type"], "base64");
    let text = json!({"type": "text", "media_type": "text/plain", "data": "It rained."});
    assert_eq!(source(&document("text/markdown", "SXQgcmFpbmVkLg==")), text);
    let data = Source::Data { media_type: "audio/wav".into(), data: "UklGRg==".into() };
    let impossible = [document("application/msword", "0M8R4A=="), with(PartKind::Audio { source: data })];
    for request in impossible {
        let error = AnthropicMessages.write_request(&request, &mut Unsupported::new("anthropic", true)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[0]"));
    }
    let file = with(PartKind::Image { source: Source::File { id: "file_1".into() }, detail: None });
    assert_eq!(source(&file), json!({"type": "file", "file_id": "file_1"}));
    assert_eq!(beta_headers(&file), ["files-api-2025-04-14"]);
    assert!(beta_headers(&hello()).is_empty());
}

#[test]
fn what_the_caller_writes_for_anthropic_itself_goes_there_as_it_is() {
    let mut request = hello();
    request.top_k = Some(3);
    request.extra.insert("top_k".into(), json!(5));
    request.extra.insert("container".into(), json!("c"));
    let body = AnthropicMessages.write_request(&request, &mut Unsupported::new("anthropic", false)).unwrap();
    let text = String::from_utf8(body).unwrap();
    assert_eq!(text.matches("top_k").count(), 1, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&body["top_k"], &body["container"]), (&json!(5), &json!("c")));
}
