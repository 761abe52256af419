//! Google's Gemini API.

use deltallm_dialects::{
    dialect::DialectId,
    embedding::EmbeddingVendorId,
    gemini::{embeddings, images},
};
use deltallm_shared::{operation::Operation, providers::Wire};

use super::{Vendor, Words, escaped};
use crate::snapshot::Deployment;

/// See the module.
pub struct Gemini;

impl Vendor for Gemini {
    fn wire(&self) -> Wire {
        Wire::Gemini
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::GeminiGenerate
    }

    fn embedding(&self) -> Option<EmbeddingVendorId> {
        Some(EmbeddingVendorId::Gemini)
    }

    fn makes_images(&self) -> bool {
        true
    }

    fn path(&self, words: Words, deployment: &Deployment, streams: bool) -> String {
        let base = base_of(deployment);
        let model = deployment.upstream_model.trim_start_matches("models/");
        format!("{base}/v1beta/models/{}:{}", escaped(model, b""), method_of(words, model, streams))
    }

    fn models_path(&self, deployment: &Deployment) -> Option<String> {
        Some(format!("{}/v1beta/models?pageSize=1", base_of(deployment)))
    }

    fn model_is_in_path(&self, _deployment: &Deployment) -> bool {
        true
    }
}

/// The base of Google's OpenAI-like surface was the one to give before.
fn base_of(deployment: &Deployment) -> &str {
    deployment.base_path.trim_end_matches("/openai").trim_end_matches("/v1beta")
}

/// The method that stands behind the model's name; Vertex AI has the same.
pub(super) fn method_of(words: Words, model: &str, streams: bool) -> &'static str {
    match words {
        Words::Same(Operation::CountContentTokens) => "countTokens",
        Words::Embedding(EmbeddingVendorId::Gemini) => "batchEmbedContents",
        Words::Embedding(_) => embeddings::vertex_method(model),
        Words::Images if images::is_imagen(model) => "predict",
        // Events are what every other part of the gateway reads; without `alt` Google sends one long array.
        _ if streams => "streamGenerateContent?alt=sse",
        _ => "generateContent",
    }
}
