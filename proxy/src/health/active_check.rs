//! Looks after deployments that nobody asks, and after those whose pause is over, where their group says so (`active_check`).
//!
//! Where replicas have Redis, one of them does it and the others hear what it found; else each does. A provider without a list of
//! models that its credential opens (Bedrock, Vertex AI) is not asked for one: there only `kind: call` does something.

use std::{collections::HashSet, sync::Arc, time::Duration};

use deltallm_routing::seed::Seed;
use deltallm_shared::{
    ids::DeploymentId,
    routing::{ActiveCheck, ActiveCheckKind, Fault},
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    check_plan::{CheckPlan, Occasion, Patient},
    checker::{Checker, Verdict},
    redis_link::RedisLink,
};
use crate::{
    routing::{HealthNews, now},
    snapshot::{Deployment, Group, Live},
    telemetry::metrics::{OutcomeLabel, ReasonLabel},
};

/// How often it is seen who is due.
const EVERY: Duration = Duration::from_millis(500);
/// Checks at a time.
const AT_ONCE: usize = 4;
/// For how long a replica has a deployment for itself whose pause is over.
const PROOF_LEASE: Duration = Duration::from_secs(5);

/// See the module.
pub struct ActiveChecks {
    /// What is served.
    pub live: Arc<Live>,
    /// Asks.
    pub checker: Checker,
    /// Hears of what is found.
    pub news: Arc<dyn HealthNews>,
    /// Where replicas agree who looks.
    pub lease: Option<Arc<tokio::sync::Mutex<RedisLink>>>,
    /// Those that are looked at now.
    pub under_way: Mutex<HashSet<DeploymentId>>,
}

impl ActiveChecks {
    /// Runs for ever.
    pub async fn run(self: Arc<Self>) {
        let mut plan = CheckPlan::default();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            tokio::time::sleep(EVERY).await;
            let snapshot = self.live.snapshot.load_full();
            let groups = snapshot.models.values().filter_map(|group| Some((group, group.routing.active_check?)));
            let all: Vec<_> = groups
                .flat_map(|(group, check)| group.iter().map(move |deployment| (group, check, deployment)))
                .collect();
            let patients: Vec<_> = all.iter().map(|(_, check, deployment)| patient(check, deployment)).collect();
            for (id, occasion) in plan.due(now(), &patients, Seed(random())) {
                let Some((group, check, deployment)) = all.iter().find(|(_, _, deployment)| deployment.id == id) else {
                    continue;
                };
                if !self.under_way.lock().insert(id) {
                    continue;
                }
                let (this, places) = (Arc::clone(&self), Arc::clone(&places));
                let (group, check, deployment) = (Arc::clone(group), *check, Arc::clone(deployment));
                tokio::spawn(async move {
                    let _place = places.acquire().await;
                    this.check(&group, check, &deployment, occasion).await;
                    this.under_way.lock().remove(&id);
                });
            }
        }
    }

    async fn check(&self, group: &Arc<Group>, check: ActiveCheck, deployment: &Arc<Deployment>, occasion: Occasion) {
        if !self.is_ours(deployment.id, check, occasion).await {
            return;
        }
        let (called, verdict) = match check.kind {
            ActiveCheckKind::Models => (false, self.checker.list(group, deployment).await),
            ActiveCheckKind::Call => match self.checker.call(group, deployment).await {
                Some(verdict) => (true, verdict),
                None => (false, self.checker.list(group, deployment).await),
            },
        };
        let outcome = match verdict {
            Verdict::Well => "well",
            Verdict::Sick(_) => "sick",
            Verdict::Unknown => "unknown",
        };
        let metrics = &self.checker.accounts.metrics;
        metrics.active_checks.get_or_create(&OutcomeLabel { outcome }).inc();
        tracing::debug!(deployment = %deployment.id, model = deployment.model_name, ?verdict, "an active check");
        let found = match verdict {
            Verdict::Unknown => return,
            Verdict::Well => Ok(()),
            Verdict::Sick(fault) => {
                if fault == Fault::Auth {
                    let model = &deployment.model_name;
                    tracing::error!(deployment = %deployment.id, model, "an active check: the credential of a deployment is refused");
                    metrics.deployment_alerts.get_or_create(&ReasonLabel { reason: fault.name() }).inc();
                }
                Err(fault)
            }
        };
        let says_something = match found {
            // A real call's failure went into the statistics with its attempt.
            Err(_) => !called,
            Ok(()) => called || is_disproved_by_list(deployment),
        };
        if !says_something {
            return;
        }
        if let Some(transition) = deployment.stats.checked(now(), found, &group.routing.circuit) {
            self.news.changed(deployment.id, &deployment.model_name, transition);
        }
    }

    /// Whether this replica looks; each does where they cannot agree.
    async fn is_ours(&self, id: DeploymentId, check: ActiveCheck, occasion: Occasion) -> bool {
        let Some(link) = &self.lease else { return true };
        let (key, lease_ms) = lease(id, check, occasion);
        let mut ask = redis::pipe();
        ask.cmd("SET").arg(key).arg(1).arg("NX").arg("PX").arg(lease_ms);
        let answer: Result<(Option<String>,), _> = link.lock().await.ask(&ask).await;
        answer.map_or(true, |(set,)| set.is_some())
    }
}

/// What replicas agree on, and for how many milliseconds. One for each occasion: who has looked after an idle deployment a moment ago
/// does not keep anybody from looking when its pause is over.
fn lease(id: DeploymentId, check: ActiveCheck, occasion: Occasion) -> (String, u64) {
    let (name, lease_ms) = match occasion {
        Occasion::Probation => ("probation", u64::try_from(PROOF_LEASE.as_millis()).unwrap_or(0)),
        Occasion::Idle => ("idle", check.interval_ms / 2),
    };
    (format!("deltallm:check:{name}:{id}"), lease_ms.max(500))
}

fn patient(check: &ActiveCheck, deployment: &Deployment) -> Patient {
    let at = now();
    let (limits, report) = (&deployment.limits, deployment.stats.report(at));
    let view = deployment.stats.view(at, limits, 0);
    Patient {
        id: deployment.id,
        every: Duration::from_millis(check.interval_ms),
        must_prove_itself: view.is_on_probation && !view.is_probed && view.limited_until.is_none(),
        is_set_aside: view.is_set_aside(at) || view.is_on_probation,
        is_busy: report.in_flight > 0 || report.requests_last_minute > 0,
    }
}

/// A list of models proves that the provider can be reached, and nothing of its models: who failed otherwise proves itself with a
/// request.
fn is_disproved_by_list(deployment: &Deployment) -> bool {
    let last = deployment.stats.report(now()).last_fault;
    matches!(last, Some(Fault::Dns | Fault::Connect | Fault::Tls | Fault::Broken))
}

fn random() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_an_idle_deployment_does_not_keep_one_from_proving_itself() {
        let check = ActiveCheck { kind: ActiveCheckKind::Models, interval_ms: 300_000 };
        let id = DeploymentId::new();
        let (idle, idle_ms) = lease(id, check, Occasion::Idle);
        let (probation, probation_ms) = lease(id, check, Occasion::Probation);
        assert_ne!(idle, probation);
        assert_eq!((idle_ms, probation_ms), (150_000, 5_000));
        assert_ne!(idle, lease(DeploymentId::new(), check, Occasion::Idle).0);
    }
}
