//! Messages as `contents` and `systemInstruction` of a request to the vendor.

use std::borrow::Cow;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::value::RawValue;

use super::{
    media, signature,
    thinking::Generation,
    wire::{Blob, FileData, MediaResolution, WrittenCall, WrittenContent, WrittenPart, WrittenResult},
};
use crate::{
    canonical::{ChatRequest, Message, Part, PartKind, Role, Source, Unsupported},
    dialect::DialectId,
};

/// Where files of the Gemini API lie.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/";

/// Writes messages in their order.
#[derive(Debug)]
pub(super) struct ContentsWriter<'a, 'u> {
    request: &'a ChatRequest,
    /// Whether the model is of Gemini 3 or later.
    is_third: bool,
    unsupported: &'a mut Unsupported<'u>,
    contents: Vec<WrittenContent<'a>>,
    /// The role that the last content was written for.
    last_role: Option<Role>,
}

impl<'a, 'u> ContentsWriter<'a, 'u> {
    /// For one request.
    pub fn new(request: &'a ChatRequest, unsupported: &'a mut Unsupported<'u>) -> Self {
        let is_third = Generation::of(&request.model).is_some_and(Generation::is_third);
        Self { request, is_third, unsupported, contents: Vec::new(), last_role: None }
    }

    /// `systemInstruction` and `contents`.
    pub fn write(mut self) -> Result<(Option<WrittenContent<'a>>, Vec<WrittenContent<'a>>), ApiError> {
        for (at, message) in self.request.messages.iter().enumerate() {
            if message.name.is_some() {
                self.unsupported.dropped.push(format!("messages[{at}].name"));
            }
            if self.request.source != DialectId::GeminiGenerate {
                message.own.keys().try_for_each(|name| self.unsupported.refuse(&format!("messages[{at}].{name}")))?;
            }
            if !matches!(message.role, Role::System | Role::Developer) {
                self.write_message(message, &format!("messages[{at}]"))?;
            }
        }
        let mut system = self.write_system()?;
        if self.contents.is_empty() {
            // There must be something to answer.
            self.contents.extend(system.take().map(|system| WrittenContent { role: Some("user"), ..system }));
        }
        Ok((system, self.contents))
    }

