//! One attempt under way, as a guard: whatever ends it, the deployment's statistics hear of it exactly once.

use std::{sync::Arc, time::Duration};

use deltallm_routing::{
    retry::consequence,
    stats::{Begun, Ending, Transition},
    tick::Tick,
};
use deltallm_shared::{ids::DeploymentId, routing::Fault};

use super::clock::now;
use crate::snapshot::{Deployment, Group};

/// Hears of attempts: the log, the metrics, other replicas, those who wait for room. Each listens to what concerns it.
pub trait HealthNews: Send + Sync {
    /// A deployment is set aside, or well again.
    fn changed(&self, _deployment: DeploymentId, _model: &str, _transition: Transition) {}

    /// A group's trial of a deployment has failed: it gets no share any more.
    fn trial_failed(&self, _deployment: DeploymentId, _model: &str) {}

    /// An attempt of a group ended: there may be room.
    fn ended(&self, _group: &str) {}
}

/// See the module.
pub struct AttemptInFlight {
    group: Arc<Group>,
    deployment: Arc<Deployment>,
    news: Arc<dyn HealthNews>,
    /// What it is expected to take.
    tokens: u64,
    began: Tick,
    /// For the statistics; taken when it ends.
    begun: Option<Begun>,
    first_content: Option<Duration>,
}

impl AttemptInFlight {
    /// An attempt begins. `tokens`: what it is expected to take.
    pub fn begin(group: &Arc<Group>, deployment: &Arc<Deployment>, tokens: u64, news: Arc<dyn HealthNews>) -> Self {
        let began = now();
        let begun = Some(deployment.stats.begin(began, tokens));
        Self {
            group: Arc::clone(group),
            deployment: Arc::clone(deployment),
            news,
            tokens,
            began,
            begun,
            first_content: None,
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
        let Some(begun) = self.begun.take() else { return };
        let (deployment, group) = (&self.deployment, &self.group);
        if group.is_canary(deployment) {
            let has_failed = match ending {
                Ending::Answered { .. } => Some(false),
                Ending::Failed { fault, .. } => consequence(fault).counts.then_some(true),
                Ending::Abandoned => None,
            };
            if has_failed.is_some_and(|has_failed| group.state.canary.count(has_failed)) {
                self.news.trial_failed(deployment.id, &group.name);
            }
        }
        if let Some(transition) = deployment.stats.end(now(), begun, ending, &group.routing.circuit) {
            self.news.changed(deployment.id, &deployment.model_name, transition);
        }
        self.news.ended(&group.name);
    }
}

impl Drop for AttemptInFlight {
    fn drop(&mut self) {
        self.end(Ending::Abandoned);
    }
}
