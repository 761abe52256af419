//! Requests to Claude behind Bedrock, and what Bedrock cannot do; the golden files have a model of no known maker.

use serde_json::{Map, Value, json};

use super::*;
use crate::canonical::{
    CacheMark, Effort, Message, OutputFormat, Part, PartKind, Reasoning, Role, Source, Tool, ToolChoice,
};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn request(model: &str, messages: Vec<Message>) -> ChatRequest {
    ChatRequest { model: model.to_owned(), messages, ..ChatRequest::new(DialectId::OpenAiChat) }
}

fn user(text: &str) -> Message {
    Message::new(Role::User, vec![Part::text(text)])
}

fn call(id: &str, arguments: &str) -> Part {
    PartKind::ToolCall { id: id.into(), name: "get_weather".into(), arguments: arguments.into(), signature: None }
        .into()
}

fn tool(name: &str) -> Tool {
    let parameters = Some(json!({ "type": "object" }));
    Tool::Function { name: name.into(), description: None, parameters, strict: None, cache: None }
}

fn write(request: &ChatRequest) -> Result<Value, ApiError> {
    let body = BedrockConverse.write_request(request, &mut Unsupported::new("bedrock", false))?;
    Ok(serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_conversation_with_tools_and_thoughts_goes_to_claude() {
    let thought = PartKind::Reasoning { text: "Hm.".into(), signature: Some("sig".into()), encrypted: None };
    let unsigned = PartKind::Reasoning { text: "Hm.".into(), signature: None, encrypted: None };
    let hidden = PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some("ZGF0YQ==".into()) };
    let result = |call_id: &str, text: &str, is_error| {
        PartKind::ToolResult { call_id: call_id.into(), name: None, parts: vec![Part::text(text)], is_error }.into()
    };
    let mut request = request(
        CLAUDE,
        vec![
            Message::new(Role::System, vec![Part::text("You are terse.")]),
            user("Paris and Rome?"),
            Message::new(
                Role::Assistant,
                vec![
                    thought.into(),
                    unsigned.into(),
                    hidden.into(),
                    Part::text(" "),
                    call("call.1", r#"{"city": "Paris", "x": 1.50}"#),
                    call("call_2", ""),
                ],
            ),
            Message::new(Role::Tool, vec![result("call.1", "sunny", false)]),
            Message::new(Role::Tool, vec![result("call_2", "", true)]),
            user("And now?"),
        ],
    );
    request.tools = vec![tool("get_weather")];
    let body = write(&request).unwrap();
    let id = &body["messages"][1]["content"][2]["toolUse"]["toolUseId"];
    let empty = json!({ "toolUseId": "call_2", "content": [{ "text": "" }], "status": "error" });
    let expected = json!({
        "messages": [
            { "role": "user", "content": [{ "text": "Paris and Rome?" }] },
            { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "sig" } } },
                { "reasoningContent": { "redactedContent": "ZGF0YQ==" } },
                { "toolUse": { "toolUseId": id, "name": "get_weather", "input": { "city": "Paris", "x": 1.50 } } },
                { "toolUse": { "toolUseId": "call_2", "name": "get_weather", "input": {} } },
            ] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": id, "content": [{ "text": "sunny" }] } },
                { "toolResult": empty },
                { "text": "And now?" },
            ] },
        ],
        "system": [{ "text": "You are terse." }],
        "toolConfig": { "tools": [{ "toolSpec": { "name": "get_weather", "inputSchema": { "json": { "type": "object" } } } }] },
    });
    assert_eq!(body, expected);
    // Claude's thoughts are nothing to another model.
    request.model = "meta.llama3-1-8b-instruct-v1:0".into();
    let body = write(&request).unwrap();
    assert!(body["messages"][1]["content"][0].get("toolUse").is_some(), "{body}");
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    for arguments in ["{", "[1]", "1", r#"{"a":1} x"#] {
        let parts = vec![call("1", arguments)];
        let error = write(&request(CLAUDE, vec![Message::new(Role::Assistant, parts)])).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[0].content[0]"), "{arguments}");
    }
}

#[test]
fn what_claude_takes_in_its_own_words_stands_in_the_additional_fields() {
    let mut request = request(CLAUDE, vec![user("Hi")]);
    request.stop = vec!["sunny".into()];
    request.max_output_tokens = Some(8000);
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    request.extra = json!({
        "anthropic_beta": ["x"], "guardrailConfig": { "guardrailIdentifier": "g" },
        "additionalModelRequestFields": { "y": 1 },
    })
    .as_object()
    .unwrap()
    .clone();
    let mut body = write(&request).unwrap();
    body.as_object_mut().unwrap().shift_remove("messages");
    let expected = json!({
        "inferenceConfig": { "maxTokens": 8000, "stopSequences": ["sunny"] },
        "additionalModelRequestFields": {
            "anthropic_beta": ["x"], "y": 1,
            "thinking": { "type": "enabled", "budget_tokens": 1024 },
        },
        "guardrailConfig": { "guardrailIdentifier": "g" },
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    });
    assert_eq!(body, expected);
}

