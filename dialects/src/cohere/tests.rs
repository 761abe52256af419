//! What stands in Cohere's own places.

use serde_json::{Value, json};

use super::*;
use crate::canonical::{Effort, Message, OutputFormat, Part, PartKind, Reasoning, Role, Source, Tool, ToolChoice};

fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { model: "command-a-03-2025".into(), messages, ..ChatRequest::new(DialectId::OpenAiChat) }
}

fn user(parts: Vec<Part>) -> Message {
    Message::new(Role::User, parts)
}

fn write(request: &ChatRequest) -> Result<Value, ApiError> {
    let body = CohereChat.write_request(request, &mut Unsupported::new("cohere", false))?;
    Ok(serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_conversation_with_tools_and_thoughts_is_written() {
    let call = PartKind::ToolCall {
        id: "1".into(),
        name: "get_weather".into(),
        arguments: r#"{"city": "Paris"}"#.into(),
        signature: None,
    };
    let thought = PartKind::Reasoning { text: "Hm.".into(), signature: Some("sig".into()), encrypted: None };
    let result =
        PartKind::ToolResult { call_id: "1".into(), name: None, parts: vec![Part::text("sunny")], is_error: false };
    let body = write(&request(vec![
        Message::new(Role::Developer, vec![Part::text("You are terse.")]),
        user(vec![Part::text("Paris?")]),
        Message::new(Role::Assistant, vec![thought.into(), Part::text("I will look."), call.into()]),
        Message::new(Role::Tool, vec![result.into()]),
    ]));
    let expected = json!([
        { "role": "system", "content": "You are terse." },
        { "role": "user", "content": "Paris?" },
        {
            "role": "assistant",
            "content": [{ "type": "thinking", "thinking": "Hm." }],
            "tool_plan": "I will look.",
            "tool_calls": [{
                "id": "1", "type": "function",
                "function": { "name": "get_weather", "arguments": "{\"city\": \"Paris\"}" },
            }],
        },
        { "role": "tool", "tool_call_id": "1", "content": "sunny" },
    ]);
    assert_eq!(body.unwrap()["messages"], expected);
}

#[test]
fn pictures_stay_and_documents_stand_beside_the_conversation() {
    let image = PartKind::Image { source: Source::of_url("https://example.com/cat.png"), detail: Some("low".into()) };
    let text = PartKind::Document {
        source: Source::Text { text: "Sunny.".into() },
        title: Some("report".into()),
        citations: true,
    };
    let coded = PartKind::Document {
        source: Source::Data { media_type: "text/plain".into(), data: "SGk=".into() },
        title: None,
        citations: false,
    };
    let mut request = request(vec![user(vec![image.into(), text.into(), coded.into()])]);
    request.extra = json!({ "citation_options": { "mode": "FAST" } }).as_object().unwrap().clone();
    let body = write(&request).unwrap();
    let picture =
        json!({ "type": "image_url", "image_url": { "url": "https://example.com/cat.png", "detail": "low" } });
    assert_eq!(body["messages"], json!([{ "role": "user", "content": [picture] }]));
    let documents = json!([
        { "id": "document-1", "data": { "text": "Sunny.", "title": "report" } },
        { "id": "document-2", "data": { "text": "Hi" } },
    ]);
    assert_eq!(body["documents"], documents);
    assert_eq!(body["citation_options"], json!({ "mode": "FAST" }));

    request.extra = json!({ "documents": ["given"] }).as_object().unwrap().clone();
    let body = write(&request).unwrap();
    assert_eq!(body["documents"].as_array().unwrap().len(), 3, "the caller's own stay");
}

#[test]
fn parameters_have_coheres_names() {
    let mut request = request(vec![user(vec![Part::text("Hi")])]);
    request.max_output_tokens = Some(256);
    (request.top_p, request.top_k, request.seed) = (Some(1.into()), Some(40), Some(7));
    request.stop = vec!["sunny".into()];
    request.reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    request.output_format = OutputFormat::JsonSchema {
        name: "answer".into(),
        description: None,
        schema: json!({ "type": "object" }),
        strict: None,
    };
    request.stream = true;
    let mut body = write(&request).unwrap();
    body.as_object_mut().unwrap().shift_remove("messages");
    let expected = json!({
        "model": "command-a-03-2025", "max_tokens": 256, "p": 0.99, "k": 40, "seed": 7, "stop_sequences": ["sunny"],
        "thinking": { "type": "enabled", "token_budget": 4096 },
        "response_format": { "type": "json_object", "json_schema": { "type": "object" } }, "stream": true,
    });
    assert_eq!(body, expected);
    request.reasoning = Some(Reasoning { effort: Some(Effort::None), ..Reasoning::default() });
    assert_eq!(write(&request).unwrap()["thinking"], json!({ "type": "disabled" }));
}

#[test]
fn a_certain_tool_is_the_only_one_and_must_be_used() {
    let tool = |name: &str| Tool::Function {
        name: name.into(),
        description: None,
        parameters: None,
        strict: Some(true),
        cache: None,
    };
    let mut request = request(vec![user(vec![Part::text("Hi")])]);
    request.tools = vec![tool("a"), tool("b")];
    request.tool_choice = Some(ToolChoice::Named("b".into()));
    let body = write(&request).unwrap();
    let parameters = json!({ "type": "object", "properties": {} });
    let only = json!([{ "type": "function", "function": { "name": "b", "parameters": parameters } }]);
    assert_eq!(
        (&body["tools"], &body["tool_choice"], &body["strict_tools"]),
        (&only, &"REQUIRED".into(), &true.into())
    );
    request.tool_choice = Some(ToolChoice::None);
    assert_eq!(write(&request).unwrap()["tool_choice"], "NONE");
    request.tool_choice = Some(ToolChoice::Auto);
    assert_eq!(write(&request).unwrap().get("tool_choice"), None);
}

#[test]
fn what_cohere_lacks_is_refused_by_name() {
    let refused = |change: fn(&mut ChatRequest)| {
        let mut request = request(vec![user(vec![Part::text("Hi")])]);
        change(&mut request);
        write(&request).unwrap_err().param.unwrap()
    };
    assert_eq!(refused(|request| request.answers = Some(2)), "n");
    assert_eq!(refused(|request| request.top_logprobs = Some(2)), "top_logprobs");
    assert_eq!(refused(|request| request.parallel_tool_calls = Some(false)), "parallel_tool_calls");
    assert_eq!(
        refused(|request| {
            let source = Source::Data { media_type: "application/pdf".into(), data: "JVBERi0xLjQ=".into() };
            request.messages[0].parts.push(PartKind::Document { source, title: None, citations: false }.into());
        }),
        "messages[0].content[1]"
    );
}
