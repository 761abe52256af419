//! The strategies: one file each, and the list of them.
//!
//! A strategy sees the candidates that may be chosen and says which one. It is a pure function: the same candidates, request and
//! seed give the same answer.

mod simple_shuffle;

use deltallm_shared::routing;

use crate::candidate::{Ask, Candidate};

/// One way to choose.
pub trait Strategy: Sync {
    /// Which it is.
    fn name(&self) -> routing::Strategy;

    /// The index of the candidate to ask; candidates with a `skip` are not looked at. `None` where all have one.
    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize>;

    /// The figure that it compares by, for explanations: lower is better. `None` where it compares by none.
    fn score(&self, candidate: &Candidate, ask: &Ask) -> Option<i64>;
}

/// All of them.
pub static STRATEGIES: [&dyn Strategy; 1] = [&simple_shuffle::SimpleShuffle];

/// The strategy of a name.
pub fn strategy(name: routing::Strategy) -> &'static dyn Strategy {
    STRATEGIES.into_iter().find(|strategy| strategy.name() == name).unwrap_or(&simple_shuffle::SimpleShuffle)
}
