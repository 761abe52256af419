//! A call whose body has been read: what is asked, in the client's own words, and in the canonical form once somebody needs it.

use std::sync::OnceLock;

use bytes::Bytes;
use deltallm_dialects::{
    canonical::ChatRequest,
    dialect::{DialectId, client_dialect},
    json_strings,
    multipart::{Edit, Form},
    openai::{
        request_index::RequestIndex,
        responses,
        routing_fields::{self, RoutingFields},
    },
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
};
use http::HeaderValue;

use crate::{endpoints::Streams, net::spool::UploadedBody};

/// A form with files, which need not be in memory.
pub struct Upload {
    /// As it came.
    pub body: UploadedBody,
    /// What stands in it.
    pub form: Form,
    /// Its type with its boundary.
    pub content_type: HeaderValue,
}

/// A body that has been read.
pub struct Call {
    /// What is asked.
    pub operation: Operation,
    /// As it came.
    pub body: Bytes,
    /// What stands in it.
    pub index: RequestIndex,
    /// Whether a stream is wanted, by the body or by the path.
    pub streams: bool,
    /// Whether Gemini's stream is wanted as events; else it is one array in pieces.
    pub wants_events: bool,
    /// The form, where the body is one; `body` is empty then.
    pub upload: Option<Upload>,
    /// The model, where the path names it.
    path_model: Option<String>,
    /// The field without which it makes no sense.
    required: &'static str,
    chat: OnceLock<Result<ChatRequest, ApiError>>,
}

impl Call {
    /// Of a body and its index.
    pub fn new(operation: Operation, body: Bytes, index: RequestIndex, path_model: Option<String>) -> Self {
        let streams = index.stream;
        Self {
            operation,
            body,
            index,
            streams,
            wants_events: true,
            upload: None,
            path_model,
            required: "",
            chat: OnceLock::new(),
        }
    }

    /// Of a JSON body. `required`: the field without which it makes no sense.
    pub fn of_json(
        operation: Operation,
        body: Bytes,
        required: &'static str,
        path_model: Option<String>,
    ) -> Result<Self, ApiError> {
        let index = match operation {
            // Its input may be kept at the provider.
            Operation::Responses => responses::read_index(&body, path_model.as_deref())?,
            _ => RequestIndex::read_for(&body, required, path_model.as_deref())?,
        };
        Ok(Self { required, ..Self::new(operation, body, index, path_model) })
    }

    /// Of a form.
    pub fn with_form(operation: Operation, upload: Upload, path_model: Option<String>) -> Result<Self, ApiError> {
        let index = index_of_form(&upload.form, path_model.as_deref())?;
        Ok(Self { upload: Some(upload), ..Self::new(operation, Bytes::new(), index, path_model) })
    }

    /// The same call for somebody who outlives the request; `None` for a form, whose files do not.
    pub fn copy(&self) -> Option<Self> {
        let copy = Self::new(self.operation, self.body.clone(), self.index.clone(), self.path_model.clone());
        let (streams, wants_events, required) = (self.streams, self.wants_events, self.required);
        self.upload.is_none().then_some(Self { streams, wants_events, required, ..copy })
    }

    /// Changes places of the body.
    pub fn edit(&mut self, edits: Vec<Edit>) -> Result<(), ApiError> {
        if !edits.is_empty() {
            self.body = json_strings::apply(&self.body, edits);
            self.index_anew()?;
        }
        Ok(())
    }

    /// Fields that are for the gateway alone, taken out of the body.
    pub fn take_routing_fields(&mut self) -> Result<RoutingFields, ApiError> {
        if !self.index.has_routing_fields {
            return Ok(RoutingFields::default());
        }
        let (fields, rest) = routing_fields::take(&self.body)?;
        self.body = rest;
        self.index_anew()?;
        Ok(fields)
    }

    /// Everything that the index knows by its place has moved.
    fn index_anew(&mut self) -> Result<(), ApiError> {
        let path_model = self.path_model.as_deref();
        self.index = match self.operation {
            Operation::Responses => responses::read_index(&self.body, path_model)?,
            _ => RequestIndex::read_for(&self.body, self.required, path_model)?,
        };
        Ok(())
    }

    /// Whether a stream is wanted is said by the body or by the path. `wants_events`: Gemini's `alt=sse`.
    pub fn streaming(mut self, streams: Streams, wants_events: bool) -> Result<Self, ApiError> {
        self.index.check_stream(streams == Streams::Asked)?;
        self.streams = self.index.stream || streams == Streams::Always;
        self.wants_events = wants_events;
        Ok(self)
    }

    /// The model, where the path names it.
    pub fn path_model(&self) -> Option<&str> {
        self.path_model.as_deref()
    }

    /// The dialect that the client speaks; `None` where the operation is no chat.
    pub fn dialect(&self) -> Option<DialectId> {
        dialect_of(self.operation)
    }

    /// The call in the canonical form. Read once, however many attempts there are.
    pub fn chat(&self) -> Result<&ChatRequest, ApiError> {
        let read = || {
            let dialect = self.dialect().and_then(client_dialect);
            let dialect = dialect.ok_or_else(|| ApiError::new(ErrorCode::InternalError, "This is no chat."))?;
            dialect.read_request(&self.body, self.path_model.as_deref(), self.streams)
        };
        self.chat.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

/// What the gateway acts on, from a form.
fn index_of_form(form: &Form, path_model: Option<&str>) -> Result<RequestIndex, ApiError> {
    let model = path_model.or_else(|| form.field("model")).filter(|model| !model.is_empty());
    let mut index = RequestIndex::default();
    model
        .ok_or_else(|| ApiError::about(ErrorCode::InvalidRequest, "model", "The form has no `model`."))?
        .clone_into(&mut index.model);
    index.stream = form.flag("stream")?;
    index.answers = form.count()?;
    index.end_user = form.field("user").map(str::to_owned);
    Ok(index)
}

/// The dialect in which an operation is asked.
pub fn dialect_of(operation: Operation) -> Option<DialectId> {
    Some(match operation {
        Operation::ChatCompletions => DialectId::OpenAiChat,
        Operation::Completions => DialectId::OpenAiCompletions,
        Operation::Responses => DialectId::OpenAiResponses,
        Operation::Messages | Operation::CountMessageTokens => DialectId::AnthropicMessages,
        Operation::GenerateContent | Operation::CountContentTokens => DialectId::GeminiGenerate,
        _ => return None,
    })
}

/// An error as the client of an operation reads it.
pub fn error_body(operation: Option<Operation>, error: &ApiError) -> Bytes {
    match operation.and_then(dialect_of).and_then(client_dialect) {
        Some(dialect) => dialect.write_error(error).into(),
        None => error.to_json().into(),
    }
}
