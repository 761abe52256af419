//! AWS Bedrock's runtime.
//! Source: AWS's "Amazon Bedrock API Reference", actions `Converse`, `ConverseStream` and `InvokeModel`.

use deltallm_dialects::{dialect::DialectId, embedding::EmbeddingVendorId, rerank::RerankVendorId};
use deltallm_shared::providers::Wire;

use super::{Vendor, Words, escaped};
use crate::snapshot::Deployment;

/// See the module.
pub struct Bedrock;

impl Vendor for Bedrock {
    fn wire(&self) -> Wire {
        Wire::Bedrock
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::BedrockConverse
    }

    fn embedding(&self) -> Option<EmbeddingVendorId> {
        Some(EmbeddingVendorId::Bedrock)
    }

    fn rerank(&self) -> Option<RerankVendorId> {
        Some(RerankVendorId::Bedrock)
    }

    fn path(&self, words: Words, deployment: &Deployment, streams: bool) -> String {
        // The reranker stands at the agents' runtime, see `Deployment::compile`.
        if matches!(words, Words::Rerank(_)) {
            return format!("{}/rerank", deployment.base_path);
        }
        let action = match words {
            Words::Embedding(_) => "invoke",
            _ if streams => "converse-stream",
            _ => "converse",
        };
        format!("{}/model/{}/{action}", deployment.base_path, escaped(&deployment.upstream_model, b""))
    }

    fn model_is_in_path(&self, _deployment: &Deployment) -> bool {
        true
    }
}
