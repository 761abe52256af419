//! Models that are there without being configured: those of every provider whose key stands in the environment, and the mock.

use super::{
    Diagnostic, FileDeployment,
    credentials::{Surroundings, from_environment},
    reference::Environment,
};
use crate::{
    catalog,
    control::{DeploymentRecord, DeploymentSource, MockOptions, ModelMode},
    ids::DeploymentId,
    providers::{MOCK, MOCK_MODELS, PROVIDERS},
};

/// All of them. A credential of the environment that cannot be read is a warning: it may be meant for something else.
pub(super) fn deployments(environment: &dyn Environment, warnings: &mut Vec<Diagnostic>) -> Vec<FileDeployment> {
    let mut found: Vec<_> = MOCK_MODELS
        .iter()
        .map(|model| FileDeployment {
            record: record(MOCK, model, &format!("{MOCK}/{model}"), ModelMode::Chat),
            credentials: Vec::new(),
        })
        .collect();
    for provider in PROVIDERS {
        // Only a variable that is for this provider alone offers its models: AWS' general ones are often there for storage.
        if provider.key_variable.and_then(|name| environment.variable(name)).is_none() {
            continue;
        }
        let place = Surroundings::of(provider, environment);
        if provider.usual_api_base(place.region.as_deref()).is_none() {
            continue;
        }
        let credentials = match from_environment(provider, environment) {
            Some(Ok(values)) => vec![values],
            Some(Err(message)) => {
                warnings.push(Diagnostic { file: "environment".to_owned(), line: 0, column: 0, message });
                continue;
            }
            None => continue,
        };
        for (mode, kind) in [(ModelMode::Chat, catalog::Mode::Chat), (ModelMode::Embedding, catalog::Mode::Embedding)] {
            // Fine-tuned models have names of their own, and what has no price per token is no model to talk to.
            let is_offered = |info: &&&catalog::ModelInfo| !info.model.starts_with("ft:") && info.prices.is_some();
            for info in catalog::models_of(provider.id, Some(kind)).iter().filter(is_offered) {
                let model = info.model;
                let name = if model.contains('/') { format!("{}/{model}", provider.id) } else { model.to_owned() };
                let record = DeploymentRecord {
                    region: place.region.clone(),
                    project: place.project.clone(),
                    ..record(provider.id, model, &name, mode)
                };
                found.push(FileDeployment { record, credentials: credentials.clone() });
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
        credential_ids: Vec::new(),
        api_version: None,
        region: None,
        project: None,
        drop_params: None,
        timeout_ms: None,
        stream_timeout_ms: None,
        weight: 1,
        priority: 0,
        rpm: None,
        tpm: None,
        max_parallel_requests: None,
        tags: Vec::new(),
        mode,
        prices: None,
        mock: MockOptions::default(),
        source: DeploymentSource::BuiltIn,
        blocked: false,
    }
}
