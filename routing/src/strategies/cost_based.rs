//! `cost-based-routing`: the cheapest for this request; one of several of the same price is drawn by weight.
//!
//! A deployment without a known price comes last: what costs nobody-knows-what is not cheap.

use std::cmp::Ordering;

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct CostBased;

impl Strategy for CostBased {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::CostBased
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        draw::least(candidates, &mut Seed(ask.seed), |a, b| match (a.price_nano_usd, b.price_nano_usd) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        })
    }

    /// Nano-dollars.
    fn score(&self, candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        candidate.price_nano_usd
    }
}
