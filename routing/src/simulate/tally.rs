//! What is counted while a simulation runs.

use std::collections::BTreeMap;

use deltallm_shared::{
    money::NanoUsd,
    routing::{Choice, Fault},
};

use super::{
    outcome::{DeploymentOutcome, ErrorCount, Outcome, Pause, Quantiles, SampledChoice},
    request::Request,
    scenario::Scenario,
};
use crate::{stats::Transition, tick::Tick};

/// See the module.
pub(super) struct Tally {
    outcome: Outcome,
    errors: BTreeMap<&'static str, u64>,
    totals: Vec<u64>,
    first_contents: Vec<u64>,
    samples: usize,
    /// One request of so many has its choices kept.
    sampled_every: usize,
}

impl Tally {
    pub(super) fn new(scenario: &Scenario, requests: usize) -> Self {
        let samples = scenario.samples.min(Scenario::MAX_SAMPLES);
        let of = |deployment: &super::SimulatedDeployment| DeploymentOutcome {
            deployment_id: deployment.id,
            name: deployment.name.clone(),
            ..DeploymentOutcome::default()
        };
        let deployments = scenario.deployments.iter().map(of).collect();
        Self {
            outcome: Outcome { deployments, ..Outcome::default() },
            errors: BTreeMap::new(),
            totals: Vec::new(),
            first_contents: Vec::new(),
            samples,
            sampled_every: requests.div_ceil(samples.max(1)).max(1),
        }
    }

    /// Whether the choices of a request are kept.
    pub(super) fn is_sampled(&self, request: usize) -> bool {
        self.outcome.choices.len() < self.samples && request.is_multiple_of(self.sampled_every)
    }

    pub(super) fn sample(&mut self, request: usize, choice: Choice) {
        let request = u64::try_from(request).unwrap_or(u64::MAX);
        self.outcome.choices.push(SampledChoice { request, choice });
    }

    pub(super) fn asked(&mut self, deployment: usize, is_first: bool) {
        if let Some(deployment) = self.outcome.deployments.get_mut(deployment) {
            deployment.attempts += 1;
            deployment.first_choices += u64::from(is_first);
        }
    }

    pub(super) fn failed(&mut self, deployment: usize) {
        if let Some(deployment) = self.outcome.deployments.get_mut(deployment) {
            deployment.failures += 1;
        }
    }

    pub(super) fn paused(&mut self, deployment: usize, now: Tick, transition: Transition) {
        let (until, fault) = match transition {
            Transition::SetAside { until, fault } => (until, fault),
            Transition::Limited { until } => (until, Fault::RateLimit),
            Transition::Recovered => return,
        };
        let Some(deployment) = self.outcome.deployments.get_mut(deployment) else { return };
        deployment.pause_count += 1;
        if deployment.pauses.len() < DeploymentOutcome::MAX_PAUSES {
            deployment.pauses.push(Pause { from_ms: now.0 / 1_000, until_ms: until.0 / 1_000, fault });
        }
    }

    pub(super) fn returned_canary(&mut self, deployment: usize) {
        if let Some(deployment) = self.outcome.deployments.get_mut(deployment) {
            deployment.is_canary_returned = true;
        }
    }

    pub(super) fn answered(&mut self, deployment: usize, price: Option<NanoUsd>) {
        self.outcome.unpriced += u64::from(price.is_none());
        let price = price.unwrap_or_default();
        self.outcome.spend += price;
        if let Some(deployment) = self.outcome.deployments.get_mut(deployment) {
            deployment.answered += 1;
            deployment.spend += price;
        }
    }

    /// A request is over. `error`: what its client saw.
    pub(super) fn ended(
        &mut self,
        request: &Request,
        now: Tick,
        first_content: Option<Tick>,
        error: Option<&'static str>,
    ) {
        self.outcome.requests += 1;
        let attempts = request.attempts();
        if self.outcome.attempts.len() <= attempts {
            self.outcome.attempts.resize(attempts + 1, 0);
        }
        if let Some(count) = self.outcome.attempts.get_mut(attempts) {
            *count += 1;
        }
        if let Some(reason) = error {
            self.outcome.client_errors += 1;
            *self.errors.entry(reason).or_default() += 1;
            return;
        }
        let since = |later: Tick| later.0.saturating_sub(request.arrived.0);
        self.outcome.answered += 1;
        self.totals.push(since(now));
        self.first_contents.extend(first_content.map(since));
    }

    pub(super) fn outcome(self) -> Outcome {
        let mut outcome = self.outcome;
        outcome.total = Quantiles::of(self.totals);
        outcome.first_content = Quantiles::of(self.first_contents);
        let count = |(reason, count): (&str, u64)| ErrorCount { reason: reason.to_owned(), count };
        outcome.errors = self.errors.into_iter().map(count).collect();
        outcome.errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        for deployment in &mut outcome.deployments {
            deployment.share_ppm = (deployment.answered * 1_000_000).checked_div(outcome.answered).unwrap_or(0);
        }
        outcome
    }
}
