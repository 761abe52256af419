//! AWS Bedrock's runtime.
//! Source: AWS's "Amazon Bedrock API Reference", actions `Converse`, `ConverseStream` and `InvokeModel`.

use deltallm_dialects::{dialect::DialectId, embedding::EmbeddingVendorId};
use deltallm_shared::providers::Wire;

use super::{Vendor, Words, escaped};
use crate::snapshot::Deployment;

/// Where a deployment stands that does not say it.
pub const DEFAULT_REGION: &str = "us-east-1";

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

/// The runtime's address for a region.
pub fn default_base(region: Option<&str>) -> String {
    let region = region.filter(|region| !region.is_empty()).unwrap_or(DEFAULT_REGION);
    format!("https://bedrock-runtime.{region}.amazonaws.com")
}
