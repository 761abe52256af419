//! When requests come, and what they want.

use super::scenario::{Arrival, Scenario, ScenarioError, SyntheticTraffic, Traffic};
use crate::{seed::Seed, strategies::waiting_time::waiting_time};

/// All requests of a scenario, in the order of time.
pub(super) fn arrivals(scenario: &Scenario) -> Result<Vec<Arrival>, ScenarioError> {
    match &scenario.traffic {
        Traffic::Recorded { arrivals } => {
            let mut arrivals = arrivals.clone();
            arrivals.sort_by_key(|arrival| arrival.at_ms);
            Ok(arrivals)
        }
        Traffic::Synthetic(traffic) => synthetic(scenario, traffic),
    }
}

fn synthetic(scenario: &Scenario, traffic: &SyntheticTraffic) -> Result<Vec<Arrival>, ScenarioError> {
    let mut seed = Seed(scenario.seed ^ 0x7472_6166_6669_6321);
    let mut arrivals = Vec::new();
    let mut at_us = 0;
    if traffic.requests_per_minute == 0 {
        return Ok(arrivals);
    }
    loop {
        at_us += gap_us(traffic.requests_per_minute, seed.next());
        if at_us >= traffic.duration_ms * 1_000 {
            return Ok(arrivals);
        }
        let is_of = |percent: u8, chance: u64| chance < u64::from(percent);
        let streams = is_of(traffic.stream_percent, seed.below(100));
        let session = (traffic.sessions > 0).then(|| seed.below(traffic.sessions));
        let is_tagged = is_of(traffic.tagged_percent, seed.below(100));
        arrivals.push(Arrival {
            at_ms: at_us / 1_000,
            tokens: traffic.tokens / 2 + seed.below(traffic.tokens + 1),
            streams,
            session,
            tags: if is_tagged { traffic.tags.clone() } else { Vec::new() },
        });
        // Chance may bring some more than the mean, never many more.
        scenario.check_work(u64::try_from(arrivals.len()).unwrap_or(u64::MAX))?;
    }
}

/// The time until the next of independent requests: a waiting time, by the natural logarithm.
fn gap_us(per_minute: u64, hash: u64) -> u64 {
    const LN_2_MILLIONTHS: u128 = 693_147;
    let gap = u128::from(waiting_time(hash)) * 60 * LN_2_MILLIONTHS / u128::from(per_minute.max(1));
    u64::try_from(gap >> 40).unwrap_or(u64::MAX)
}
