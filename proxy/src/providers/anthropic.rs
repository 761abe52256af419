//! Anthropic's own interface.

use deltallm_dialects::dialect::DialectId;
use deltallm_shared::{operation::Operation, providers::Wire};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Vendor, Words};
use crate::snapshot::Deployment;

/// The version that every request names; the newest, and the only one in use since 2023.
const VERSION: &str = "2023-06-01";

/// See the module.
pub struct Anthropic;

impl Vendor for Anthropic {
    fn wire(&self) -> Wire {
        Wire::Anthropic
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::AnthropicMessages
    }

    fn path(&self, words: Words, deployment: &Deployment, _streams: bool) -> String {
        let base = deployment.base_path.trim_end_matches("/v1");
        match words {
            Words::Same(Operation::CountMessageTokens) => format!("{base}/v1/messages/count_tokens"),
            _ => format!("{base}/v1/messages"),
        }
    }

    fn models_path(&self, deployment: &Deployment) -> Option<String> {
        Some(format!("{}/v1/models?limit=1", deployment.base_path.trim_end_matches("/v1")))
    }

    fn headers(&self, client: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
        let of_client = |name: &'static str| client.get(name).cloned();
        let version = of_client("anthropic-version").unwrap_or(HeaderValue::from_static(VERSION));
        let beta = of_client("anthropic-beta").map(|value| (HeaderName::from_static("anthropic-beta"), value));
        [(HeaderName::from_static("anthropic-version"), version)].into_iter().chain(beta).collect()
    }
}
