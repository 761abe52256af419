//! What is asked of a simulation.

use deltallm_shared::{
    ids::DeploymentId,
    money::NanoUsd,
    routing::{Fault, RoutingSettings},
};
use serde::{Deserialize, Serialize};

/// A policy, deployments, and traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The settings of the group, whole: nothing is looked up.
    #[serde(default)]
    pub settings: RoutingSettings,
    /// Its deployments.
    pub deployments: Vec<SimulatedDeployment>,
    /// Its requests.
    pub traffic: Traffic,
    /// Chance.
    #[serde(default)]
    pub seed: u64,
    /// How many choices are kept with all that was weighed; at most [`Scenario::MAX_SAMPLES`].
    #[serde(default = "twenty")]
    pub samples: usize,
}

/// A deployment and how it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedDeployment {
    /// Which.
    pub id: DeploymentId,
    /// Its name in the outcome.
    pub name: String,
    /// Its share in its group.
    #[serde(default = "one")]
    pub weight: u32,
    /// Its tier.
    #[serde(default)]
    pub priority: u32,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Requests in a minute.
    #[serde(default)]
    pub rpm: Option<u64>,
    /// Tokens in a minute.
    #[serde(default)]
    pub tpm: Option<u64>,
    /// Requests at a time.
    #[serde(default)]
    pub parallel: Option<u32>,
    /// Until the first content of a stream.
    #[serde(default)]
    pub first_token: Times,
    /// Until the end of an answer.
    #[serde(default)]
    pub total: Times,
    /// How it fails.
    #[serde(default)]
    pub failures: Vec<Failures>,
    /// What an answer costs; `None`: nobody knows.
    #[serde(default)]
    pub price: Option<NanoUsd>,
}

/// How long something takes. Between them, times are spread so that the mean and the 95th of a hundred come out, where a mean of
/// less than a third of the latter is taken for a third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The mean.
    pub mean_ms: u64,
    /// What 95 of a hundred keep.
    pub p95_ms: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { mean_ms: 1_000, p95_ms: 2_000 }
    }
}

/// A share of attempts that fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failures {
    /// How.
    pub fault: Fault,
    /// Of a hundred.
    pub percent: u8,
    /// How long it takes to fail.
    #[serde(default)]
    pub after_ms: u64,
    /// For how long the provider wants to be left alone.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// From then on; from the start, if left out.
    #[serde(default)]
    pub from_ms: u64,
    /// Until then; to the end, if left out.
    #[serde(default)]
    pub until_ms: Option<u64>,
}

/// Requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Traffic {
    /// Made up.
    Synthetic(SyntheticTraffic),
    /// As they came.
    Recorded {
        /// One by one; in any order.
        arrivals: Vec<Arrival>,
    },
}

