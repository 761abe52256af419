//! The way of one request: its group, then the groups that stand in for it, one budget of attempts for all of them.
//!
//! The order: whoever of the group was not asked and is well; then the fallback groups, in their order; then, where waiting helps,
//! those of the group that were asked already; last of all those that are set aside. A group gets one attempt and its retries, each
//! fallback group adds one. Nothing is retried inside a retry.

use std::{sync::Arc, time::Duration};

use deltallm_routing::{
    affinity::Prefixes,
    retry::{Consequence, consequence, wait_before},
    seed::mix,
    tick::Tick,
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    ids::DeploymentId,
    routing::{FallbackKind, Fault, RetryPolicy},
};

use super::{Overrides, clock::now, pick::Wanted};
use crate::{
    accounting::route_log::RouteLog,
    snapshot::{Deployment, Group, Snapshot},
};

/// What routing has to know of the request.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Chance.
    pub seed: u64,
    /// Whether the answer is a stream.
    pub streams: bool,
    /// Tokens that it is expected to take in all.
    pub tokens: u64,
    /// The share of them that goes in.
    pub input_tokens: u64,
    /// Which requests belong together.
    pub session: Option<u64>,
    /// The beginnings of its prompt, where the strategy looks at them.
    pub prefixes: Option<Prefixes>,
}

/// Who is asked next.
#[derive(Clone)]
pub struct Next<T> {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// How it can be asked.
    pub how: T,
    /// How long to wait before.
    pub wait: Duration,
}

/// Why nobody can be asked at first.
#[derive(Debug)]
pub enum Blocked {
    /// Nobody can do what is asked, or nobody is meant for it.
    Cannot(ApiError),
    /// Everybody who can is at a limit, until then where that is known.
    Full(Option<Tick>),
}

/// A deployment that was asked.
pub(super) struct Asked {
    deployment: Arc<Deployment>,
    /// Where it was found, and what led there.
    place: (Arc<Group>, Option<FallbackKind>),
    times: u32,
    again: Again,
}

/// Whether a deployment that failed may do better later.
#[derive(Clone, Copy)]
enum Again {
    /// It may not, or it has not failed.
    No,
    /// It may, after the usual wait.
    Soon,
    /// It may, when its provider says.
    After(Duration),
}

impl Again {
    fn of(leads_to: Consequence, retry_after: Option<Duration>) -> Self {
        match retry_after {
            _ if !leads_to.tries_again => Self::No,
            Some(wait) => Self::After(wait),
            None => Self::Soon,
        }
    }
}

/// See the module.
pub struct Route {
    /// The group that was asked for, then the one that stands in for it.
    pub(super) group: Arc<Group>,
    /// What led to the group.
    pub(super) fallback: Option<FallbackKind>,
    /// A fallback that was taken and not counted yet.
    new_fallback: Option<FallbackKind>,
    /// Groups that were asked, by name.
    visited: Vec<String>,
    origin: Arc<Group>,
    current: Option<Arc<Deployment>>,
    pub(super) asked: Vec<Asked>,
    /// Attempts that the current group may still make.
    pub(super) attempts_left: u32,
    retry: RetryPolicy,
    pub(super) overrides: Overrides,
    pub(super) facts: Facts,
    /// One deployment alone has what is asked for.
    is_pinned: bool,
    /// Asking twice could do a thing twice.
    is_once: bool,
}

impl Route {
    /// Through a group and its fallbacks, or to the one deployment that has what is asked for.
    pub fn set_out(group: Arc<Group>, pinned: Option<Arc<Deployment>>, overrides: Overrides, facts: Facts) -> Self {
        match pinned {
            Some(deployment) => Self::pinned(group, deployment, overrides, facts),
            None => Self::through(group, overrides, facts),
        }
    }

    /// Through a group and its fallbacks.
    pub fn through(group: Arc<Group>, overrides: Overrides, facts: Facts) -> Self {
        let retry = RetryPolicy {
            num_retries: overrides.num_retries.unwrap_or(group.routing.retry.num_retries),
            ..group.routing.retry
        };
        Self {
            origin: Arc::clone(&group),
            visited: vec![group.name.clone()],
            fallback: None,
            new_fallback: None,
            current: None,
            asked: Vec::new(),
            attempts_left: retry.num_retries.saturating_add(1),
            retry,
            overrides,
            facts,
            is_pinned: false,
            is_once: false,
            group,
        }
    }

    /// To one deployment and no other: it has what is asked for.
    pub fn pinned(group: Arc<Group>, deployment: Arc<Deployment>, overrides: Overrides, facts: Facts) -> Self {
        Self { current: Some(deployment), is_pinned: true, ..Self::through(group, overrides, facts) }
    }

