//! `contents` and `systemInstruction` of a client's request as messages.

use std::collections::VecDeque;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    media,
    object::{Object, compact},
    signature::{self, Returned},
};
use crate::canonical::{Message, Part, PartKind, Role, Source};

/// Members of a part that no other dialect has: the part travels as it came.
const OWN: [&str; 8] = [
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "audioTranscription",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
];

/// Reads contents in their order.
#[derive(Debug, Default)]
pub(super) struct ContentsReader {
    messages: Vec<Message>,
    calls: Calls,
}

/// The tool calls so far, for results that only say the tool's name.
#[derive(Debug, Default)]
struct Calls {
    count: u32,
    /// Name and id of those without a result.
    open: VecDeque<(String, String)>,
}

/// A part, and what has to stand beside it as a part of its own.
struct ReadPart {
    part: Option<Part>,
    /// The signature of a part that has no place for one.
    signature: Option<Part>,
}

impl ContentsReader {
    /// Reads `systemInstruction`, which may be a plain text.
    pub fn read_system(&mut self, raw: &RawValue, path: &str) -> Result<(), ApiError> {
        let parts = match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => vec![Part::text(text)],
            Err(_) => {
                let mut content = Object::read(raw, path)?;
                let path = content.path_of("parts");
                let parts = content.take_list("parts")?.into_iter().enumerate();
                let parts = parts.map(|(at, raw)| self.read_part(raw, &format!("{path}[{at}]")));
                parts.filter_map(|part| part.map(|read| read.part).transpose()).collect::<Result<_, _>>()?
            }
        };
        self.messages.push(Message::new(Role::System, parts));
        Ok(())
    }

    /// Reads one element of `contents`.
    pub fn read_content(&mut self, raw: &RawValue, path: &str) -> Result<(), ApiError> {
        let mut content = Object::read(raw, path)?;
        let role = match content.take_text("role")?.as_deref() {
            None | Some("" | "user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(content.wrong("role", "user or model")),
        };
        // Clients that collect a stream give its pieces back as contents of their own: one answer all the same.
        let mut joins = role == Role::Assistant && self.messages.last().is_some_and(|last| last.role == role);
        let path = content.path_of("parts");
        for (at, raw) in content.take_list("parts")?.into_iter().enumerate() {
            let ReadPart { part, signature } = self.read_part(raw, &format!("{path}[{at}]"))?;
            for part in part.into_iter().chain(signature) {
                self.push(role, part, std::mem::take(&mut joins));
            }
        }
        Ok(())
    }

    /// All messages.
    pub fn finish(self) -> Vec<Message> {
        self.messages
    }

    /// Adds a part to the last message or begins a new one: results of tools have messages of their own. `joins`: the part is
    /// the first of a content that goes on with the last one.
    fn push(&mut self, role: Role, part: Part, joins: bool) {
        let role = if matches!(part.kind, PartKind::ToolResult { .. }) { Role::Tool } else { role };
        match self.messages.last_mut().filter(|last| last.role == role) {
            Some(last) => {
                if let Some(part) = last.parts.last_mut().map_or(Some(part.clone()), |last| join(last, part, joins)) {
                    last.parts.push(part);
                }
            }
            None => self.messages.push(Message::new(role, vec![part])),
        }
    }

    fn read_part(&mut self, raw: &RawValue, path: &str) -> Result<ReadPart, ApiError> {
        let mut object = Object::read(raw, path)?;
        let detail = picture_detail(&mut object)?;
        if let Some(name) = OWN.into_iter().find(|name| object.has(name)) {
            let value = Value::Object(object.rest()?);
            return Ok(ReadPart { part: Some(PartKind::Own { name: name.to_owned(), value }.into()), signature: None });
        }
        let is_thought = object.take_bool("thought")?.unwrap_or(false);
        let signature = object.take_text("thoughtSignature")?.filter(|text| !text.is_empty());
        if let Some(call) = object.take_object("functionCall")? {
            let part = self.calls.read_call(call, signature)?;
            return Ok(ReadPart { part: Some(part.into()), signature: None });
        }
        if let Some(result) = object.take_object("functionResponse")? {
            return Ok(ReadPart { part: Some(self.calls.read_result(result)?.into()), signature: None });
        }
        if let Some(text) = object.take_text("text")? {
            return Ok(read_text(text, is_thought, signature.as_deref()));
        }
        let kind = match (object.take_object("inlineData")?, object.take_object("fileData")?) {
            (Some(blob), _) => read_blob(blob)?,
            (None, Some(file)) => read_file(file)?,
            (None, None) => {
                let text = format!("`{path}` must have a text, data, a function call or a function's response.");
                return Err(ApiError::about(ErrorCode::InvalidRequest, path, text));
            }
        };
        let kind = match kind {
            PartKind::Image { source, .. } => PartKind::Image { source, detail },
            kind => kind,
        };
        Ok(ReadPart { part: Some(kind.into()), signature: signature.map(|text| reasoning("", Some(&text)).into()) })
    }
}

