//! The shapes that travel: pieces of answers as they are read, parts of contents as they are written.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// `GenerateContentResponse`: a whole answer, or one event of a stream. Unknown fields are passed over; what only accompanies the
/// answer stays raw, so that a strange count does not cost the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub candidates: Vec<Candidate<'a>>,
    #[serde(borrow)]
    pub prompt_feedback: Option<PromptFeedback<'a>>,
    /// [`super::usage::UsageMetadata`]
    #[serde(borrow)]
    pub usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub model_version: Cow<'a, str>,
    #[serde(borrow, rename = "responseId")]
    pub id: Cow<'a, str>,
    /// An error in the middle of a stream.
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow)]
    pub block_reason: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub index: Option<u32>,
    #[serde(borrow)]
    pub content: Option<Content<'a>>,
    #[serde(borrow)]
    pub finish_reason: Cow<'a, str>,
    pub grounding_metadata: Option<Value>,
    pub citation_metadata: Option<Value>,
    /// [`super::logprobs::LogprobsResult`]
    #[serde(borrow)]
    pub logprobs_result: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub parts: Vec<Part<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    pub thought: bool,
    #[serde(borrow)]
    pub thought_signature: Cow<'a, str>,
    #[serde(borrow)]
    pub inline_data: Option<Blob<'a>>,
    #[serde(borrow)]
    pub file_data: Option<FileData<'a>>,
    #[serde(borrow)]
    pub function_call: Option<FunctionCall<'a>>,
    #[serde(borrow)]
    pub executable_code: Option<&'a RawValue>,
    #[serde(borrow)]
    pub code_execution_result: Option<&'a RawValue>,
}

/// Bytes in base64.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow)]
    pub mime_type: Cow<'a, str>,
    #[serde(borrow)]
    pub data: Cow<'a, str>,
    /// Vertex AI's name of a file.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<&'a str>,
}

/// A file somewhere else.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub mime_type: Cow<'a, str>,
    #[serde(borrow)]
    pub file_uri: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    #[serde(borrow)]
    pub args: Option<&'a RawValue>,
}

/// A `Content` as it is written.
#[derive(Debug, Serialize)]
pub(super) struct WrittenContent<'a> {
    pub parts: Vec<WrittenPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
}

/// A `Part` as it is written: one of its kinds, and what stands beside it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenPart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline_data: Option<Blob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<WrittenCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_response: Option<WrittenResult<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_resolution: Option<MediaResolution>,
    /// A part that only Gemini has, as it came.
    #[serde(flatten)]
    pub own: Option<&'a Map<String, Value>>,
}

impl<'a> WrittenPart<'a> {
    /// A piece of text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

/// How finely a picture is looked at.
#[derive(Debug, Serialize)]
pub(super) struct MediaResolution {
    pub level: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct WrittenCall<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub id: &'a str,
    pub name: &'a str,
    pub args: Cow<'a, RawValue>,
}

#[derive(Debug, Serialize)]
pub(super) struct WrittenResult<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub id: &'a str,
    pub name: &'a str,
    pub response: Box<RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<WrittenPart<'a>>,
}
