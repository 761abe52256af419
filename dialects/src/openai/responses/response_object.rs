//! The `response` object: what a whole answer is, and what the events of a stream hold at its begin and its end.

use deltallm_shared::error::{ApiError, ErrorCode, Fault};
use deltallm_shared::pricing::Usage;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::output::{Content, Item, Status};
use super::usage::WireUsage;
use crate::canonical::StopReason;
use crate::dialect::Asked;

/// What stands in every `response` object of one call.
#[derive(Debug)]
pub(super) struct Frame {
    /// `resp_…`
    pub id: String,
    /// The public name of the model.
    pub model: String,
    /// Unix seconds.
    pub created_at: i64,
    /// The tier that serves the call.
    pub service_tier: Option<String>,
    /// What of the request the answer repeats.
    echo: Map<String, Value>,
}

impl Frame {
    /// For an answer with this id of the vendor's, who says so at this time.
    pub fn new(asked: &Asked, id: &str, model: &str, created: Option<i64>, service_tier: Option<String>) -> Self {
        Self {
            // Other vendors' ids could be taken for ids of responses that can be fetched.
            id: if id.starts_with("resp_") { id.to_owned() } else { format!("resp_{}", asked.unique) },
            model: if asked.model.is_empty() { model.to_owned() } else { asked.model.clone() },
            created_at: created.unwrap_or(asked.created),
            service_tier,
            echo: echo(&asked.request),
        }
    }

    /// The object at some time of the answer.
    pub fn response<'a>(&'a self, status: Status, output: &'a [Item]) -> Response<'a> {
        Response {
            id: &self.id,
            object: "response",
            created_at: self.created_at,
            status,
            background: false,
            error: None,
            incomplete_details: None,
            model: &self.model,
            output,
            previous_response_id: (),
            service_tier: self.service_tier.as_deref(),
            usage: None,
            echo: &self.echo,
        }
    }

    /// The object at the end of the answer.
    pub fn ended<'a>(&'a self, end: Ending, output: &'a [Item], usage: Option<&Usage>) -> Response<'a> {
        Response {
            incomplete_details: end.reason().map(|reason| Incomplete { reason }),
            usage: usage.map(WireUsage::of),
            ..self.response(end.status(), output)
        }
    }

    /// The object of an answer that failed on its way.
    pub fn failed<'a>(&'a self, error: &'a ApiError, output: &'a [Item], usage: Option<&Usage>) -> Response<'a> {
        let code = match error.code {
            ErrorCode::UpstreamError | ErrorCode::UpstreamTimeout | ErrorCode::UpstreamOverloaded => "server_error",
            code if code.fault() == Fault::Caller => code.code(),
            _ => "server_error",
        };
        Response {
            error: Some(ResponseError { code, message: &error.message }),
            usage: usage.map(WireUsage::of),
            ..self.response(Status::Failed, output)
        }
    }
}

/// The object itself. Every member that OpenAI's SDKs have is there, `null` where there is nothing to say.
#[derive(Debug, Serialize)]
pub(super) struct Response<'a> {
    id: &'a str,
    object: &'static str,
    created_at: i64,
    status: Status,
    background: bool,
    error: Option<ResponseError<'a>>,
    incomplete_details: Option<Incomplete>,
    model: &'a str,
    output: &'a [Item],
    previous_response_id: (),
    service_tier: Option<&'a str>,
    usage: Option<WireUsage>,
    #[serde(flatten)]
    echo: &'a Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct ResponseError<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct Incomplete {
    reason: &'static str,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is whole.
    Whole,
    /// It reached the longest length.
    Length,
    /// The vendor's filter cut it.
    Filter,
}

impl Ending {
    /// By the vendor's reason. A refusal in the model's own words is a whole answer; one without words was cut by a filter.
    pub fn of(stop: Option<&StopReason>, items: &[Item]) -> Self {
        let refuses = |content: &Content| matches!(content, Content::Refusal { .. });
        let has_refusal =
            || items.iter().any(|item| matches!(item, Item::Message { content, .. } if content.iter().any(refuses)));
        match stop {
            Some(StopReason::Length | StopReason::ContextWindow) => Self::Length,
            Some(StopReason::ContentFilter) => Self::Filter,
            Some(StopReason::Refusal) if !has_refusal() => Self::Filter,
            _ => Self::Whole,
        }
    }

    /// The status of the response and of its last item.
    pub fn status(self) -> Status {
        if self == Self::Whole { Status::Completed } else { Status::Incomplete }
    }

    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Length => Some("max_output_tokens"),
            Self::Filter => Some("content_filter"),
        }
    }
}

/// What an answer repeats of its request, with the dialect's defaults. Nothing is stored, whatever was asked.
fn echo(request: &Value) -> Map<String, Value> {
    let defaults = [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", Value::Bool(true)),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("safety_identifier", Value::Null),
        ("temperature", Value::Null),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", "auto".into()),
        ("tools", json!([])),
        ("top_logprobs", 0.into()),
        ("top_p", Value::Null),
        ("truncation", "disabled".into()),
        ("user", Value::Null),
    ];
    let said = |name| request.get(name).filter(|value| !value.is_null()).cloned();
    let mut echo: Map<_, _> =
        defaults.into_iter().map(|(name, usual)| (name.to_owned(), said(name).unwrap_or(usual))).collect();
    if let Some(Value::Object(text)) = echo.get_mut("text") {
        text.entry("format").or_insert_with(|| json!({"type": "text"}));
    }
    echo.insert("store".to_owned(), Value::Bool(false));
    echo
}
