//! Cohere's interface, version 2.

use deltallm_dialects::{dialect::DialectId, embedding::EmbeddingVendorId};
use deltallm_shared::providers::Wire;

use super::{Vendor, Words};
use crate::snapshot::Deployment;

/// See the module.
pub struct Cohere;

impl Vendor for Cohere {
    fn wire(&self) -> Wire {
        Wire::Cohere
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::CohereChat
    }

    fn embedding(&self) -> Option<EmbeddingVendorId> {
        Some(EmbeddingVendorId::Cohere)
    }

    fn path(&self, words: Words, deployment: &Deployment, _streams: bool) -> String {
        let base = base_of(deployment);
        match words {
            Words::Chat(_) => format!("{base}/v2/chat"),
            Words::Embedding(_) => format!("{base}/v2/embed"),
            _ => format!("{base}/v2/rerank"),
        }
    }

    fn models_path(&self, deployment: &Deployment) -> Option<String> {
        Some(format!("{}/v1/models?page_size=1", base_of(deployment)))
    }
}

/// People copy the base in several lengths.
fn base_of(deployment: &Deployment) -> &str {
    deployment.base_path.trim_end_matches("/v1").trim_end_matches("/v2")
}
