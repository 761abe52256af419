//! `session-affinity`: the same deployment for all requests of a session, by weight over the sessions.
//!
//! Weighted rendezvous hashing: each deployment draws, by its identity and the session, a time at which it would come, at a rate of
//! its weight; the first to come has the session. The first of several such times belongs to each in proportion to its rate, so
//! sessions are spread by weight; and since nobody's time depends on another's, a deployment that comes or goes moves only its own
//! sessions. Nothing is stored, and all replicas agree.
//!
//! Who is set aside or overloaded passes its sessions on to the second to come, and has them back afterwards. A request without a
//! session goes as in `simple-shuffle`.

use deltallm_shared::routing;

use super::{Strategy, draw, overload::Overload, waiting_time::waiting_time};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct SessionAffinity;

impl SessionAffinity {
    /// The first to come among those that are as wanted.
    fn first(candidates: &[Candidate], session: u64, is_wanted: impl Fn(&Candidate) -> bool) -> Option<usize> {
        let mut first: Option<(usize, u64, u64)> = None;
        for (index, candidate) in candidates.iter().enumerate() {
            if !candidate.is_open() || !is_wanted(candidate) {
                continue;
            }
            let (time, rate) = (waiting_time(Ask::affinity(session, candidate.identity)), u64::from(candidate.weight));
            // time / rate < best time / best rate, without the divisions; a rate of 0 never comes while another one does.
            let is_sooner = first.is_none_or(|(_, best, best_rate)| match (rate, best_rate) {
                (0, 0) => time < best,
                _ => u128::from(time) * u128::from(best_rate) < u128::from(best) * u128::from(rate),
            });
            if is_sooner {
                first = Some((index, time, rate));
            }
        }
        first.map(|(index, _, _)| index)
    }
}

impl Strategy for SessionAffinity {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::SessionAffinity
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        let Some(session) = ask.session else { return draw::one(candidates, &mut Seed(ask.seed)) };
        let load = Overload::of(candidates);
        let usual = Self::first(candidates, session, |_| true)?;
        if candidates.get(usual).is_some_and(|candidate| !load.is_over(candidate)) {
            return Some(usual);
        }
        Self::first(candidates, session, |candidate| !load.is_over(candidate)).or(Some(usual))
    }

    /// Its time for this session: the lowest has it.
    fn score(&self, candidate: &Candidate, ask: &Ask) -> Option<i64> {
        let time = waiting_time(Ask::affinity(ask.session?, candidate.identity)) >> 8;
        i64::try_from(time / u64::from(candidate.weight.max(1))).ok()
    }
}
