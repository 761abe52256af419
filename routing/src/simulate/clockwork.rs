//! What happens, in the order of time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use deltallm_shared::{
    ids::DeploymentId,
    routing::{EffectiveRouting, Fault, SkipReason, TagMatch},
};

use super::{
    outcome::Outcome,
    request::Request,
    scenario::{Arrival, Scenario, SimulatedDeployment},
    tally::Tally,
    upstream::{Course, course},
};
use crate::{
    candidate::{Ask, Candidate},
    choose::{Decision, choose},
    seed::{Seed, mix},
    stats::{Begun, DeploymentStats, Ending, Limits},
    tick::Tick,
    trace::{Asked, explain},
    trial::Trial,
};

/// The state of a run.
pub(super) struct Clockwork<'a> {
    deployments: Vec<Upstream<'a>>,
    routing: EffectiveRouting,
    requests: Vec<Request>,
    agenda: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    turn: u64,
    seed: Seed,
    /// Who last served a session: its prompt cache knows the beginning.
    warm: HashMap<u64, u64>,
    candidates: Vec<Candidate>,
    tally: Tally,
}

struct Upstream<'a> {
    settings: &'a SimulatedDeployment,
    identity: u64,
    is_canary: bool,
    trial: Trial,
    limits: Limits,
    stats: DeploymentStats,
}

/// What happens at a moment; of one moment, what was set down first.
struct Entry {
    at: Tick,
    number: u64,
    happening: Happening,
}

