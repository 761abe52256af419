//! All deployments of one public name, and how requests find their way among them.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use deltallm_routing::{affinity::PrefixTable, hedge::HedgeShare};
use deltallm_shared::routing::EffectiveRouting;

use super::{Deployment, canary_trial::CanaryTrial};

/// The deployments of one public name.
pub struct Group {
    /// The public name.
    pub name: String,
    /// Who serves it, in the order of their ids.
    pub deployments: Box<[Arc<Deployment>]>,
    /// How it is routed.
    pub routing: EffectiveRouting,
    /// What is remembered between requests.
    pub state: Arc<GroupState>,
}

impl Group {
    /// A group without a past.
    pub fn new(name: String, deployments: Vec<Arc<Deployment>>, routing: EffectiveRouting) -> Self {
        Self { name, deployments: deployments.into(), routing, state: Arc::default() }
    }
}

impl Deref for Group {
    type Target = [Arc<Deployment>];

    fn deref(&self) -> &Self::Target {
        &self.deployments
    }
}

impl Group {
    /// Whether a deployment is on trial.
    pub fn is_canary(&self, deployment: &Deployment) -> bool {
        self.routing.canary.as_ref().is_some_and(|canary| {
            canary.deployment_id == Some(deployment.id)
                || canary.tag.as_ref().is_some_and(|tag| deployment.tags.contains(tag))
        })
    }
}

/// What a group remembers between requests; it outlives changes of the configuration.
pub struct GroupState {
    turn: AtomicU64,
    /// How the deployment on trial does.
    pub canary: CanaryTrial,
    /// Which share of its requests gets a second attempt.
    pub hedges: HedgeShare,
    prefixes: OnceLock<PrefixTable>,
}

impl Default for GroupState {
    fn default() -> Self {
        let (canary, hedges) = (CanaryTrial::default(), HedgeShare::default());
        Self { turn: AtomicU64::new(0), canary, hedges, prefixes: OnceLock::new() }
    }
}

impl GroupState {
    /// Whose prompt cache is warm. Takes memory only where a strategy asks.
    pub fn prefixes(&self) -> &PrefixTable {
        self.prefixes.get_or_init(|| {
            let (one, other) = uuid::Uuid::new_v4().as_u64_pair();
            PrefixTable::new([one, other], PrefixTable::SLOTS)
        })
    }

    /// Whose turn it is.
    pub fn next_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

/// The memories of all groups, by their names.
#[derive(Default)]
pub(super) struct GroupStates(HashMap<String, Arc<GroupState>>);

impl GroupStates {
    /// The memory of a group, which begins empty.
    pub(super) fn of(&mut self, name: &str) -> Arc<GroupState> {
        Arc::clone(self.0.entry(name.to_owned()).or_default())
    }

    /// Forgets the groups that are gone.
    pub(super) fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_there(name));
    }
}
