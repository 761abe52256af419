//! One ear for several listeners.

use std::sync::Arc;

use deltallm_routing::stats::Transition;
use deltallm_shared::ids::DeploymentId;

use crate::routing::HealthNews;

/// Tells everybody, in order.
pub struct ToAll(pub Vec<Arc<dyn HealthNews>>);

impl HealthNews for ToAll {
    fn changed(&self, deployment: DeploymentId, model: &str, transition: Transition) {
        for listener in &self.0 {
            listener.changed(deployment, model, transition);
        }
    }

    fn trial_failed(&self, deployment: DeploymentId, model: &str) {
        for listener in &self.0 {
            listener.trial_failed(deployment, model);
        }
    }

    fn ended(&self, group: &str) {
        for listener in &self.0 {
            listener.ended(group);
        }
    }
}
