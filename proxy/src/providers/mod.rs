//! What differs per vendor when a request is sent there: how it is asked, at which path, with which header lines. Pure. What a
//! vendor is and has stands as data in `shared/src/providers.rs`; vendors with OpenAI's interface need nothing here.

mod anthropic;
mod azure;
mod bedrock;
mod cohere;
mod gemini;
mod openai_like;
mod vertex;

use std::fmt::Write as _;

use deltallm_dialects::{dialect::DialectId, embedding::EmbeddingVendorId, rerank::RerankVendorId};
use deltallm_shared::{operation::Operation, providers::Wire};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::snapshot::Deployment;

/// One per [`Wire`]; a test finds the one that is missing.
pub static VENDORS: &[&dyn Vendor] = &[
    &openai_like::OpenAiLike,
    &azure::Azure,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &vertex::Vertex,
    &bedrock::Bedrock,
    &cohere::Cohere,
];

/// The vendor of a deployment.
pub fn vendor(wire: Wire) -> &'static dyn Vendor {
    VENDORS.iter().copied().find(|vendor| vendor.wire() == wire).unwrap_or(&openai_like::OpenAiLike)
}

/// What a vendor is asked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// The client's own: the bytes pass through.
    Same(Operation),
    /// A chat in another dialect.
    Chat(DialectId),
    /// Embeddings in the vendor's form.
    Embedding(EmbeddingVendorId),
    /// Reranking in the vendor's form.
    Rerank(RerankVendorId),
    /// Pictures in the vendor's form.
    Images,
    /// Nobody is asked: the gateway counts the tokens itself.
    Counted,
}

/// A kind of vendor.
pub trait Vendor: Sync {
    /// What it speaks.
    fn wire(&self) -> Wire;

    /// The dialect of chats that do not come in the vendor's own words.
    fn chat(&self, deployment: &Deployment) -> DialectId;

    /// The form of embeddings, where it is not OpenAI's.
    fn embedding(&self) -> Option<EmbeddingVendorId> {
        None
    }

    /// The form of reranking, where it is not Cohere's and Jina's.
    fn rerank(&self) -> Option<RerankVendorId> {
        None
    }

    /// Whether it makes pictures in a form of its own.
    fn makes_images(&self) -> bool {
        false
    }

    /// Path and query, without the base's path where `base_path` says so. `streams`: whether the answer shall be a stream.
    fn path(&self, words: Words, deployment: &Deployment, streams: bool) -> String;

    /// Whether the model's name stands in the path and not in the body.
    fn model_is_in_path(&self, _deployment: &Deployment) -> bool {
        false
    }

    /// Where its list of models is, which can be asked for without cost; `None`: it has none that the deployment's credential opens.
    fn models_path(&self, _deployment: &Deployment) -> Option<String> {
        None
    }

    /// Header lines of the vendor's own. `client`: what the client sent.
    fn headers(&self, _client: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }
}

/// How a deployment does an operation; `None`: it cannot.
pub fn words_for(operation: Operation, deployment: &Deployment) -> Option<Words> {
    let (provider, vendor) = (deployment.provider, vendor(deployment.provider.wire));
    // A model that has the newer interface only is asked there, whatever else its vendor has.
    if deployment.is_responses_only() && operation.is_chat() && operation != Operation::Responses {
        return Some(Words::Chat(DialectId::OpenAiResponses));
    }
    if provider.speaks(operation) {
        return Some(Words::Same(operation));
    }
    match operation {
        _ if operation.is_chat() => Some(Words::Chat(vendor.chat(deployment))),
        Operation::Embeddings => vendor.embedding().map(Words::Embedding),
        Operation::Rerank => vendor.rerank().map(Words::Rerank),
        Operation::ImageGenerations if vendor.makes_images() => Some(Words::Images),
        Operation::CountMessageTokens | Operation::CountContentTokens => Some(Words::Counted),
        _ => None,
    }
}

/// The operation whose interface a chat dialect belongs to, for vendors that have OpenAI's paths.
pub fn operation_of(dialect: DialectId) -> Operation {
    match dialect {
        DialectId::OpenAiCompletions => Operation::Completions,
        DialectId::OpenAiResponses => Operation::Responses,
        DialectId::AnthropicMessages => Operation::Messages,
        DialectId::GeminiGenerate => Operation::GenerateContent,
        DialectId::OpenAiChat | DialectId::BedrockConverse | DialectId::CohereChat => Operation::ChatCompletions,
    }
}

/// A model's name as a part of a path. `keep`: bytes that may stand there as they are.
pub fn escaped(name: &str, keep: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use deltallm_shared::providers::PROVIDERS;

    use super::*;

    #[test]
    fn every_wire_has_its_vendor() {
        for provider in PROVIDERS {
            assert_eq!(vendor(provider.wire).wire(), provider.wire, "{}", provider.id);
        }
    }
}