    /// To one deployment, once: asking twice could do a thing twice.
    pub fn once(deployment: Arc<Deployment>, facts: Facts) -> Self {
        let group = Group::new(deployment.model_name.clone(), vec![Arc::clone(&deployment)], Default::default());
        let pinned = Self::pinned(Arc::new(group), deployment, Overrides::default(), facts);
        Self { is_once: true, ..pinned }
    }

    /// The group that is asked now.
    pub fn group(&self) -> &Arc<Group> {
        &self.group
    }

    /// What led away from the group that was asked for.
    pub fn fallback(&self) -> Option<FallbackKind> {
        self.fallback
    }

    /// The fallback that was taken since the last look.
    pub fn take_new_fallback(&mut self) -> Option<FallbackKind> {
        self.new_fallback.take()
    }

    /// Who is asked now.
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.current.as_ref()
    }

    /// Tokens that the request is expected to take.
    pub fn tokens(&self) -> u64 {
        self.facts.tokens
    }

    /// Whether the request may be sent a second time.
    pub fn is_once(&self) -> bool {
        self.is_once
    }

    /// Who is asked first. `how` says how a deployment can be asked, or what it cannot do.
    pub fn first<T>(
        &mut self,
        snapshot: &Snapshot,
        log: &mut RouteLog,
        mut how: impl FnMut(&Deployment) -> Result<T, ApiError>,
    ) -> Result<Next<T>, Blocked> {
        if let Some(deployment) = self.current.clone().filter(|_| self.is_pinned) {
            let how = how(&deployment).map_err(Blocked::Cannot)?;
            return Ok(self.go_to(deployment, how, Duration::ZERO));
        }
        let mut blocked = match self.pick(log, &mut how, Wanted::Well) {
            Ok((deployment, how)) => return Ok(self.go_to(deployment, how, Duration::ZERO)),
            Err(blocked) => blocked,
        };
        // Nobody of the group is well: another group is better than one that will fail.
        if let Some(next) = self.fall_back(FallbackKind::General, Wanted::Well, snapshot, log, &mut how) {
            return Ok(next);
        }
        match self.pick(log, &mut how, Wanted::Anybody) {
            Ok((deployment, how)) => return Ok(self.go_to(deployment, how, Duration::ZERO)),
            Err(again @ Blocked::Full(_)) => blocked = again,
            Err(Blocked::Cannot(_)) => {}
        }
        let last = self.fall_back(FallbackKind::General, Wanted::Anybody, snapshot, log, &mut how);
        last.ok_or(blocked)
    }

    /// Who is asked after an attempt failed. `None`: nobody; the client is told of the failure.
    pub fn after<T>(
        &mut self,
        (fault, retry_after): (Fault, Option<Duration>),
        time_left: Duration,
        snapshot: &Snapshot,
        log: &mut RouteLog,
        mut how: impl FnMut(&Deployment) -> Result<T, ApiError>,
    ) -> Option<Next<T>> {
        let leads_to = consequence(fault);
        self.failed_beside(fault, retry_after);
        if self.is_once || time_left.is_zero() {
            return None;
        }
        if leads_to.tries_next
            && !self.is_pinned
            && self.attempts_left > 0
            && let Ok((deployment, how)) = self.pick(log, &mut how, Wanted::Well)
        {
            return Some(self.go_to(deployment, how, Duration::ZERO));
        }
        if let Some(kind) = leads_to.fallback.filter(|_| !self.is_pinned)
            && let Some(next) = self.fall_back(kind, Wanted::Well, snapshot, log, &mut how)
        {
            return Some(next);
        }
        if self.attempts_left == 0 {
            return None;
        }
        // Those that were asked may do better in a moment; those that are set aside are better than nothing.
        let again = leads_to.tries_again.then(|| self.again(time_left)).flatten();
        if let Some((deployment, wait)) = again {
            return how(&deployment).ok().map(|how| self.go_to(deployment, how, wait));
        }
        if self.is_pinned || !leads_to.tries_next {
            return None;
        }
        match self.pick(log, &mut how, Wanted::Anybody) {
            Ok((deployment, how)) => Some(self.go_to(deployment, how, Duration::ZERO)),
            Err(_) => self.fall_back(leads_to.fallback?, Wanted::Anybody, snapshot, log, &mut how),
        }
    }

    /// Who is asked beside the one under way: another one of its group that is well. It is an attempt of the budget, where there is
    /// one left.
    pub fn beside<T>(
        &mut self,
        log: &mut RouteLog,
        mut how: impl FnMut(&Deployment) -> Result<T, ApiError>,
    ) -> Option<Next<T>> {
        if self.is_once || self.is_pinned {
            return None;
        }
        let before = self.current.clone();
        let (deployment, how) = self.pick(log, &mut how, Wanted::Well).ok()?;
        let next = self.go_to(deployment, how, Duration::ZERO);
        self.current = before;
        Some(next)
    }

    /// Of two that are asked at a time, which one is meant from here on.
    pub fn turn_to(&mut self, deployment: Arc<Deployment>) {
        self.current = Some(deployment);
    }

    /// The one that is meant failed, and the other one goes on.
    pub fn failed_beside(&mut self, fault: Fault, retry_after: Option<Duration>) {
        if let Some(id) = self.current.as_ref().map(|current| current.id)
            && let Some(asked) = self.asked.iter_mut().find(|asked| asked.deployment.id == id)
        {
            asked.again = Again::of(consequence(fault), retry_after);
        }
    }

    /// Whether this request asked a deployment already.
    pub(super) fn has_asked(&self, id: DeploymentId) -> bool {
        self.asked.iter().any(|asked| asked.deployment.id == id)
    }

    /// How often a deployment was asked before the attempt under way.
    pub fn tried_before(&self, id: DeploymentId) -> usize {
        let asked = self.asked.iter().find(|asked| asked.deployment.id == id);
        asked.map_or(0, |asked| usize::try_from(asked.times.saturating_sub(1)).unwrap_or(0))
    }

    /// All attempts so far. Another credential of the same deployment, or a fresh connection, is none of its own.
    pub(super) fn asked_so_often(&self) -> u32 {
        self.asked.iter().map(|asked| asked.times).sum()
    }

    fn go_to<T>(&mut self, deployment: Arc<Deployment>, how: T, wait: Duration) -> Next<T> {
        match self.asked.iter_mut().find(|asked| asked.deployment.id == deployment.id) {
            Some(asked) => {
                (asked.times, asked.again) = (asked.times + 1, Again::No);
                (self.group, self.fallback) = asked.place.clone();
            }
            None => self.asked.push(Asked {
                deployment: Arc::clone(&deployment),
                place: (Arc::clone(&self.group), self.fallback),
                times: 1,
                again: Again::No,
            }),
        }
        self.attempts_left = self.attempts_left.saturating_sub(1);
        self.current = Some(Arc::clone(&deployment));
        Next { deployment, how, wait }
    }

    /// The next group that can serve, in the order of the lists.
    fn fall_back<T>(
        &mut self,
        kind: FallbackKind,
        wanted: Wanted,
        snapshot: &Snapshot,
        log: &mut RouteLog,
        how: &mut impl FnMut(&Deployment) -> Result<T, ApiError>,
    ) -> Option<Next<T>> {
        let routing = &self.origin.routing;
        let own = if kind == FallbackKind::General { &[][..] } else { routing.fallbacks(kind) };
        // Where nothing is said of a prompt that does not fit, another group may still have a larger window.
        let names: Vec<(String, FallbackKind)> = match &self.overrides.fallbacks {
            // A caller that says where to go, or nowhere, means all cases.
            Some(names) => names.iter().map(|name| (name.clone(), FallbackKind::General)).collect(),
            None => {
                let general = routing.general_fallbacks.iter().map(|name| (name.clone(), FallbackKind::General));
                own.iter().map(|name| (name.clone(), kind)).chain(general).collect()
            }
        };
        for (name, kind) in names {
            let Some(group) = snapshot.group(&name).filter(|group| !self.visited.contains(&group.name)) else {
                continue;
            };
            let before = (Arc::clone(&self.group), self.fallback, self.attempts_left);
            (self.group, self.fallback) = (Arc::clone(group), Some(kind));
            self.attempts_left = self.attempts_left.saturating_add(1);
            if let Ok((deployment, how)) = self.pick(log, how, wanted) {
                self.visited.push(self.group.name.clone());
                self.new_fallback = Some(kind);
                return Some(self.go_to(deployment, how, Duration::ZERO));
            }
            (self.group, self.fallback, self.attempts_left) = before;
        }
        None
    }

    /// Of those that were asked, who may do better, and after how long a wait.
    fn again(&self, time_left: Duration) -> Option<(Arc<Deployment>, Duration)> {
        let waits = self.asked.iter().filter_map(|asked| {
            let retry_after = match asked.again {
                Again::No => return None,
                Again::Soon => None,
                Again::After(wait) => Some(wait),
            };
            let seed = mix(self.facts.seed ^ u64::from(self.asked_so_often()));
            let wait = wait_before(&self.retry, asked.times, retry_after, time_left, seed)?;
            Some((Arc::clone(&asked.deployment), wait))
        });
        waits.min_by_key(|(_, wait)| *wait)
    }
}

impl From<Blocked> for ApiError {
    fn from(blocked: Blocked) -> Self {
        match blocked {
            Blocked::Cannot(error) => error,
            Blocked::Full(until) => {
                let text = "Every deployment of this model is at its limit now. Try again in a moment.";
                // Rounded up: who comes back a moment too soon comes in vain.
                let retry_after = until.map(|until| until.since(now()).as_millis().div_ceil(1000).max(1));
                let retry_after = retry_after.and_then(|seconds| u64::try_from(seconds).ok());
                Self { retry_after, ..Self::new(ErrorCode::RateLimitExceeded, text) }
            }
        }
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
