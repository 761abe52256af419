//! From a group of deployments to the order in which they are tried. Pure: the seed is passed in.

use std::sync::Arc;

use deltallm_shared::error::{ApiError, ErrorCode};

use crate::snapshot::Deployment;

/// The deployments of one request in the order of attempts.
#[derive(Clone, Default)]
pub struct Plan {
    deployments: Vec<Arc<Deployment>>,
}

impl Plan {
    /// `simple-shuffle`: a random order in which a deployment of twice the weight is twice as likely to come first.
    ///
    /// Weighted sampling without replacement: each draw takes a deployment with the probability of its share of what is left.
    /// Deployments of weight 0 come last, so that they serve only when nothing else does.
    pub fn shuffle(group: &[Arc<Deployment>], mut seed: u64) -> Self {
        if let [only] = group {
            return Self { deployments: vec![Arc::clone(only)] };
        }
        let mut left: Vec<&Arc<Deployment>> = group.iter().collect();
        let mut deployments = Vec::with_capacity(group.len());
        while !left.is_empty() {
            let total: u64 = left.iter().map(|deployment| u64::from(deployment.weight)).sum();
            let mut ticket = if total == 0 { 0 } else { next_random(&mut seed) % total };
            let drawn = left.iter().position(|deployment| {
                let weight = u64::from(deployment.weight);
                let hit = ticket < weight;
                ticket = ticket.saturating_sub(weight);
                hit
            });
            deployments.push(Arc::clone(left.remove(drawn.unwrap_or(0))));
        }
        Self { deployments }
    }

    /// The first deployment that `check` has no objection to, with what it gave; else the first objection.
    pub fn first_that<T>(
        &self,
        check: impl Fn(&Deployment) -> Result<T, ApiError>,
    ) -> Result<(usize, &Arc<Deployment>, T), ApiError> {
        let mut objection = None;
        for (turn, deployment) in self.deployments.iter().enumerate() {
            match check(deployment) {
                Ok(found) => return Ok((turn, deployment, found)),
                Err(error) => drop(objection.get_or_insert(error)),
            }
        }
        Err(objection.unwrap_or_else(nobody))
    }

    /// One deployment and no other.
    pub fn only(deployment: Arc<Deployment>) -> Self {
        Self { deployments: vec![deployment] }
    }

    /// The deployment of an attempt, counted from 0.
    pub fn attempt(&self, number: usize) -> Option<&Arc<Deployment>> {
        self.deployments.get(number)
    }
}

fn nobody() -> ApiError {
    ApiError::new(ErrorCode::NoHealthyDeployment, "No deployment serves this model now. Try again.")
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough to spread load.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(weights: &[u32]) -> Vec<Arc<Deployment>> {
        let deployment = |weight: &u32| {
            let record = serde_json::json!({
                "id": deltallm_shared::ids::DeploymentId::new(), "model_name": "m", "provider": "mock", "upstream_model": "echo", "weight": weight,
            });
            Arc::new(Deployment::compile(&serde_json::from_value(record).unwrap(), Default::default(), false).unwrap())
        };
        weights.iter().map(deployment).collect()
    }

    #[test]
    fn the_first_attempts_follow_the_weights() {
        let group = group(&[1, 3, 0]);
        let mut firsts = [0; 3];
        for seed in 0..40_000 {
            let plan = Plan::shuffle(&group, seed);
            let first = group.iter().position(|deployment| Arc::ptr_eq(deployment, plan.attempt(0).unwrap())).unwrap();
            firsts[first] += 1;
        }
        assert_eq!(firsts[2], 0);
        assert!((9_500..10_500).contains(&firsts[0]) && (29_500..30_500).contains(&firsts[1]), "{firsts:?}");
    }

    proptest! {
        #[test]
        fn a_plan_holds_each_deployment_once(weights in proptest::collection::vec(0_u32..5, 1..8), seed: u64) {
            let group = group(&weights);
            let plan = Plan::shuffle(&group, seed);
            let mut ids: Vec<_> = (0..group.len()).map(|number| plan.attempt(number).unwrap().id).collect();
            ids.sort();
            let mut expected: Vec<_> = group.iter().map(|deployment| deployment.id).collect();
            expected.sort();
            prop_assert_eq!(ids, expected);
            prop_assert!(plan.attempt(group.len()).is_none());
        }
    }
}