/// OpenAI's `detail` for the levels of `mediaResolution` that it has; others stay in the part.
fn picture_detail(part: &mut Object<'_>) -> Result<Option<String>, ApiError> {
    let is_picture = part.has("inlineData") || part.has("fileData");
    let Some(raw) = part.take("mediaResolution") else { return Ok(None) };
    let level = Object::read(raw, &part.path_of("mediaResolution"))?.take_text("level")?;
    let detail = match level.as_deref() {
        Some("MEDIA_RESOLUTION_LOW") if is_picture => "low",
        Some("MEDIA_RESOLUTION_HIGH") if is_picture => "high",
        _ => {
            part.put_back("mediaResolution", raw);
            return Ok(None);
        }
    };
    Ok(Some(detail.to_owned()))
}

fn read_text(text: String, is_thought: bool, signature: Option<&str>) -> ReadPart {
    if is_thought || (text.is_empty() && signature.is_some()) {
        return ReadPart { part: Some(reasoning(&text, signature).into()), signature: None };
    }
    let signature = signature.map(|signature| reasoning("", Some(signature)).into());
    ReadPart { part: Some(Part::text(text)), signature }
}

fn reasoning(text: &str, signature: Option<&str>) -> PartKind {
    let (signature, encrypted) = match signature.map(signature::from_client) {
        None => (None, None),
        Some(Returned::Signature(signature)) => (Some(signature), None),
        Some(Returned::Encrypted(data)) => (None, Some(data)),
    };
    PartKind::Reasoning { text: text.to_owned(), signature, encrypted }
}

/// Joins two pieces of one text or of one thought; gives the second one back where they are two parts.
fn join(last: &mut Part, next: Part, joins: bool) -> Option<Part> {
    match (&mut last.kind, next.kind) {
        (
            PartKind::Reasoning { text, signature: signature @ None, encrypted: None },
            PartKind::Reasoning { text: more, signature: found, encrypted: None },
        ) => {
            text.push_str(&more);
            *signature = found;
            None
        }
        (PartKind::Text { text, .. }, PartKind::Text { text: more, .. }) if joins => {
            text.push_str(&more);
            None
        }
        (_, kind) => Some(Part { kind, cache: next.cache }),
    }
}

fn read_blob(mut blob: Object<'_>) -> Result<PartKind, ApiError> {
    let media_type = blob.take_text("mimeType")?.ok_or_else(|| blob.wrong("mimeType", "there"))?;
    let data = blob.take_text("data")?.ok_or_else(|| blob.wrong("data", "there"))?;
    // Protobuf takes both alphabets of base64; other vendors take the standard one.
    let data = if data.contains(['-', '_']) { data.replace('-', "+").replace('_', "/") } else { data };
    let title = blob.take_text("displayName")?;
    Ok(media::part(&media_type, Source::Data { media_type: media_type.clone(), data }, title))
}