#[test]
fn anthropics_own_fields_and_tools_reach_claude_and_nobody_else() {
    let mut request = request(CLAUDE, vec![user("Hi")]);
    request.source = DialectId::AnthropicMessages;
    request.own = json!({ "container": "c" }).as_object().unwrap().clone();
    let bash = json!({ "type": "bash_20250124", "name": "bash" });
    request.tools = vec![Tool::Own { name: "bash_20250124".into(), value: bash.clone() }, tool("get_weather")];
    let body = write(&request).unwrap();
    let expected = json!({ "container": "c", "tools": [bash] });
    assert_eq!(body["additionalModelRequestFields"], expected);
    assert_eq!(body["toolConfig"]["tools"].as_array().unwrap().len(), 1);

    request.model = "meta.llama3-1-8b-instruct-v1:0".into();
    assert_eq!(write(&request).unwrap_err().param.as_deref(), Some("container"));
    request.own.clear();
    assert_eq!(write(&request).unwrap_err().param.as_deref(), Some("tools[0]"));
}

#[test]
fn the_choice_of_a_tool_is_said_as_bedrock_can() {
    let mut request = request(CLAUDE, vec![user("Hi")]);
    request.tools = vec![tool("a"), tool("b")];
    let mut choose = |choice: ToolChoice, parallel: Option<bool>| {
        (request.tool_choice, request.parallel_tool_calls) = (Some(choice), parallel);
        let body = write(&request).unwrap();
        let names = body["toolConfig"]["tools"].as_array().map_or(0, Vec::len);
        (names, body["toolConfig"]["toolChoice"].clone(), body["additionalModelRequestFields"].clone())
    };
    assert_eq!(choose(ToolChoice::Required, None), (2, json!({ "any": {} }), Value::Null));
    assert_eq!(choose(ToolChoice::Named("a".into()), None), (2, json!({ "tool": { "name": "a" } }), Value::Null));
    let among = ToolChoice::Among { names: vec!["b".into()], required: true };
    assert_eq!(choose(among, None), (1, json!({ "any": {} }), Value::Null));
    assert_eq!(choose(ToolChoice::None, None), (0, Value::Null, Value::Null));
    let own = json!({ "tool_choice": { "type": "any", "disable_parallel_tool_use": true } });
    assert_eq!(choose(ToolChoice::Required, Some(false)), (2, Value::Null, own));
}

#[test]
fn calls_of_before_need_their_tools() {
    let messages = vec![user("Hi"), Message::new(Role::Assistant, vec![call("1", "{}")])];
    let body = write(&request(CLAUDE, messages.clone())).unwrap();
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "get_weather");
    assert_eq!(body["additionalModelRequestFields"], json!({ "tool_choice": { "type": "none" } }));

    let mut other = request("amazon.nova-pro-v1:0", messages);
    other.tools = vec![tool("get_weather")];
    other.tool_choice = Some(ToolChoice::None);
    assert_eq!(write(&other).unwrap_err().param.as_deref(), Some("tool_choice"));
}

#[test]
fn the_cache_is_marked_for_models_that_have_one() {
    let mark = |ttl: Option<&str>| Some(CacheMark { ttl: ttl.map(str::to_owned) });
    let marked = |text: &str, ttl| Part { cache: mark(ttl), ..Part::text(text) };
    let mut request = request(
        CLAUDE,
        vec![
            Message::new(Role::System, vec![marked("Long.", Some("1h"))]),
            Message::new(Role::User, vec![marked("Hi", None), Part::text("you")]),
        ],
    );
    let parameters = Some(json!({ "type": "object" }));
    request.tools =
        vec![Tool::Function { name: "a".into(), description: None, parameters, strict: Some(true), cache: mark(None) }];
    let body = write(&request).unwrap();
    let point = json!({ "cachePoint": { "type": "default" } });
    assert_eq!(body["system"], json!([{ "text": "Long." }, { "cachePoint": { "type": "default", "ttl": "1h" } }]));
    assert_eq!(body["messages"][0]["content"], json!([{ "text": "Hi" }, point, { "text": "you" }]));
    assert_eq!(body["toolConfig"]["tools"][1], point);
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["strict"], true);

    request.model = "meta.llama3-1-8b-instruct-v1:0".into();
    assert_eq!(write(&request).unwrap()["system"], json!([{ "text": "Long." }]));
}

