//! AWS Bedrock's runtime.
//! Source: AWS's "Amazon Bedrock API Reference", actions `Converse`, `ConverseStream` and `InvokeModel`.

use deltallm_dialects::{dialect::DialectId, embedding::EmbeddingVendorId};
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

    fn path(&self, words: Words, deployment: &Deployment, streams: bool) -> String {
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
