//! What came of a simulation.

use deltallm_shared::{
    ids::DeploymentId,
    money::NanoUsd,
    routing::{Choice, Fault},
};
use serde::{Deserialize, Serialize};

/// Everything that is told of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Requests.
    pub requests: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those whose client saw an error.
    pub client_errors: u64,
    /// What it saw, the most frequent first.
    pub errors: Vec<ErrorCount>,
    /// How many requests took one attempt, two and so on; those without any are at the first place.
    pub attempts: Vec<u64>,
    /// From the arrival to the end of the answer, of those answered.
    pub total: Quantiles,
    /// From the arrival to the first content, of streams that were answered.
    pub first_content: Quantiles,
    /// What all answers cost.
    pub spend: NanoUsd,
    /// Answers without a known price, which are not in it.
    pub unpriced: u64,
    /// One by one, in the order of the scenario.
    pub deployments: Vec<DeploymentOutcome>,
    /// Some choices, with all that was weighed.
    pub choices: Vec<SampledChoice>,
}

/// How often clients saw an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// The name of the last fault; `at_capacity`: no deployment had room; `nobody`: none could serve; `deadline`: out of time.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// Times that so many of a hundred keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half.
    pub p50_us: u64,
    /// 95.
    pub p95_us: u64,
    /// 99.
    pub p99_us: u64,
}

impl Quantiles {
    /// Of these times.
    pub(super) fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(rank).copied().unwrap_or(0)
        };
        Self { p50_us: at(50), p95_us: at(95), p99_us: at(99) }
    }
}

/// What became of one deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeploymentOutcome {
    /// Which.
    pub deployment_id: DeploymentId,
    /// Its name.
    pub name: String,
    /// Requests that came to it first.
    pub first_choices: u64,
    /// Requests that it was asked, whether first or not.
    pub attempts: u64,
    /// Those that it answered.
    pub answered: u64,
    /// Those that failed.
    pub failures: u64,
    /// Its part of all answers, in parts of a million.
    pub share_ppm: u64,
    /// What its answers cost.
    pub spend: NanoUsd,
    /// When it was set aside or limited; the first [`DeploymentOutcome::MAX_PAUSES`].
    pub pauses: Vec<Pause>,
    /// How often it was.
    pub pause_count: u64,
    /// Whether it was on trial and failed it.
    pub is_canary_returned: bool,
}

impl DeploymentOutcome {
    /// The most pauses that are told.
    pub const MAX_PAUSES: usize = 100;
}

/// A time without requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Its beginning.
    pub from_ms: u64,
    /// Its end.
    pub until_ms: u64,
    /// Why.
    pub fault: Fault,
}

/// A choice of one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampledChoice {
    /// Which request, in the order of time.
    pub request: u64,
    /// The choice.
    pub choice: Choice,
}
