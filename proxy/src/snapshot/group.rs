//! All deployments of one public name, and how requests find their way among them.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use deltallm_shared::routing::EffectiveRouting;

use super::Deployment;

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

/// What a group remembers between requests; it outlives changes of the configuration.
#[derive(Default)]
pub struct GroupState {
    turn: AtomicU64,
}

impl GroupState {
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
