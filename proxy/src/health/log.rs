//! Changes of health in the log.

use deltallm_routing::stats::Transition;
use deltallm_shared::ids::DeploymentId;

use crate::routing::{HealthNews, now};

/// See the module.
pub struct HealthLog;

impl HealthNews for HealthLog {
    fn changed(&self, deployment: DeploymentId, model: &str, transition: Transition) {
        match transition {
            Transition::SetAside { until, fault } => {
                let seconds = until.since(now()).as_secs();
                tracing::warn!(%deployment, model, fault = fault.name(), seconds, "a deployment failed too often and is set aside");
            }
            Transition::Limited { until } => {
                let seconds = until.since(now()).as_secs();
                tracing::warn!(%deployment, model, seconds, "the provider limits a deployment");
            }
            Transition::Recovered => tracing::info!(%deployment, model, "a deployment is well again"),
        }
    }

    fn trial_failed(&self, deployment: DeploymentId, model: &str) {
        tracing::error!(%deployment, model, "a deployment on trial failed too often and gets no share any more");
    }
}
