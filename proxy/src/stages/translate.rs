//! Seventh stage: what one deployment is asked. In the client's own words where the vendor understands them; else in the
//! vendor's, by way of the canonical form. Before any connection is made, so that what cannot be said costs nothing.

use bytes::Bytes;
use deltallm_dialects::{
    canonical::Unsupported,
    dialect::{DialectId, VendorDialect, vendor_dialect},
    embedding::{self, EmbeddingVendorId, embedding_vendor},
    gemini::images,
    openai::chat::ChatVendor,
    rerank::{self, RerankVendorId, rerank_vendor},
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
    providers::StreamUsage,
};

use http::{HeaderName, HeaderValue, Method};

use crate::{
    call::{Call, Upload},
    net::outgoing::OutgoingBody,
    providers::{self, Words},
    snapshot::Deployment,
};

/// What a deployment is asked.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// In whose words.
    pub words: Words,
    /// Path and query.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// Parameters that were left out, because the operator allows it.
    pub dropped: Vec<String>,
    /// What differs from a `POST` of JSON.
    pub own_form: Option<Box<OwnForm>>,
}

/// An attempt that is not a `POST` of JSON from memory.
#[derive(Clone, Debug, Default)]
pub struct OwnForm {
    /// The method.
    pub method: Method,
    /// The body's type; none where there is no body.
    pub content_type: Option<HeaderValue>,
    /// The body, where it is not in memory.
    pub upload: Option<OutgoingBody>,
    /// Header lines of the client that go on.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether a WebSocket is asked for.
    pub upgrades: bool,
}

/// Runs the stage for one deployment. An error says which parameter the deployment cannot do.
pub fn translate(call: &Call, deployment: &Deployment) -> Result<Attempt, ApiError> {
    let words = providers::words_for(call.operation, deployment).ok_or_else(|| cannot(call.operation, deployment))?;
    let words = match words {
        // OpenAI's interface, at a vendor that does not know all of its words.
        Words::Same(Operation::ChatCompletions)
            if call.upload.is_none() && ChatVendor::of_provider(deployment.provider.id).must_reword(&call.body) =>
        {
            Words::Chat(DialectId::OpenAiChat)
        }
        words => words,
    };
    let vendor = providers::vendor(deployment.provider.wire);
    let mut unsupported = Unsupported::new(deployment.provider.label, deployment.drop_params);
    let body = match words {
        Words::Same(_) if call.upload.is_some() => Bytes::new(),
        Words::Same(operation) => as_it_came(call, operation, deployment),
        Words::Chat(dialect) => chat(call, dialect, deployment, &mut unsupported)?,
        Words::Embedding(id) => embeddings(call, id, deployment, &mut unsupported)?,
        Words::Rerank(id) => reranking(call, id, deployment, &mut unsupported)?,
        Words::Images => images::write_request(&call.body, &deployment.upstream_model, &mut unsupported)?.into(),
        Words::Counted => Bytes::new(),
    };
    let path = vendor.path(words, deployment, call.streams);
    let own_form = call.upload.as_ref().map(|upload| Box::new(form(upload, deployment)));
    Ok(Attempt { words, path, body, dropped: unsupported.dropped, own_form })
}

/// The same for what has to be sent: a count that the vendor has no interface for is answered here or not at all.
pub fn translate_to_send(call: &Call, deployment: &Deployment) -> Result<Attempt, ApiError> {
    let attempt = translate(call, deployment)?;
    if attempt.words == Words::Counted { Err(cannot(call.operation, deployment)) } else { Ok(attempt) }
}

/// The client's form with the vendor's name of the model.
fn form(upload: &Upload, deployment: &Deployment) -> OwnForm {
    let edits = upload.form.with_model(&deployment.upstream_model).into_iter().collect();
    OwnForm {
        method: Method::POST,
        content_type: Some(upload.content_type.clone()),
        upload: Some(OutgoingBody::new(upload.body.clone(), edits)),
        ..OwnForm::default()
    }
}

/// The client's bytes with the vendor's name of the model, and usage asked for where it has to be.
fn as_it_came(call: &Call, operation: Operation, deployment: &Deployment) -> Bytes {
    let counts_on_request = matches!(operation, Operation::ChatCompletions | Operation::Completions);
    let ask_usage = counts_on_request && deployment.provider.stream_usage == StreamUsage::Asked;
    call.index.rewrite(&call.body, &deployment.upstream_model, ask_usage)
}

fn chat(
    call: &Call,
    dialect: DialectId,
    deployment: &Deployment,
    unsupported: &mut Unsupported<'_>,
) -> Result<Bytes, ApiError> {
    let like_openai = ChatVendor::of_provider(deployment.provider.id);
    let vendor: &dyn VendorDialect = match dialect {
        DialectId::OpenAiChat => &like_openai,
        other => vendor_dialect(other).ok_or_else(|| cannot(call.operation, deployment))?,
    };
    let mut request = call.chat()?.clone();
    request.model.clone_from(&deployment.upstream_model);
    // Our own books need the figures, whatever the client wants to see.
    request.include_usage = deployment.provider.stream_usage == StreamUsage::Asked;
    vendor.write_request(&request, unsupported).map(Bytes::from)
}

fn embeddings(
    call: &Call,
    id: EmbeddingVendorId,
    deployment: &Deployment,
    unsupported: &mut Unsupported<'_>,
) -> Result<Bytes, ApiError> {
    let vendor = embedding_vendor(id).ok_or_else(|| cannot(call.operation, deployment))?;
    let mut request = embedding::openai::read_request(&call.body, call.path_model())?;
    if let Some(most) = vendor.inputs_per_call(&deployment.upstream_model).filter(|most| request.inputs.len() > *most) {
        let text = format!("The model `{}` takes at most {most} inputs in one call.", call.index.model);
        return Err(ApiError::about(ErrorCode::InvalidRequest, "input", text));
    }
    request.model.clone_from(&deployment.upstream_model);
    vendor.write_request(&request, unsupported).map(Bytes::from)
}

fn reranking(
    call: &Call,
    id: RerankVendorId,
    deployment: &Deployment,
    unsupported: &mut Unsupported<'_>,
) -> Result<Bytes, ApiError> {
    let vendor = rerank_vendor(id).ok_or_else(|| cannot(call.operation, deployment))?;
    let mut request = rerank::client::read_request(&call.body, call.path_model())?;
    request.model = match id {
        RerankVendorId::Bedrock => {
            rerank::model_arn(&deployment.upstream_model, deployment.region.as_deref().unwrap_or_default())
        }
        _ => deployment.upstream_model.clone(),
    };
    vendor.write_request(&request, unsupported).map(Bytes::from)
}

/// The vendor has nothing of the kind.
fn cannot(operation: Operation, deployment: &Deployment) -> ApiError {
    let (label, name) = (deployment.provider.label, operation.name());
    let text = format!("The model `{}` is served by {label}, which has no `{name}`.", deployment.model_name);
    ApiError::about(ErrorCode::InvalidRequest, "model", text)
}