/// Requests that come by chance, independently of each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticTraffic {
    /// How many in a minute, in the mean.
    pub requests_per_minute: u64,
    /// For how long.
    pub duration_ms: u64,
    /// Of a hundred, those that want a stream.
    #[serde(default)]
    pub stream_percent: u8,
    /// How many sessions they belong to; 0: to none.
    #[serde(default)]
    pub sessions: u64,
    /// Tokens of a request in the mean; from half to one and a half of it.
    #[serde(default)]
    pub tokens: u64,
    /// Of a hundred, those that have [`Self::tags`].
    #[serde(default)]
    pub tagged_percent: u8,
    /// Their tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arrival {
    /// When it comes, from the start.
    pub at_ms: u64,
    /// Its tokens, in and out.
    pub tokens: u64,
    /// Whether it wants a stream.
    pub streams: bool,
    /// Which session it belongs to.
    pub session: Option<u64>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// Why a scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// No deployments.
    #[error("a group needs at least one deployment")]
    NoDeployments,
    /// Too many requests.
    #[error("{requests} requests; a simulation has at most {max}", max = Scenario::MAX_REQUESTS)]
    TooManyRequests {
        /// How many there would be.
        requests: u64,
    },
    /// Too much to work through.
    #[error(
        "{requests} requests over {deployments} deployments are too many: multiplied, at most {max}",
        max = Scenario::MAX_WORK
    )]
    TooMuchWork {
        /// Of which.
        requests: u64,
        /// Over so many.
        deployments: u64,
    },
    /// A share of more than a hundred in a hundred.
    #[error("`{field}` of {value} is more than 100 percent")]
    MoreThanAll {
        /// Which.
        field: &'static str,
        /// How much.
        value: u64,
    },
    /// A time or a rate beyond reason.
    #[error("`{field}` of {value} is more than {max}")]
    TooLarge {
        /// Which.
        field: &'static str,
        /// How much.
        value: u64,
        /// What it may be.
        max: u64,
    },
    /// A setting that no group may have.
    #[error("`settings.{field}` {reason}")]
    Settings {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Scenario {
    /// The most requests.
    pub const MAX_REQUESTS: u64 = 100_000;
    /// The most requests times deployments.
    pub const MAX_WORK: u64 = 5_000_000;
    /// The most choices that are kept.
    pub const MAX_SAMPLES: usize = 200;
    /// The longest time of anything: a week.
    pub const MAX_MS: u64 = 7 * 86_400_000;

    /// Whether it can be run.
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        if self.deployments.is_empty() {
            return Err(ScenarioError::NoDeployments);
        }
        if let Some(mistake) = self.settings.mistakes(None).into_iter().next() {
            return Err(ScenarioError::Settings { field: mistake.field, reason: mistake.reason });
        }
        for deployment in &self.deployments {
            deployment.check()?;
        }
        match &self.traffic {
            Traffic::Synthetic(traffic) => {
                at_most("duration_ms", traffic.duration_ms, Self::MAX_MS)?;
                at_most("tokens", traffic.tokens, 100_000_000)?;
                share("stream_percent", traffic.stream_percent.into())?;
                share("tagged_percent", traffic.tagged_percent.into())?;
                let requests = u128::from(traffic.requests_per_minute) * u128::from(traffic.duration_ms) / 60_000;
                self.check_work(u64::try_from(requests).unwrap_or(u64::MAX))
            }
            Traffic::Recorded { arrivals } => {
                self.check_work(u64::try_from(arrivals.len()).unwrap_or(u64::MAX))?;
                arrivals.iter().try_for_each(|arrival| at_most("at_ms", arrival.at_ms, Self::MAX_MS))
            }
        }
    }

    /// Whether so many requests are not too many.
    pub(super) fn check_work(&self, requests: u64) -> Result<(), ScenarioError> {
        let deployments = u64::try_from(self.deployments.len()).unwrap_or(u64::MAX);
        if requests > Self::MAX_REQUESTS {
            return Err(ScenarioError::TooManyRequests { requests });
        }
        if requests.saturating_mul(deployments) > Self::MAX_WORK {
            return Err(ScenarioError::TooMuchWork { requests, deployments });
        }
        Ok(())
    }
}

impl SimulatedDeployment {
    fn check(&self) -> Result<(), ScenarioError> {
        let times = [
            ("first_token.mean_ms", self.first_token.mean_ms),
            ("first_token.p95_ms", self.first_token.p95_ms),
            ("total.mean_ms", self.total.mean_ms),
            ("total.p95_ms", self.total.p95_ms),
        ];
        times.into_iter().try_for_each(|(field, value)| at_most(field, value, Scenario::MAX_MS))?;
        for failures in &self.failures {
            at_most("failures.after_ms", failures.after_ms, Scenario::MAX_MS)?;
            at_most("failures.retry_after_ms", failures.retry_after_ms.unwrap_or(0), Scenario::MAX_MS)?;
        }
        share("failures.percent", self.failures.iter().map(|failures| u64::from(failures.percent)).max().unwrap_or(0))
    }
}

const fn share(field: &'static str, value: u64) -> Result<(), ScenarioError> {
    if value > 100 { Err(ScenarioError::MoreThanAll { field, value }) } else { Ok(()) }
}

const fn at_most(field: &'static str, value: u64, max: u64) -> Result<(), ScenarioError> {
    if value > max { Err(ScenarioError::TooLarge { field, value, max }) } else { Ok(()) }
}

const fn twenty() -> usize {
    20
}
const fn one() -> u32 {
    1
}
