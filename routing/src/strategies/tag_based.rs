//! `tag-based-routing`: by weight among those that have the request's tags.
//!
//! The tags themselves narrow the choice under every strategy where an operator wants it, so that happens before, in
//! [`crate::choose`]; with this strategy it always does.

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct TagBased;

impl Strategy for TagBased {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::TagBased
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        draw::one(candidates, &mut Seed(ask.seed))
    }

    fn score(&self, _candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        None
    }
}
