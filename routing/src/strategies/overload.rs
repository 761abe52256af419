//! When affinity ends: a deployment that others would have to wait for is not asked only because it knows the beginning.

use crate::candidate::Candidate;

/// What the open candidates have to do, all together.
#[derive(Clone, Copy)]
pub(super) struct Overload {
    in_flight: u64,
    weight: u64,
    count: u64,
}

impl Overload {
    /// Requests above twice its fair share that a deployment may have under way: with little traffic, numbers are too small to
    /// speak of a share.
    const SLACK: u64 = 4;

    /// Counts.
    pub(super) fn of(candidates: &[Candidate]) -> Self {
        let mut all = Self { in_flight: 0, weight: 0, count: 0 };
        for candidate in candidates.iter().filter(|candidate| candidate.is_open()) {
            all.in_flight += u64::from(candidate.stats.in_flight);
            all.weight += u64::from(candidate.weight);
            all.count += 1;
        }
        all
    }

    /// Whether a candidate has more under way than twice its share by weight and [`Self::SLACK`], or no room in its limits.
    pub(super) fn is_over(self, candidate: &Candidate) -> bool {
        let (share, of) = if self.weight == 0 { (1, self.count) } else { (u64::from(candidate.weight), self.weight) };
        let allowed = 2 * u128::from(self.in_flight) * u128::from(share) + u128::from(Self::SLACK) * u128::from(of);
        !candidate.stats.has_room || u128::from(candidate.stats.in_flight) * u128::from(of) > allowed
    }
}
