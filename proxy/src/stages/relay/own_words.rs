//! How an error is told to this client: in the dialect that it speaks, and without anything of ours in it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{
    canonical::{Failure, FailureClass},
    dialect::{Asked, client_dialect},
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
};

use crate::{call::dialect_of, context::RequestContext, snapshot::Deployment};

/// What is known of the client, for errors.
#[derive(Clone, Default)]
pub struct OwnWords {
    /// What it asked.
    pub operation: Option<Operation>,
    /// The public name of the model.
    pub model: String,
    /// Who is asked: the client must not see where it stands and with what we sign in.
    pub deployment: Option<Arc<Deployment>>,
}

impl OwnWords {
    /// For a request.
    pub fn of(context: &RequestContext) -> Self {
        let call = context.call.as_ref();
        Self {
            operation: call.map(|call| call.operation),
            model: call.map(|call| call.index.model.clone()).unwrap_or_default(),
            deployment: context.deployment().cloned(),
        }
    }

    /// What the client is told of a failure.
    pub fn tell(&self, failure: &Failure) -> ApiError {
        let is_about_thing =
            matches!(self.operation, Some(Operation::Files | Operation::Batches | Operation::PassThrough));
        if is_about_thing && failure.class == FailureClass::NotFound {
            return ApiError::new(ErrorCode::NotFound, "The provider has no such thing.");
        }
        failure.tell(&self.model, &self.hidden())
    }

    /// What the client must not see.
    pub fn hidden(&self) -> Vec<String> {
        self.deployment.as_ref().map(|deployment| deployment.hidden_texts()).unwrap_or_default()
    }

    /// What the client is told of a failure in the middle of a stream: the status is gone, and the vendor's own words may name
    /// its hosts, accounts or keys.
    pub fn tell_in_stream(&self, failure: &Failure) -> ApiError {
        match failure.class {
            FailureClass::RateLimit
            | FailureClass::Overloaded
            | FailureClass::ContentPolicy
            | FailureClass::ContextWindow
            | FailureClass::Timeout => self.tell(failure),
            _ => super::broken_off(&self.model),
        }
    }

    /// The last event of a stream.
    pub fn event(&self, error: &ApiError) -> Bytes {
        let mut out = BytesMut::new();
        match self.operation.and_then(dialect_of).and_then(client_dialect) {
            Some(dialect) => dialect.stream_writer(&Asked::default()).error(error, &mut out),
            None => out.extend_from_slice(format!("data: {}\n\n", error.to_json()).as_bytes()),
        }
        out.freeze()
    }
}