    /// The parts of the one system message, or all of them as one text.
    fn write_system(&mut self) -> Result<Option<WrittenContent<'a>>, ApiError> {
        let is_system = |message: &&Message| matches!(message.role, Role::System | Role::Developer);
        let messages: Vec<&Message> = self.request.messages.iter().filter(is_system).collect();
        let parts = messages.iter().flat_map(|message| &message.parts);
        for part in parts.clone() {
            if part.kind.as_text().is_none() {
                return Err(self.unsupported.impossible("messages", "anything but text in a system message"));
            }
        }
        let parts: Vec<WrittenPart<'a>> = match messages.as_slice() {
            [] => Vec::new(),
            [_] => parts.filter_map(|part| part.kind.as_text()).map(WrittenPart::text).collect(),
            several => {
                let texts: Vec<String> = several.iter().map(|message| message.text()).collect();
                vec![WrittenPart::text(texts.join("\n\n"))]
            }
        };
        Ok((!parts.is_empty()).then_some(WrittenContent { parts, role: None }))
    }

    fn write_message(&mut self, message: &'a Message, path: &str) -> Result<(), ApiError> {
        let mut parts = Parts::default();
        for (at, part) in message.parts.iter().enumerate() {
            self.write_part(part, &format!("{path}.content[{at}]"), &mut parts)?;
        }
        let mut parts = parts.finish();
        let is_model = message.role == Role::Assistant;
        if self.is_third && is_model {
            vouch(&mut parts);
        }
        if parts.is_empty() && is_model {
            // An empty answer has no form there.
            return Ok(());
        }
        if parts.is_empty() {
            parts.push(WrittenPart::text(""));
        }
        // All results of one round of calls stand in one content, and so do the pieces of one answer.
        match self.contents.last_mut().filter(|_| self.last_role == Some(message.role) && message.role != Role::User) {
            Some(last) => last.parts.extend(parts),
            None => {
                let role = Some(if is_model { "model" } else { "user" });
                self.contents.push(WrittenContent { parts, role });
            }
        }
        self.last_role = Some(message.role);
        Ok(())
    }

    fn write_part(&mut self, part: &'a Part, path: &str, parts: &mut Parts<'a>) -> Result<(), ApiError> {
        if part.cache.is_some() {
            // Google caches by itself.
            self.unsupported.dropped.push(format!("{path}.cache_control"));
        }
        match &part.kind {
            PartKind::Text { text, .. } | PartKind::Refusal { text } => parts.push_text(text),
            PartKind::Reasoning { text, signature, encrypted } => {
                let own = signature.as_deref().and_then(signature::for_google);
                if encrypted.is_none() {
                    parts.push_thought(text, own);
                }
            }
            PartKind::ToolCall { id, name, arguments, signature } => {
                let args = object_text(arguments, path)?;
                let call = WrittenCall { id, name, args };
                let thought_signature = signature.as_deref().map(Cow::Borrowed);
                parts.push(WrittenPart { function_call: Some(call), thought_signature, ..WrittenPart::default() });
            }
            PartKind::ToolResult { call_id, name, parts: result, is_error } => {
                self.write_result((call_id, name.as_deref()), result, *is_error, path, parts)?;
            }
            PartKind::Own { value, .. } if self.request.source == DialectId::GeminiGenerate => {
                parts.push(WrittenPart { own: value.as_object(), ..WrittenPart::default() });
            }
            PartKind::Own { name, .. } => return Err(self.unsupported.impossible(path, &format!("`{name}`"))),
            kind => {
                let part = self.write_media(kind, path)?;
                parts.push(part);
            }
        }
        Ok(())
    }

    fn write_media(&mut self, kind: &'a PartKind, path: &str) -> Result<WrittenPart<'a>, ApiError> {
        let mut title = None;
        let (source, usual_type) = match kind {
            PartKind::Image { source, .. } => (source, "image/jpeg"),
            PartKind::Audio { source } => (source, "audio/mpeg"),
            PartKind::Video { source } => (source, "video/mp4"),
            PartKind::Document { source, citations, title: given } => {
                // The Gemini API refuses it; a client of the same dialect knows whom it asks.
                title = given.as_deref().filter(|_| self.request.source == DialectId::GeminiGenerate);
                self.unsupported.refuse_if(*citations, &format!("{path}.citations"))?;
                (source, "application/pdf")
            }
            _ => return Ok(WrittenPart::default()),
        };
        let mut part = WrittenPart::default();
        match source {
            Source::Data { media_type, data } => {
                part.inline_data = Some(Blob { mime_type: media_type.into(), data: data.into(), display_name: title });
            }
            Source::Url { url, media_type } => {
                let guessed = if media::is_youtube(url) { "" } else { media::guess(url).unwrap_or(usual_type) };
                let mime_type = media_type.as_deref().unwrap_or(guessed).into();
                part.file_data = Some(FileData { mime_type, file_uri: url.into() });
            }
            Source::Text { text } => part.text = Some(text.into()),
            Source::File { id } if id.contains("://") => {
                part.file_data = Some(FileData { mime_type: "".into(), file_uri: id.into() });
            }
            Source::File { id } if id.starts_with("files/") => {
                part.file_data = Some(FileData { mime_type: "".into(), file_uri: format!("{FILES}{id}").into() });
            }
            Source::File { .. } => {
                return Err(self.unsupported.impossible(path, "a file that lies at another provider"));
            }
        }
        if let PartKind::Image { detail: Some(detail), .. } = kind {
            match detail.as_str() {
                "low" if self.is_third => {
                    part.media_resolution = Some(MediaResolution { level: "MEDIA_RESOLUTION_LOW" });
                }
                "high" if self.is_third => {
                    part.media_resolution = Some(MediaResolution { level: "MEDIA_RESOLUTION_HIGH" });
                }
                "auto" => {}
                _ => self.unsupported.dropped.push(format!("{path}.detail")),
            }
        }
        Ok(part)
    }

    fn write_result(
        &mut self,
        (call_id, name): (&'a str, Option<&'a str>),
        result: &'a [Part],
        is_error: bool,
        path: &str,
        parts: &mut Parts<'a>,
    ) -> Result<(), ApiError> {
        let Some(name) = name.or_else(|| self.request.tool_name(call_id)) else {
            let text = format!("`{path}` is the result of `{call_id}`, which no message of the assistant calls.");
            return Err(ApiError::about(ErrorCode::InvalidRequest, path, text));
        };
        let text: String = result.iter().filter_map(|part| part.kind.as_text()).collect();
        let mut media = Vec::new();
        for part in result.iter().filter(|part| part.kind.as_text().is_none()) {
            media.push(match &part.kind {
                PartKind::Image { .. }
                | PartKind::Audio { .. }
                | PartKind::Video { .. }
                | PartKind::Document { .. } => self.write_media(&part.kind, path)?,
                _ => return Err(self.unsupported.impossible(path, "this content in the result of a tool")),
            });
        }
        // Older models take pictures beside the result only.
        let inside =
            if self.is_third { media.extract_if(.., |part| part.inline_data.is_some()).collect() } else { Vec::new() };
        let response = WrittenResult { id: call_id, name, response: response(&text, is_error), parts: inside };
        parts.push(WrittenPart { function_response: Some(response), ..WrittenPart::default() });
        for part in media {
            parts.push(part);
        }
        Ok(())
    }
}

