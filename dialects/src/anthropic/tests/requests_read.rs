//! What a client says, and what it is told when it says it wrong.

use serde_json::{Value, json};

use crate::{
    anthropic::AnthropicMessages,
    canonical::{CacheMark, ChatRequest, PartKind, Role, Source, Tool, ToolChoice},
    dialect::ClientDialect,
};

fn read(mut body: Value) -> Result<ChatRequest, deltallm_shared::error::ApiError> {
    for (name, value) in [("model", json!("m")), ("max_tokens", json!(9)), ("messages", json!([]))] {
        if body.get(name).is_none() {
            body[name] = value;
        }
    }
    AnthropicMessages.read_request(body.to_string().as_bytes(), None, false)
}

fn content(blocks: Value) -> ChatRequest {
    read(json!({"messages": [{"role": "user", "content": blocks}]})).unwrap()
}

#[test]
fn an_error_names_the_field_at_fault() {
    let block =
        |block: Value| json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, block]}]});
    let cases = [
        (json!({"model": 7}), "model"),
        (json!({"max_tokens": "many"}), "max_tokens"),
        (json!({"max_tokens": null}), "max_tokens"),
        (json!({"messages": "hello"}), "messages"),
        (json!({"messages": [{"role": "robot", "content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (block(json!("x")), "messages[0].content[1]"),
        (block(json!({"text": "x"})), "messages[0].content[1].type"),
        (block(json!({"type": "text", "text": 1})), "messages[0].content[1].text"),
        (
            block(json!({"type": "image", "source": {"type": "base64", "data": "x"}})),
            "messages[0].content[1].source.media_type",
        ),
        (block(json!({"type": "tool_use", "id": "1", "name": "f", "input": "{}"})), "messages[0].content[1].input"),
        (
            block(json!({"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text"}]})),
            "messages[0].content[1].content[0].text",
        ),
        (block(json!({"type": "text", "text": "x", "cache_control": 1})), "messages[0].content[1].cache_control"),
        (json!({"system": 1}), "system"),
        (json!({"tools": [{"input_schema": {}}]}), "tools[0].name"),
        (json!({"tool_choice": {"type": "maybe"}}), "tool_choice.type"),
        (json!({"tool_choice": {"type": "tool"}}), "tool_choice.name"),
        (json!({"thinking": {"type": "hard"}}), "thinking.type"),
        (json!({"output_config": {"format": {"type": "yaml"}}}), "output_config.format.type"),
        (json!({"stop_sequences": [1]}), "stop_sequences"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"metadata": {"user_id": 1}}), "metadata.user_id"),
        (json!({"stream": 1}), "stream"),
    ];
    for (body, param) in cases {
        let error = read(body.clone()).expect_err(param);
        assert_eq!(error.param.as_deref(), Some(param), "{body}");
        assert!(error.message.contains(param), "{}", error.message);
    }
    assert!(AnthropicMessages.read_request(b"{", None, false).unwrap_err().message.contains("not valid JSON"));
    assert!(AnthropicMessages.read_request(b"[]", None, false).unwrap_err().message.contains("an object"));
}

#[test]
fn results_of_tools_come_in_a_message_of_their_own_before_what_the_person_says() {
    let request = content(json!([
        {"type": "text", "text": "Look:"},
        {"type": "tool_result", "tool_use_id": "1"},
        {"type": "tool_result", "tool_use_id": "2", "content": "no", "is_error": true},
    ]));
    let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::Tool, Role::User]);
    let failed: Vec<bool> = request.messages[0]
        .parts
        .iter()
        .map(|part| matches!(&part.kind, PartKind::ToolResult { is_error: true, .. }))
        .collect();
    assert_eq!(failed, [false, true]);
}

#[test]
fn instructions_in_the_middle_of_a_conversation_are_the_systems() {
    let middle = json!({"type": "mid_conv_system", "content": [{"type": "text", "text": "Be brief."}]});
    let request = read(json!({"system": "Be kind.", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, middle]},
        {"role": "system", "content": "Be quick."},
    ]}))
    .unwrap();
    let said: Vec<(Role, String)> = request.messages.iter().map(|message| (message.role, message.text())).collect();
    let expected =
        [(Role::System, "Be kind."), (Role::User, "Hello"), (Role::System, "Be brief."), (Role::System, "Be quick.")];
    assert_eq!(said, expected.map(|(role, text)| (role, text.to_owned())));
}

#[test]
fn documents_are_read_in_all_their_forms() {
    let document =
        |source: Value| content(json!([{"type": "document", "source": source}])).messages[0].parts[0].kind.clone();
    let source_of = |value: Value| match document(value) {
        PartKind::Document { source, .. } => source,
        other => panic!("{other:?}"),
    };
    let text = |text: &str| Source::Text { text: text.into() };
    assert_eq!(
        source_of(json!({"type": "text", "media_type": "text/plain", "data": "It rained."})),
        text("It rained.")
    );
    assert_eq!(source_of(json!({"type": "content", "content": "It rained."})), text("It rained."));
    let blocks = json!([{"type": "text", "text": "It"}, {"type": "text", "text": "rained."}]);
    assert_eq!(source_of(json!({"type": "content", "content": blocks})), text("It\n\nrained."));
    assert_eq!(source_of(json!({"type": "file", "file_id": "file_1"})), Source::File { id: "file_1".into() });
    let url = source_of(json!({"type": "url", "url": "https://example.com/report.pdf"}));
    assert_eq!(url, Source::of_url("https://example.com/report.pdf"));
    let pictures =
        json!({"type": "content", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]});
    assert!(matches!(document(pictures), PartKind::Own { name, .. } if name == "document"));
}

#[test]
fn marks_for_the_cache_are_read_everywhere() {
    let request = read(json!({
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "tools": [{"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral", "ttl": "5m"}}],
        "messages": [{"role": "user", "content": "Hello"}],
    }))
    .unwrap();
    let mark = |ttl: &str| Some(CacheMark { ttl: Some(ttl.to_owned()) });
    assert_eq!(request.messages[0].parts[0].cache, mark("1h"), "that of the whole request marks the last block");
    assert!(matches!(&request.tools[0], Tool::Function { cache, .. } if *cache == mark("5m")));
}

#[test]
fn what_only_anthropic_knows_is_kept_apart_from_what_nobody_knows() {
    let request = read(json!({
        "container": "c", "vendor_switch": 1, "output_config": {"effort": "low", "task_budget": {"type": "tokens"}},
        "tools": [{"type": "web_search_20250305", "name": "web_search"}, {"type": "custom", "name": "f", "input_schema": {}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
    }))
    .unwrap();
    let own: Vec<&String> = request.own.keys().collect();
    assert_eq!(own, ["output_config", "container"]);
    assert_eq!(request.own["output_config"], json!({"task_budget": {"type": "tokens"}}));
    assert_eq!(request.extra.keys().collect::<Vec<_>>(), ["vendor_switch"]);
    assert!(matches!(&request.tools[0], Tool::Own { name, .. } if name == "web_search_20250305"));
    assert!(matches!(&request.tools[1], Tool::Function { name, .. } if name == "f"));
    assert_eq!((request.tool_choice, request.parallel_tool_calls), (Some(ToolChoice::Auto), Some(false)));
}

#[test]
fn the_model_of_the_path_goes_before_that_of_the_body() {
    let body = br#"{"model":"a","max_tokens":1,"messages":[]}"#;
    let request = AnthropicMessages.read_request(body, Some("b"), false).unwrap();
    assert_eq!((request.model.as_str(), request.extra.len()), ("b", 0));
}
