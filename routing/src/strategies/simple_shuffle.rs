//! `simple-shuffle`: at random, so that a deployment of twice the weight is asked twice as often.

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct SimpleShuffle;

impl Strategy for SimpleShuffle {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::SimpleShuffle
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        draw::one(candidates, &mut Seed(ask.seed))
    }

    fn score(&self, _candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        None
    }
}
