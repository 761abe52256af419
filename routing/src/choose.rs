//! Who is asked next.
//!
//! First who may be: with the tags, not limited, with room, healthy; then the canary's share; then the strategy. What stands against
//! a candidate is marked in it, so that a choice can be explained. Where nobody is left, the rules give way in this order, the
//! harmless ones first:
//!
//! 1. a deployment on trial serves a request outside its share, then one that failed its trial;
//! 2. the last one is never set aside: the one whose pause ends first can be asked all the same ([`Decision::LastResort`]). A new
//!    request would rather wait for somebody well who has no room at the moment ([`Decision::Full`]);
//! 3. limits and tags never give way: [`Decision::Full`] or [`Decision::Nobody`].

mod canary;
mod tags;

use deltallm_shared::routing::{EffectiveRouting, SkipReason, Strategy};

use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
    strategies::strategy,
    tick::Tick,
};

/// What came of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The candidate of this index is asked.
    Chosen(usize),
    /// Nobody is well; the pause of this one ends first. A caller with another group to go to goes there first, one without asks it.
    LastResort(usize),
    /// Whoever could serve has no room in its limits now, ours or the provider's: the caller waits or answers 429.
    Full {
        /// When the first of them can be asked; `None` where that is when another request ends.
        until: Option<Tick>,
    },
    /// Everybody was asked already or cannot do what is asked.
    Nobody,
}

impl Decision {
    /// Who is asked, where there is nowhere else to go.
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::Chosen(index) | Self::LastResort(index) => Some(index),
            Self::Full { .. } | Self::Nobody => None,
        }
    }
}

/// One first choice in this many goes to a deployment on probation, if there is one: else a strategy that prefers others would never
/// find out that it is well again. While the probe is under way it gets no other request; if it fails, the request goes on to the next.
const PROBES: u64 = 10;

/// Marks in the candidates who may not be chosen and why, and says who is asked.
pub fn choose(routing: &EffectiveRouting, candidates: &mut [Candidate], ask: &Ask) -> Decision {
    if routing.filters_tags {
        tags::mark(candidates, ask.is_tagged);
    }
    let met = mark(candidates, ask);
    if met.on_probation && !ask.is_first {
        spare_caller(candidates);
    }
    if met.on_trial
        && let Some(chosen) = canary::choose(routing, candidates, ask)
    {
        return Decision::Chosen(chosen);
    }
    if met.without_weight {
        leave_drained(candidates);
    }
    // A probe costs its caller an attempt, so there has to be another one.
    if met.on_probation
        && ask.is_first
        && ask.may_retry
        && let Some(probed) = probe(candidates, ask)
    {
        return Decision::Chosen(probed);
    }
    let strategy = strategy(routing.strategy);
    let chosen = strategy.choose(candidates, ask).or_else(|| {
        let on_trial = [SkipReason::NotInCanary, SkipReason::CanaryReturned];
        on_trial.into_iter().find_map(|reason| {
            reopen(candidates, reason);
            strategy.choose(candidates, ask)
        })
    });
    if let Some(chosen) = chosen {
        if routing.strategy == Strategy::PriorityBased {
            leave_lower_tiers(candidates, chosen);
        }
        return Decision::Chosen(chosen);
    }
    nobody_open(candidates, ask)
}

/// What marking came across, so that rare rules cost nothing where they do not apply.
#[derive(Default)]
struct Met {
    on_probation: bool,
    on_trial: bool,
    without_weight: bool,
}

/// Marks what stands against each candidate by itself. Limits come before health: they hold even for the last one.
fn mark(candidates: &mut [Candidate], ask: &Ask) -> Met {
    let mut met = Met::default();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_open()) {
        let stats = &candidate.stats;
        let is_later = |until: Option<Tick>| until.is_some_and(|until| until > ask.now);
        candidate.skip = if is_later(stats.limited_until) {
            Some(SkipReason::RateLimited)
        } else if !stats.has_room {
            Some(SkipReason::AtCapacity)
        } else if is_later(stats.set_aside_until) {
            Some(SkipReason::CoolingDown)
        } else if stats.is_on_probation && stats.is_probed {
            Some(SkipReason::Probing)
        } else {
            None
        };
        if candidate.is_open() {
            met.on_probation |= stats.is_on_probation;
            met.on_trial |= candidate.is_canary;
            met.without_weight |= candidate.weight == 0;
        }
    }
    met
}

/// A caller whose first attempt failed is not sent to one that has yet to prove itself, if there is another.
fn spare_caller(candidates: &mut [Candidate]) {
    if candidates.iter().any(|candidate| candidate.is_open() && !candidate.stats.is_on_probation) {
        close(candidates, SkipReason::CoolingDown, |candidate| candidate.stats.is_on_probation);
    }
}

