//! How a choice is explained afterwards: as many of its candidates as the record has room for.

use std::time::Duration;

use deltallm_shared::{
    ids::DeploymentId,
    routing::{CandidateTrace, Choice, FallbackKind, RouteTrace, SkipReason, Strategy},
};

use crate::{
    candidate::{Ask, Candidate},
    strategies::strategy,
};

/// What a choice was about, besides its candidates.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The group.
    pub model: &'a str,
    /// How it was chosen.
    pub strategy: Strategy,
    /// The list of fallbacks that led here.
    pub fallback: Option<FallbackKind>,
    /// When, from the start of the request.
    pub at: Duration,
}

/// Explains a choice: the chosen one, then those that were skipped, then those that came nearest. `id_of`: the deployment of an index.
pub fn explain(
    asked: Asked<'_>,
    candidates: &[Candidate],
    ask: &Ask,
    chosen: Option<usize>,
    id_of: impl Fn(usize) -> DeploymentId,
) -> Choice {
    let strategy = strategy(asked.strategy);
    let mut order = [(u8::MAX, i64::MAX, 0_usize); RouteTrace::MAX_CANDIDATES];
    let mut kept = 0;
    for (index, candidate) in candidates.iter().enumerate() {
        let entry = match candidate.skip {
            _ if chosen == Some(index) => (0, 0, index),
            Some(reason) => (rank(reason), 0, index),
            None => (3, strategy.score(candidate, ask).unwrap_or(i64::MAX), index),
        };
        insert(&mut order, &mut kept, entry);
    }
    let trace_of = |index: usize, candidate: &Candidate| CandidateTrace {
        deployment_id: id_of(index),
        score: strategy.score(candidate, ask),
        skipped: candidate.skip,
    };
    let kept = order.get(..kept).unwrap_or_default();
    Choice {
        model: asked.model.to_owned(),
        strategy: asked.strategy,
        fallback: asked.fallback,
        candidates: kept
            .iter()
            .filter_map(|(_, _, index)| candidates.get(*index).map(|candidate| trace_of(*index, candidate)))
            .collect(),
        omitted: u32::try_from(candidates.len() - kept.len()).unwrap_or(u32::MAX),
        chosen: chosen.map(id_of),
        at_us: u64::try_from(asked.at.as_micros()).unwrap_or(u64::MAX),
    }
}

/// What went wrong is told before what is as configured.
const fn rank(reason: SkipReason) -> u8 {
    match reason {
        SkipReason::TagsDiffer | SkipReason::LowerPriority | SkipReason::NotInCanary | SkipReason::CannotServe => 2,
        _ => 1,
    }
}

/// Keeps the smallest entries, in order.
fn insert<const N: usize>(order: &mut [(u8, i64, usize); N], kept: &mut usize, entry: (u8, i64, usize)) {
    let held = order.get(..*kept).unwrap_or_default();
    if *kept == N && held.last().is_some_and(|last| *last < entry) {
        return;
    }
    let place = held.partition_point(|earlier| *earlier < entry);
    *kept = (*kept + 1).min(N);
    if let Some(tail) = order.get_mut(place..*kept) {
        tail.rotate_right(1);
        if let Some(first) = tail.first_mut() {
            *first = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(candidates: &[Candidate], chosen: Option<usize>) -> Choice {
        let asked = Asked { model: "m", strategy: Strategy::CostBased, fallback: None, at: Duration::from_micros(7) };
        let id_of = |index: usize| DeploymentId::from_text(&index.to_string());
        explain(asked, candidates, &Ask::default(), chosen, id_of)
    }

    fn ids(choice: &Choice) -> Vec<DeploymentId> {
        choice.candidates.iter().map(|candidate| candidate.deployment_id).collect()
    }

    #[test]
    fn the_chosen_the_skipped_then_the_nearest() {
        let mut candidates: Vec<_> = (0..100_i64)
            .map(|index| Candidate { price_nano_usd: Some(1000 - index), ..Candidate::default() })
            .collect();
        candidates[40].skip = Some(SkipReason::TagsDiffer);
        candidates[50].skip = Some(SkipReason::CoolingDown);
        let choice = explained(&candidates, Some(7));
        let id_of = |index: usize| DeploymentId::from_text(&index.to_string());
        assert_eq!(ids(&choice)[..5], [7, 50, 40, 99, 98].map(id_of));
        assert_eq!((choice.candidates.len(), choice.omitted), (RouteTrace::MAX_CANDIDATES, 84));
        assert_eq!((choice.chosen, choice.at_us), (Some(id_of(7)), 7));
        assert_eq!(choice.candidates[1].skipped, Some(SkipReason::CoolingDown));
        assert_eq!(choice.candidates[3].score, Some(901));
    }

    #[test]
    fn a_hundred_that_were_skipped_leave_room_for_the_chosen() {
        let mut candidates = vec![Candidate { skip: Some(SkipReason::CoolingDown), ..Candidate::default() }; 100];
        candidates[99].skip = None;
        let choice = explained(&candidates, Some(99));
        assert_eq!(ids(&choice)[0], DeploymentId::from_text("99"));
        assert_eq!((choice.candidates.len(), choice.omitted), (RouteTrace::MAX_CANDIDATES, 84));
    }

    #[test]
    fn nobody_is_an_answer_too() {
        let choice = explained(&[], None);
        assert_eq!((choice.candidates.len(), choice.omitted, choice.chosen), (0, 0, None));
    }
}
