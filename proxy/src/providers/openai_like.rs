//! OpenAI and everyone whose interface is like its.

use deltallm_dialects::dialect::DialectId;
use deltallm_shared::{operation::Operation, providers::Wire};

use super::{Vendor, Words, operation_of};
use crate::snapshot::Deployment;

/// See the module.
pub struct OpenAiLike;

impl Vendor for OpenAiLike {
    fn wire(&self) -> Wire {
        Wire::OpenAi
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::OpenAiChat
    }

    fn path(&self, words: Words, deployment: &Deployment, _streams: bool) -> String {
        format!("{}{}", deployment.base_path, path_of(words))
    }

    fn models_path(&self, deployment: &Deployment) -> Option<String> {
        Some(format!("{}/models", deployment.base_path))
    }
}

/// The path of OpenAI's interface, behind `/v1`.
pub(super) fn path_of(words: Words) -> &'static str {
    let operation = match words {
        Words::Same(operation) => operation,
        Words::Chat(dialect) => operation_of(dialect),
        Words::Embedding(_) => Operation::Embeddings,
        Words::Rerank(_) => Operation::Rerank,
        Words::Images => Operation::ImageGenerations,
        Words::Counted => Operation::ChatCompletions,
    };
    match operation {
        Operation::Completions => "/completions",
        Operation::Responses => "/responses",
        Operation::Messages => "/messages",
        Operation::Embeddings => "/embeddings",
        Operation::Rerank => "/rerank",
        Operation::Moderations => "/moderations",
        Operation::ImageGenerations => "/images/generations",
        Operation::ImageEdits => "/images/edits",
        Operation::ImageVariations => "/images/variations",
        Operation::Speech => "/audio/speech",
        Operation::Transcriptions => "/audio/transcriptions",
        Operation::AudioTranslations => "/audio/translations",
        Operation::Realtime => "/realtime",
        Operation::Files => "/files",
        Operation::Batches => "/batches",
        Operation::ChatCompletions
        | Operation::CountMessageTokens
        | Operation::GenerateContent
        | Operation::CountContentTokens
        | Operation::PassThrough => "/chat/completions",
    }
}