#[test]
fn media_are_bytes_or_lie_in_s3() {
    let content = |kind: PartKind| {
        write(&request(CLAUDE, vec![Message::new(Role::User, vec![kind.into()])]))
            .map(|body| body["messages"][0]["content"][0].clone())
    };
    let url = |url: &str| Source::Url { url: url.into(), media_type: None };
    let data = |media_type: &str| Source::Data { media_type: media_type.into(), data: "AAAA".into() };
    assert_eq!(
        content(PartKind::Image { source: url("s3://bucket/cat.JPG"), detail: None }).unwrap(),
        json!({ "image": { "format": "jpeg", "source": { "s3Location": { "uri": "s3://bucket/cat.JPG" } } } })
    );
    assert_eq!(
        content(PartKind::Video { source: data("video/mp4") }).unwrap(),
        json!({ "video": { "format": "mp4", "source": { "bytes": "AAAA" } } })
    );
    assert_eq!(
        content(PartKind::Audio { source: data("audio/wav") }).unwrap(),
        json!({ "audio": { "format": "wav", "source": { "bytes": "AAAA" } } })
    );
    let source = Source::Text { text: "Hi".into() };
    assert_eq!(
        content(PartKind::Document { source, title: Some("a.txt".into()), citations: true }).unwrap(),
        json!({ "document": {
            "format": "txt", "name": "a", "source": { "bytes": "SGk=" }, "citations": { "enabled": true },
        } })
    );
    for source in [url("https://example.com/cat.png"), url("s3://bucket/cat"), data("image/bmp")] {
        let error = content(PartKind::Image { source, detail: None }).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[0].content[0]"));
    }
}

#[test]
fn words_of_other_dialects_that_bedrock_has_too_are_understood() {
    let own = |name: &str, value: Value| PartKind::Own { name: name.into(), value }.into();
    let guarded = own("guarded_text", json!({ "type": "guarded_text", "text": "Hi" }));
    let found = own(
        "search_result",
        json!({ "type": "search_result", "source": "s", "title": "t", "content": [{ "type": "text", "text": "x" }] }),
    );
    let body = write(&request(CLAUDE, vec![Message::new(Role::User, vec![guarded, found])])).unwrap();
    let expected = json!([
        { "guardContent": { "text": { "text": "Hi" } } },
        { "searchResult": { "source": "s", "title": "t", "content": [{ "text": "x" }] } },
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
    let strange = own("strange", json!({}));
    assert!(write(&request(CLAUDE, vec![Message::new(Role::User, vec![strange])])).is_err());
}

#[test]
fn the_form_of_the_answer_notes_and_tier_have_their_places() {
    let mut request = request(CLAUDE, vec![user("Hi")]);
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    request.output_format =
        OutputFormat::JsonSchema { name: "answer".into(), description: None, schema, strict: Some(true) };
    request.metadata = json!({ "run": "7" }).as_object().cloned();
    request.service_tier = Some("flex".into());
    let body = write(&request).unwrap();
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}}}"#;
    let expected = json!({ "textFormat": {
        "type": "json_schema", "structure": { "jsonSchema": { "schema": schema, "name": "answer" } },
    } });
    assert_eq!(body["outputConfig"], expected);
    assert_eq!(body["requestMetadata"], json!({ "run": "7" }));
    assert_eq!(body["serviceTier"], json!({ "type": "flex" }));

    request.output_format = OutputFormat::JsonObject;
    assert_eq!(write(&request).unwrap_err().param.as_deref(), Some("response_format"));
    request.output_format = OutputFormat::Text;
    // A note that does not fit is left out, and said to be.
    request.metadata = json!({ "run": { "deep": 1 } }).as_object().cloned();
    let mut unsupported = Unsupported::new("bedrock", false);
    BedrockConverse.write_request(&request, &mut unsupported).unwrap();
    assert_eq!(unsupported.dropped, ["metadata"]);
}

#[test]
fn what_converse_lacks_is_refused_by_name() {
    let refused = |change: fn(&mut ChatRequest)| {
        let mut request = request(CLAUDE, vec![user("Hi")]);
        change(&mut request);
        write(&request).unwrap_err().param.unwrap()
    };
    assert_eq!(refused(|request| request.seed = Some(1)), "seed");
    assert_eq!(refused(|request| request.answers = Some(2)), "n");
    assert_eq!(refused(|request| request.logprobs = Some(true)), "logprobs");
    assert_eq!(refused(|request| request.presence_penalty = Some(1.into())), "presence_penalty");
    assert_eq!(
        refused(|request| {
            request.messages[0].own =
                Map::from_iter([("empty".into(), json!([])), ("audio".into(), json!({ "id": 1 }))]);
        }),
        "messages[0].audio"
    );
}