/// The parts of one message. Signatures that stand by themselves go to the part that they sign.
#[derive(Debug, Default)]
struct Parts<'a> {
    parts: Vec<WrittenPart<'a>>,
    /// A signature that came before the text that it signs.
    waiting: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn push(&mut self, part: WrittenPart<'a>) {
        self.flush();
        self.parts.push(part);
    }

    fn push_text(&mut self, text: &'a str) {
        if !text.is_empty() {
            let thought_signature = self.waiting.take().map(Cow::Borrowed);
            self.push(WrittenPart { thought_signature, ..WrittenPart::text(text) });
        }
    }

    fn push_thought(&mut self, text: &'a str, signature: Option<&'a str>) {
        if !text.is_empty() {
            let thought_signature = signature.map(Cow::Borrowed);
            self.push(WrittenPart { thought: true, thought_signature, ..WrittenPart::text(text) });
            return;
        }
        let signs = |part: &&mut WrittenPart<'_>| {
            !part.thought && part.thought_signature.is_none() && (part.text.is_some() || part.inline_data.is_some())
        };
        match (self.parts.last_mut().filter(signs), signature) {
            (Some(last), Some(signature)) => last.thought_signature = Some(signature.into()),
            (None, Some(signature)) => self.waiting = Some(signature),
            (_, None) => {}
        }
    }

    /// A signature whose text never came stands with an empty one.
    fn flush(&mut self) {
        if let Some(signature) = self.waiting.take() {
            self.parts.push(WrittenPart { thought_signature: Some(signature.into()), ..WrittenPart::text("") });
        }
    }

    fn finish(mut self) -> Vec<WrittenPart<'a>> {
        self.flush();
        self.parts
    }
}

/// Gemini 3 wants a signature with the first call of each step; calls that another model made have none.
fn vouch(parts: &mut [WrittenPart<'_>]) {
    let first = parts.iter_mut().find(|part| part.function_call.is_some());
    if let Some(call) = first.filter(|call| call.thought_signature.is_none()) {
        call.thought_signature = Some(signature::NOT_BY_GEMINI.into());
    }
}

/// Arguments as an object.
fn object_text<'a>(arguments: &'a str, path: &str) -> Result<Cow<'a, RawValue>, ApiError> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    let raw = serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'));
    raw.map(Cow::Borrowed).ok_or_else(|| {
        let path = format!("{path}.arguments");
        ApiError::about(ErrorCode::InvalidRequest, &path, format!("`{path}` must be the text of a JSON object."))
    })
}

/// The result of a tool as an object, by Google's convention.
fn response(text: &str, is_error: bool) -> Box<RawValue> {
    let raw = serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'));
    match (raw, is_error) {
        (Some(raw), false) => raw.to_owned(),
        (Some(raw), true) => wrapped("error", raw),
        (None, false) => wrapped("output", text),
        (None, true) => wrapped("error", text),
    }
}

fn wrapped(name: &str, value: impl serde::Serialize) -> Box<RawValue> {
    let object = std::collections::BTreeMap::from([(name, value)]);
    serde_json::value::to_raw_value(&object).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
