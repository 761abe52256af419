//! Models that are there without being configured: those of every provider whose key stands in the environment, and the mock.

use super::{FileDeployment, reference::Environment};
use crate::{
    catalog,
    control::{DeploymentRecord, DeploymentSource, MockOptions, ModelMode},
    ids::DeploymentId,
    providers::{MOCK, MOCK_MODELS, PROVIDERS},
    secret::Secret,
};

pub(super) fn deployments(environment: &dyn Environment) -> Vec<FileDeployment> {
    let mut found: Vec<_> = MOCK_MODELS
        .iter()
        .map(|model| FileDeployment {
            record: record(MOCK, model, &format!("{MOCK}/{model}"), ModelMode::Chat),
            api_key: None,
        })
        .collect();
    for provider in PROVIDERS {
        let Some(api_key) = provider.key_variable.and_then(|name| environment.variable(name)) else { continue };
        for (mode, kind) in [(ModelMode::Chat, catalog::Mode::Chat), (ModelMode::Embedding, catalog::Mode::Embedding)] {
            // Fine-tuned models have names of their own, and what has no price per token is no model to talk to.
            let is_offered = |info: &&&catalog::ModelInfo| !info.model.starts_with("ft:") && info.prices.is_some();
            for info in catalog::models_of(provider.id, Some(kind)).iter().filter(is_offered) {
                let model = info.model;
                let name = if model.contains('/') { format!("{}/{model}", provider.id) } else { model.to_owned() };
                let api_key = Some(Secret::from(api_key.as_str()));
                found.push(FileDeployment { record: record(provider.id, model, &name, mode), api_key });
            }
        }
    }
    found
}

fn record(provider: &str, upstream_model: &str, model_name: &str, mode: ModelMode) -> DeploymentRecord {
    DeploymentRecord {
        id: DeploymentId::from_text(&format!("built-in {provider} {upstream_model}")),
        model_name: model_name.to_owned(),
        provider: provider.to_owned(),
        upstream_model: upstream_model.to_owned(),
        api_base: None,
        sealed_api_key: None,
        timeout_ms: None,
        stream_timeout_ms: None,
        weight: 1,
        tags: Vec::new(),
        mode,
        prices: None,
        mock: MockOptions::default(),
        source: DeploymentSource::BuiltIn,
        blocked: false,
    }
}
