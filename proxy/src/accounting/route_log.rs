//! What was decided for one request, kept while it runs: becomes the [`RouteTrace`] of its record.

use std::time::{Duration, Instant};

use deltallm_routing::{
    candidate::{Ask, Candidate},
    trace::{Asked, explain},
};
use deltallm_shared::{
    event::Outcome,
    ids::DeploymentId,
    routing::{AttemptEnd, AttemptTrace, Choice, FallbackKind, Fault, RouteTrace},
};

use crate::snapshot::Group;

/// See the module.
#[derive(Debug)]
pub struct RouteLog {
    started: Instant,
    trace: RouteTrace,
    under_way: Option<UnderWay>,
}

/// The attempt that is meant: of two at a time, one.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// Its place in the trace; beyond its end where that is full.
    index: usize,
    began: Instant,
}

impl RouteLog {
    /// For a request that began then.
    pub fn new(started: Instant) -> Self {
        Self { started, trace: RouteTrace::default(), under_way: None }
    }

    /// A deployment was chosen: the one of this index; `None`: nobody could be.
    pub fn chose(
        &mut self,
        group: &Group,
        fallback: Option<FallbackKind>,
        candidates: &[Candidate],
        chosen: Option<usize>,
        ask: &Ask,
    ) {
        if self.trace.choices.len() >= RouteTrace::MAX_STEPS {
            return;
        }
        let strategy = group.routing.strategy;
        let asked = Asked { model: &group.name, strategy, fallback, at: self.started.elapsed() };
        let id_of = |index: usize| group.get(index).map(|deployment| deployment.id).unwrap_or_default();
        self.trace.choices.push(explain(asked, candidates, ask, chosen, id_of));
    }

    /// The request waited for a place.
    pub fn queued(&mut self, waited: Duration) {
        self.trace.queued_us = self.trace.queued_us.saturating_add(micros(waited));
    }

    /// A copy went to a shadow group.
    pub fn mirrored(&mut self, model: &str) {
        self.trace.mirrored_to = Some(model.to_owned());
    }

    /// A deployment is asked.
    pub fn began(&mut self, deployment_id: DeploymentId, model: &str, waited: Duration) {
        self.under_way = Some(UnderWay { index: self.trace.attempts.len(), began: Instant::now() });
        if self.trace.attempts.len() < RouteTrace::MAX_STEPS {
            self.trace.attempts.push(AttemptTrace {
                deployment_id,
                model: model.to_owned(),
                at_us: micros(self.started.elapsed()),
                waited_us: micros(waited),
                first_token_us: None,
                duration_us: 0,
                status: None,
                end: AttemptEnd::Interrupted,
                fault: None,
                is_hedge: false,
            });
        }
    }

    /// The provider's status of the attempt under way.
    pub fn status(&mut self, status: u16) {
        self.change(|attempt, _| attempt.status = Some(status));
    }

    /// The first content of the attempt under way is here.
    pub fn first_content(&mut self) {
        self.change(|attempt, elapsed| attempt.first_token_us = attempt.first_token_us.or(Some(elapsed)));
    }

    /// The attempt under way failed.
    pub fn failed(&mut self, fault: Fault) {
        self.change(|attempt, elapsed| {
            (attempt.end, attempt.fault, attempt.duration_us) = (AttemptEnd::Failed, Some(fault), elapsed);
        });
        self.under_way = None;
    }

    /// The request ended. The trace, where there was something to decide.
    pub fn finish(&mut self, outcome: Outcome) -> Option<Box<RouteTrace>> {
        self.change(|attempt, elapsed| {
            attempt.duration_us = elapsed;
            if outcome == Outcome::Completed {
                attempt.end = AttemptEnd::Answered;
            }
        });
        let trace = std::mem::take(&mut self.trace);
        // Another group than the one that was asked for is something to explain, be it of one deployment.
        let is_telling = |choice: &Choice| choice.candidates.len() > 1 || choice.fallback.is_some();
        let had_choice = trace.choices.len() > 1 || trace.choices.iter().any(is_telling);
        let is_told = had_choice || trace.attempts.len() > 1 || trace.queued_us > 0 || trace.mirrored_to.is_some();
        is_told.then(|| Box::new(trace))
    }

    /// The attempt under way is the second one of a hedged request.
    pub fn is_hedge(&mut self) {
        self.change(|attempt, _| attempt.is_hedge = true);
    }

    /// The attempt under way was cancelled, because another one was quicker.
    pub fn cancelled(&mut self) {
        self.change(|attempt, elapsed| (attempt.end, attempt.duration_us) = (AttemptEnd::Cancelled, elapsed));
        self.under_way = None;
    }

    /// Which attempt is meant from here on. Returns the one that was meant before.
    pub fn turn_to(&mut self, attempt: Option<UnderWay>) -> Option<UnderWay> {
        std::mem::replace(&mut self.under_way, attempt)
    }

    fn change(&mut self, change: impl FnOnce(&mut AttemptTrace, u64)) {
        let Some(UnderWay { index, began }) = self.under_way else { return };
        if let Some(attempt) = self.trace.attempts.get_mut(index) {
            change(attempt, micros(began.elapsed()));
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_attempts_at_a_time_each_has_its_own_end() {
        let mut log = RouteLog::new(Instant::now());
        let (slow, quick) = (DeploymentId::new(), DeploymentId::new());
        log.began(slow, "m", Duration::ZERO);
        let first = log.turn_to(None);
        log.began(quick, "m", Duration::ZERO);
        log.is_hedge();
        let second = log.turn_to(first);
        log.cancelled();
        log.turn_to(second);
        log.status(200);
        let trace = log.finish(Outcome::Completed).unwrap();
        let ends: Vec<_> =
            trace.attempts.iter().map(|one| (one.deployment_id, one.end, one.is_hedge, one.status)).collect();
        assert_eq!(ends, [(slow, AttemptEnd::Cancelled, false, None), (quick, AttemptEnd::Answered, true, Some(200)),]);
    }
}
