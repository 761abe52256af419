//! OpenAI's interface at Microsoft Azure, in both of its surfaces: the newer `/openai/v1/…`, which is OpenAI's own, and the older
//! `/openai/deployments/{deployment}/…?api-version=…`, which a deployment with an `api_version` uses.
//! Source: Microsoft's "Azure OpenAI in Azure AI Foundry Models REST API reference".

use deltallm_dialects::dialect::DialectId;
use deltallm_shared::{operation::Operation, providers::Wire};

use super::{Vendor, Words, escaped, openai_like};
use crate::snapshot::Deployment;

/// See the module.
pub struct Azure;

impl Vendor for Azure {
    fn wire(&self) -> Wire {
        Wire::Azure
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::OpenAiChat
    }

    fn path(&self, words: Words, deployment: &Deployment, _streams: bool) -> String {
        let base = base_of(deployment);
        let path = openai_like::path_of(words);
        match old_version(deployment) {
            None => format!("{base}/openai/v1{path}"),
            Some(version) if has_no_model_in_path(words) => format!("{base}/openai{path}?api-version={version}"),
            Some(version) => {
                let name = escaped(&deployment.upstream_model, b"");
                format!("{base}/openai/deployments/{name}{path}?api-version={version}")
            }
        }
    }

    fn models_path(&self, deployment: &Deployment) -> Option<String> {
        let base = base_of(deployment);
        Some(match old_version(deployment) {
            None => format!("{base}/openai/v1/models"),
            Some(version) => format!("{base}/openai/models?api-version={version}"),
        })
    }

    fn model_is_in_path(&self, deployment: &Deployment) -> bool {
        old_version(deployment).is_some()
    }
}

/// People copy the base in several lengths.
fn base_of(deployment: &Deployment) -> &str {
    deployment.base_path.trim_end_matches("/v1").trim_end_matches("/openai")
}

/// The version of the older surface; `v1`, `latest` and `preview` name the newer one.
fn old_version(deployment: &Deployment) -> Option<&str> {
    deployment.api_version.as_deref().filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

fn has_no_model_in_path(words: Words) -> bool {
    matches!(
        words,
        Words::Same(Operation::Responses | Operation::Files | Operation::Batches | Operation::Realtime)
            | Words::Chat(DialectId::OpenAiResponses)
    )
}
