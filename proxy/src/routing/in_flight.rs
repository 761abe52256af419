//! One attempt under way, as a guard: whatever ends it, the deployment's statistics hear of it exactly once.

use std::{sync::Arc, time::Duration};

use deltallm_routing::{
    stats::{Begun, Ending, Transition},
    tick::Tick,
};
use deltallm_shared::{
    ids::DeploymentId,
    routing::{CircuitPolicy, Fault},
};

use super::clock::now;
use crate::snapshot::{Deployment, Group};

/// Hears of changes of health: the log, the metrics, other replicas.
pub trait HealthNews: Send + Sync {
    /// A deployment is set aside, or well again.
    fn changed(&self, deployment: DeploymentId, model: &str, transition: Transition);
}

/// See the module.
pub struct AttemptInFlight {
    deployment: Arc<Deployment>,
    circuit: CircuitPolicy,
    news: Arc<dyn HealthNews>,
    /// What it is expected to take.
    tokens: u64,
    began: Tick,
    begun: Begun,
    first_content: Option<Duration>,
    is_ended: bool,
}

impl AttemptInFlight {
    /// An attempt begins. `tokens`: what it is expected to take.
    pub fn begin(group: &Group, deployment: &Arc<Deployment>, tokens: u64, news: Arc<dyn HealthNews>) -> Self {
        let began = now();
        let begun = deployment.stats.begin(began, tokens);
        Self {
            deployment: Arc::clone(deployment),
            circuit: group.routing.circuit,
            news,
            tokens,
            began,
            begun,
            first_content: None,
            is_ended: false,
        }
    }

    /// The first content of a stream is here.
    pub fn first_content(&mut self) {
        if self.first_content.is_none() {
            self.first_content = Some(now().since(self.began));
        }
    }

    /// The answer is whole. `tokens`: what it took, where that is known.
    pub fn answered(mut self, tokens: Option<u64>) {
        let total = now().since(self.began);
        let tokens = tokens.unwrap_or(self.tokens);
        self.end(Ending::Answered { first_token: self.first_content, total, tokens });
    }

    /// It failed. `retry_after`: for how long the provider wants to be left alone.
    pub fn failed(mut self, fault: Fault, retry_after: Option<Duration>) {
        self.end(Ending::Failed { fault, retry_after });
    }

    fn end(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.is_ended, true) {
            return;
        }
        let deployment = &self.deployment;
        if let Some(transition) = deployment.stats.end(now(), self.begun, ending, &self.circuit) {
            self.news.changed(deployment.id, &deployment.model_name, transition);
        }
    }
}

impl Drop for AttemptInFlight {
    fn drop(&mut self) {
        self.end(Ending::Abandoned);
    }
}