enum Happening {
    /// A request comes.
    Arrival(usize),
    /// A wait is over and the same deployment is asked again.
    Again { request: usize, deployment: usize },
    /// An attempt ends.
    End { request: usize, deployment: usize, begun: Begun, ending: Ending, first_content: Option<Tick> },
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<'a> Clockwork<'a> {
    pub(super) fn new(scenario: &'a Scenario, arrivals: Vec<Arrival>) -> Self {
        let routing = EffectiveRouting::of(&scenario.settings);
        let mut clockwork = Self {
            deployments: scenario.deployments.iter().map(|settings| Upstream::new(settings, &routing)).collect(),
            requests: Vec::with_capacity(arrivals.len()),
            agenda: BinaryHeap::new(),
            entries: 0,
            turn: 0,
            seed: Seed(scenario.seed),
            warm: HashMap::new(),
            candidates: Vec::with_capacity(scenario.deployments.len()),
            tally: Tally::new(scenario, arrivals.len()),
            routing,
        };
        for arrival in arrivals {
            let request = Request::new(arrival, &clockwork.routing.retry, clockwork.routing.timers.total);
            clockwork.plan(request.arrived, Happening::Arrival(clockwork.requests.len()));
            clockwork.requests.push(request);
        }
        clockwork
    }

    pub(super) fn run(mut self) -> Outcome {
        while let Some(Reverse(entry)) = self.agenda.pop() {
            match entry.happening {
                Happening::Arrival(request) => self.go_on(request, entry.at),
                Happening::Again { request, deployment } => self.ask(request, deployment, entry.at),
                Happening::End { request, deployment, begun, ending, first_content } => {
                    self.end(request, deployment, begun, ending, first_content, entry.at);
                }
            }
        }
        self.tally.outcome()
    }

    fn plan(&mut self, at: Tick, happening: Happening) {
        self.entries += 1;
        self.agenda.push(Reverse(Entry { at, number: self.entries, happening }));
    }

    /// Finds whom to ask: somebody well, then those that were asked already, last of all who is not well.
    fn go_on(&mut self, number: usize, now: Tick) {
        let Some(request) = self.requests.get(number) else { return };
        if !request.may_ask() {
            let reason = request.last_fault.map_or("nobody", Fault::name);
            return self.tally.ended(request, now, None, Some(reason));
        }
        match self.choose(number, now) {
            Decision::Chosen(deployment) => self.ask(number, deployment, now),
            decision => {
                let Some(request) = self.requests.get(number) else { return };
                if let Some((deployment, wait)) = request.again(&self.routing.retry, now, self.seed.next()) {
                    return self.plan(now.after(wait), Happening::Again { request: number, deployment });
                }
                let reason = match (decision, request.last_fault) {
                    (Decision::LastResort(deployment), _) => return self.ask(number, deployment, now),
                    (_, Some(fault)) => fault.name(),
                    (Decision::Full { .. }, None) => "at_capacity",
                    _ => "nobody",
                };
                self.tally.ended(request, now, None, Some(reason));
            }
        }
    }

    fn choose(&mut self, number: usize, now: Tick) -> Decision {
        let Some(request) = self.requests.get(number) else { return Decision::Nobody };
        let arrival = &request.arrival;
        self.turn += 1;
        let ask = Ask {
            now,
            seed: self.seed.next(),
            turn: self.turn,
            streams: arrival.streams,
            is_tagged: !arrival.tags.is_empty(),
            tokens: arrival.tokens,
            session: arrival.session.map(mix),
            warm: arrival.session.and_then(|session| self.warm.get(&session).copied()),
            is_first: request.attempts() == 0,
            may_retry: request.may_retry(),
        };
        self.candidates.clear();
        self.candidates.extend(self.deployments.iter().enumerate().map(|(index, upstream)| {
            let mut candidate = upstream.candidate(now, arrival, self.routing.tag_match);
            candidate.skip = request.has_asked(index).then_some(SkipReason::Tried);
            candidate
        }));
        let decision = choose(&self.routing, &mut self.candidates, &ask);
        if self.tally.is_sampled(number) {
            let asked =
                Asked { model: "", strategy: self.routing.strategy, fallback: None, at: now.since(request.arrived) };
            let id_of =
                |index: usize| self.deployments.get(index).map_or(DeploymentId::default(), |one| one.settings.id);
            self.tally.sample(number, explain(asked, &self.candidates, &ask, decision.index(), id_of));
        }
        decision
    }

    fn ask(&mut self, number: usize, deployment: usize, now: Tick) {
        let (Some(request), Some(upstream)) = (self.requests.get_mut(number), self.deployments.get(deployment)) else {
            return;
        };
        self.tally.asked(deployment, request.attempts() == 0);
        request.ask(deployment);
        let (tokens, streams) = (request.arrival.tokens, request.arrival.streams);
        let begun = upstream.stats.begin(now, tokens);
        let first_byte = self.routing.timers.first_byte.unwrap_or(Duration::MAX);
        let failed = |fault, retry_after| (Ending::Failed { fault, retry_after }, None);
        let (after, (ending, first_content)) = match course(upstream.settings, now, streams, &mut self.seed) {
            Course::Failure { fault, after, retry_after } if after <= first_byte => (after, failed(fault, retry_after)),
            Course::Answer { first_content, total } if first_content <= first_byte => {
                let first_token = streams.then_some(first_content);
                let ending = Ending::Answered { first_token, total, tokens };
                (total, (ending, first_token.map(|first_token| now.after(first_token))))
            }
            _ => (first_byte, failed(Fault::FirstByteTimeout, None)),
        };
        let (at, deadline) = (now.after(after), request.deadline);
        let ending = if at > deadline { Ending::Abandoned } else { ending };
        self.plan(at.min(deadline), Happening::End { request: number, deployment, begun, ending, first_content });
    }

    fn end(
        &mut self,
        number: usize,
        deployment: usize,
        begun: Begun,
        ending: Ending,
        first_content: Option<Tick>,
        now: Tick,
    ) {
        let (Some(request), Some(upstream)) = (self.requests.get_mut(number), self.deployments.get_mut(deployment))
        else {
            return;
        };
        if let Some(transition) = upstream.stats.end(now, begun, ending, &self.routing.circuit) {
            self.tally.paused(deployment, now, transition);
        }
        if upstream.failed_trial(ending, &self.routing) {
            self.tally.returned_canary(deployment);
        }
        match ending {
            Ending::Answered { .. } => {
                if let Some(session) = request.arrival.session {
                    self.warm.insert(session, upstream.identity);
                }
                self.tally.answered(deployment, upstream.settings.price);
                self.tally.ended(request, now, first_content, None);
            }
            Ending::Failed { fault, retry_after } => {
                self.tally.failed(deployment);
                if request.failed(deployment, fault, retry_after) {
                    self.go_on(number, now);
                } else {
                    self.tally.ended(request, now, None, Some(fault.name()));
                }
            }
            Ending::Abandoned => self.tally.ended(request, now, None, Some("deadline")),
        }
    }
}

impl<'a> Upstream<'a> {
    fn new(settings: &'a SimulatedDeployment, routing: &EffectiveRouting) -> Self {
        let is_canary = routing.canary.as_ref().is_some_and(|canary| {
            canary.deployment_id == Some(settings.id)
                || canary.tag.as_ref().is_some_and(|tag| settings.tags.contains(tag))
        });
        let bytes = settings.id.0.as_u128();
        Self {
            settings,
            identity: u64::try_from((bytes >> 64) ^ (bytes & u128::from(u64::MAX))).unwrap_or(0),
            is_canary,
            trial: Trial::default(),
            limits: Limits { rpm: settings.rpm, tpm: settings.tpm, parallel: settings.parallel },
            stats: DeploymentStats::default(),
        }
    }

    fn candidate(&self, now: Tick, arrival: &Arrival, how: TagMatch) -> Candidate {
        let has = |tag: &String| self.settings.tags.contains(tag);
        Candidate {
            identity: self.identity,
            weight: self.settings.weight,
            priority: self.settings.priority,
            price_nano_usd: self.settings.price.map(|price| price.0),
            has_tags: match how {
                _ if arrival.tags.is_empty() => true,
                TagMatch::All => arrival.tags.iter().all(has),
                TagMatch::Any => arrival.tags.iter().any(has),
            },
            is_default: self.settings.tags.iter().any(|tag| tag == Candidate::DEFAULT_TAG),
            is_canary: self.is_canary,
            is_canary_returned: self.trial.has_failed(),
            stats: self.stats.view(now, &self.limits, arrival.tokens),
            skip: None,
        }
    }

    /// Takes note of an ending; whether with it a deployment on trial has failed.
    fn failed_trial(&mut self, ending: Ending, routing: &EffectiveRouting) -> bool {
        let Some(canary) = routing.canary.as_ref().filter(|_| self.is_canary) else {
            return false;
        };
        let is_failure = matches!(ending, Ending::Failed { fault, .. } if crate::retry::consequence(fault).counts);
        self.trial.count(canary, is_failure)
    }
}
