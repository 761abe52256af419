//! Drawing among the candidates that may be chosen: by weight, and the best of them where several are equally good.

use std::cmp::Ordering;

use crate::{candidate::Candidate, seed::Seed};

/// Draws one by weight. Deployments of weight 0 are drawn only where nobody else is left.
pub(super) fn one(candidates: &[Candidate], seed: &mut Seed) -> Option<usize> {
    one_where(candidates, seed, |_| true)
}

/// Draws one by weight among those that are as wanted.
pub(super) fn one_where(
    candidates: &[Candidate],
    seed: &mut Seed,
    is_wanted: impl Fn(&Candidate) -> bool,
) -> Option<usize> {
    let (mut total, mut count) = (0_u64, 0_u64);
    for candidate in candidates.iter().filter(|candidate| candidate.is_open() && is_wanted(candidate)) {
        total += u64::from(candidate.weight);
        count += 1;
    }
    let mut ticket = seed.below(if total == 0 { count } else { total });
    for (index, candidate) in candidates.iter().enumerate() {
        if candidate.is_open() && is_wanted(candidate) {
            let share = if total == 0 { 1 } else { u64::from(candidate.weight) };
            if ticket < share {
                return Some(index);
            }
            ticket -= share;
        }
    }
    None
}

/// Draws two different ones by weight; the second is missing where there is only one.
pub(super) fn two(candidates: &[Candidate], seed: &mut Seed) -> Option<(usize, Option<usize>)> {
    let first = one(candidates, seed)?;
    let drawn = candidates.get(first)?.identity;
    Some((first, one_where(candidates, seed, |candidate| candidate.identity != drawn)))
}

/// The least of all; one of several that are equally little is drawn by weight.
pub(super) fn least(
    candidates: &[Candidate],
    seed: &mut Seed,
    compare: impl Fn(&Candidate, &Candidate) -> Ordering,
) -> Option<usize> {
    let best = candidates.iter().filter(|candidate| candidate.is_open()).min_by(|a, b| compare(a, b))?;
    one_where(candidates, seed, |candidate| compare(candidate, best) == Ordering::Equal)
}

/// The one of two drawn that has less to do for its weight: spreads as well as asking everybody, and callers who decide at the same
/// moment do not all come to the same one (Mitzenmacher 1996).
pub(super) fn less_busy_of_two(candidates: &[Candidate], seed: &mut Seed) -> Option<usize> {
    let (first, second) = two(candidates, seed)?;
    let pair = second.and_then(|second| Some((second, candidates.get(first)?, candidates.get(second)?)));
    Some(match pair {
        Some((second, one, other)) if other.cmp_load(one) == Ordering::Less => second,
        _ => first,
    })
}