/// Weight 0 is how an operator drains a deployment: it serves where nobody else can.
fn leave_drained(candidates: &mut [Candidate]) {
    if candidates.iter().any(|candidate| candidate.is_open() && candidate.weight > 0) {
        close(candidates, SkipReason::LowerPriority, |candidate| candidate.weight == 0);
    }
}

/// Says in the explanation why a tier behind the chosen one was not asked.
fn leave_lower_tiers(candidates: &mut [Candidate], chosen: usize) {
    if let Some(tier) = candidates.get(chosen).map(|candidate| candidate.priority) {
        close(candidates, SkipReason::LowerPriority, |candidate| candidate.priority > tier);
    }
}

/// Now and then, the deployment on probation.
fn probe(candidates: &[Candidate], ask: &Ask) -> Option<usize> {
    let mut seed = Seed(ask.seed ^ 0x7072_6f62_6521);
    if seed.below(PROBES) != 0 {
        return None;
    }
    let open = || candidates.iter().enumerate().filter(|(_, candidate)| candidate.is_open());
    if open().all(|(_, candidate)| candidate.stats.is_on_probation) {
        return None;
    }
    let on_probation = || open().filter(|(_, candidate)| candidate.stats.is_on_probation);
    let count = u64::try_from(on_probation().count()).unwrap_or(0);
    let drawn = usize::try_from(seed.below(count)).unwrap_or(0);
    on_probation().nth(drawn).map(|(index, _)| index)
}

/// Where nobody is left: it is worth waiting for somebody well; else the one whose pause ends first; else it is for want of room.
fn nobody_open(candidates: &mut [Candidate], ask: &Ask) -> Decision {
    let is_worth_waiting_for = |candidate: &Candidate| wants_room(candidate, ask.now) && !is_sick(candidate, ask.now);
    // Later on, waiting is no choice any more, and a sick one is better than the failure that the caller has so far.
    if ask.is_first && candidates.iter().any(is_worth_waiting_for) {
        return full(candidates, ask.now);
    }
    if let Some(index) = soonest_well(candidates, ask.now) {
        if let Some(candidate) = candidates.get_mut(index) {
            candidate.skip = None;
        }
        return Decision::LastResort(index);
    }
    if candidates.iter().any(|candidate| wants_room(candidate, ask.now)) {
        return full(candidates, ask.now);
    }
    Decision::Nobody
}

/// Of those that have room, the one whose pause ends first, a deployment before a missing credential.
fn soonest_well(candidates: &[Candidate], now: Tick) -> Option<usize> {
    let soonest = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| match candidate.skip {
            Some(SkipReason::CoolingDown | SkipReason::Probing) => true,
            // The caller found this out before limits were looked at.
            Some(SkipReason::NoCredential) => candidate.stats.has_room && !is_limited(candidate, now),
            _ => false,
        })
        .min_by_key(|(_, candidate)| {
            (candidate.skip == Some(SkipReason::NoCredential), candidate.stats.set_aside_until)
        });
    soonest.map(|(index, _)| index)
}

/// When the first of those that want room, or a pause to end, can be asked.
fn full(candidates: &[Candidate], now: Tick) -> Decision {
    let mut until: Option<Tick> = None;
    for candidate in candidates {
        let stats = &candidate.stats;
        let opens_at = if wants_room(candidate, now) {
            let opens_at = stats.limited_until.filter(|until| *until > now).max(stats.room_at);
            if opens_at.is_none() && !is_sick(candidate, now) {
                return Decision::Full { until: None };
            }
            opens_at.max(stats.set_aside_until)
        } else if candidate.skip == Some(SkipReason::CoolingDown) {
            stats.set_aside_until
        } else {
            None
        };
        until = [until, opens_at.filter(|at| *at > now)].into_iter().flatten().min();
    }
    Decision::Full { until }
}

/// Whether it lacks room. Its provider's 429 sets a deployment's only credential aside as well: it is limited all the same.
fn wants_room(candidate: &Candidate, now: Tick) -> bool {
    match candidate.skip {
        Some(SkipReason::AtCapacity | SkipReason::RateLimited) => true,
        Some(SkipReason::NoCredential) => is_limited(candidate, now),
        _ => false,
    }
}

fn is_limited(candidate: &Candidate, now: Tick) -> bool {
    candidate.stats.limited_until.is_some_and(|until| until > now)
}

fn is_sick(candidate: &Candidate, now: Tick) -> bool {
    let stats = &candidate.stats;
    stats.set_aside_until.is_some_and(|until| until > now) || stats.is_on_probation && stats.is_probed
}

/// Closes the open ones that are meant.
fn close(candidates: &mut [Candidate], reason: SkipReason, is_meant: impl Fn(&Candidate) -> bool) {
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_open() && is_meant(candidate)) {
        candidate.skip = Some(reason);
    }
}

/// Opens those again that were closed for one reason.
fn reopen(candidates: &mut [Candidate], reason: SkipReason) {
    for candidate in candidates.iter_mut().filter(|candidate| candidate.skip == Some(reason)) {
        candidate.skip = None;
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
