//! How a deployment answers: by chance, as its part of the scenario says.

use std::time::Duration;

use deltallm_shared::routing::Fault;

use super::scenario::{SimulatedDeployment, Times};
use crate::{seed::Seed, tick::Tick};

/// How an attempt goes if nobody ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It is answered.
    Answer { first_content: Duration, total: Duration },
    /// It fails.
    Failure { fault: Fault, after: Duration, retry_after: Option<Duration> },
}

/// Draws how an attempt of this moment goes.
pub(super) fn course(deployment: &SimulatedDeployment, now: Tick, streams: bool, seed: &mut Seed) -> Course {
    let now_ms = now.0 / 1_000;
    let mut chance = seed.below(100);
    for failures in &deployment.failures {
        if now_ms < failures.from_ms || failures.until_ms.is_some_and(|until| now_ms >= until) {
            continue;
        }
        if chance < u64::from(failures.percent) {
            return Course::Failure {
                fault: failures.fault,
                after: Duration::from_millis(failures.after_ms),
                retry_after: failures.retry_after_ms.map(Duration::from_millis),
            };
        }
        chance -= u64::from(failures.percent);
    }
    // One draw for both times: who is late with the first word is late with the last one.
    let place = seed.below(MILLION);
    let total = drawn(deployment.total, place);
    let first_content = if streams { drawn(deployment.first_token, place).min(total) } else { total };
    Course::Answer { first_content, total }
}

const MILLION: u64 = 1_000_000;

/// The time at a place of a million, the shortest first. Straight lines between four points: half the median at 0, the median, the
/// 95th of a hundred, and half as much again at the end. For the mean of that to be `mean`, the median is (mean − 0.2875 p95) / 0.6.
fn drawn(times: Times, place: u64) -> Duration {
    let p95 = times.p95_ms * 1_000;
    let median = (times.mean_ms * 1_000 * 10_000).saturating_sub(p95 * 2_875) / 6_000;
    let median = median.min(p95);
    let points = [(0, median / 2), (500_000, median), (950_000, p95), (MILLION, p95 + p95 / 2)];
    let micros = points
        .windows(2)
        .find_map(|pair| match pair {
            [(from, low), (to, high)] if place <= *to => {
                Some(low + (high - low) * place.saturating_sub(*from) / (to - from))
            }
            _ => None,
        })
        .unwrap_or(p95);
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_mean_and_their_95th() {
        for (mean_ms, p95_ms) in [(1_000, 2_000), (500, 1_500), (800, 900)] {
            let times = Times { mean_ms, p95_ms };
            let mut drawn: Vec<u64> =
                (0..10_000).map(|step| u64::try_from(drawn(times, step * 100).as_millis()).unwrap()).collect();
            drawn.sort_unstable();
            let mean = drawn.iter().sum::<u64>() / 10_000;
            assert!(mean.abs_diff(mean_ms) <= mean_ms / 50, "{mean} {mean_ms}");
            assert!(drawn[9_500].abs_diff(p95_ms) <= 1, "{}", drawn[9_500]);
        }
    }
}