fn read_file(mut file: Object<'_>) -> Result<PartKind, ApiError> {
    let url = file.take_text("fileUri")?.ok_or_else(|| file.wrong("fileUri", "there"))?;
    let media_type = file.take_text("mimeType")?.filter(|text| !text.is_empty());
    // A type that the address says itself is not said twice.
    let media_type = media_type.filter(|known| media::guess(&url) != Some(known));
    let title = file.take_text("displayName")?;
    let meant = match media_type.as_deref().or_else(|| media::guess(&url)) {
        Some(known) => known.to_owned(),
        None if media::is_youtube(&url) => "video/*".to_owned(),
        None => String::new(),
    };
    Ok(media::part(&meant, Source::Url { url, media_type }, title))
}

impl Calls {
    fn read_call(&mut self, mut call: Object<'_>, signature: Option<String>) -> Result<PartKind, ApiError> {
        let name = call.take_text("name")?.ok_or_else(|| call.wrong("name", "there"))?;
        let path = call.path_of("args");
        let arguments = match call.take("args") {
            None => String::new(),
            Some(raw) if raw.get().starts_with('{') => compact(raw.get()),
            Some(_) => {
                return Err(ApiError::about(ErrorCode::InvalidRequest, &path, format!("`{path}` must be an object.")));
            }
        };
        let id = call.take_text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{}", self.count));
        self.count += 1;
        self.open.push_back((name.clone(), id.clone()));
        Ok(PartKind::ToolCall { id, name, arguments, signature })
    }

    fn read_result(&mut self, mut result: Object<'_>) -> Result<PartKind, ApiError> {
        let name = result.take_text("name")?.ok_or_else(|| result.wrong("name", "there"))?;
        let id = result.take_text("id")?.filter(|id| !id.is_empty());
        let found = match &id {
            Some(id) => self.open.iter().position(|(_, open)| open == id),
            None => self.open.iter().position(|(open, _)| *open == name),
        };
        let open = found.and_then(|at| self.open.remove(at)).map(|(_, open)| open);
        let call_id = id.or(open).unwrap_or_else(|| {
            self.count += 1;
            format!("call_{}", self.count - 1)
        });
        let (text, is_error) = match result.take("response") {
            None => (String::new(), false),
            Some(raw) => read_response(raw, &result.path_of("response"))?,
        };
        let mut parts = vec![Part::text(text)];
        let path = result.path_of("parts");
        for (at, raw) in result.take_list("parts")?.into_iter().enumerate() {
            let mut part = Object::read(raw, &format!("{path}[{at}]"))?;
            match (part.take_object("inlineData")?, part.take_object("fileData")?) {
                (Some(blob), _) => parts.push(read_blob(blob)?.into()),
                (None, Some(file)) => parts.push(read_file(file)?.into()),
                (None, None) => return Err(part.wrong("inlineData", "there")),
            }
        }
        Ok(PartKind::ToolResult { call_id, name: Some(name), parts, is_error })
    }
}

/// The result of a tool as text: what Google documents as `output` and `error`, else the whole object.
fn read_response(raw: &RawValue, path: &str) -> Result<(String, bool), ApiError> {
    let fields: Map<String, Value> = serde_json::from_str(raw.get())
        .map_err(|_| ApiError::about(ErrorCode::InvalidRequest, path, format!("`{path}` must be an object.")))?;
    let only = |name: &str| fields.get(name).filter(|_| fields.len() == 1);
    Ok(match (only("output"), only("error")) {
        (Some(Value::String(text)), _) => (text.clone(), false),
        (_, Some(Value::String(text))) => (text.clone(), true),
        (_, Some(error)) => (json!(error).to_string(), true),
        _ => (compact(raw.get()), false),
    })
}
