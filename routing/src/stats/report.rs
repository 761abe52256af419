//! What an operator wants to see of a deployment.

use serde::Serialize;

use super::{DeploymentStats, header_lines::KINDS, provider_limits::Left};
use crate::tick::Tick;
use deltallm_shared::routing::Fault;

/// Whether it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It does.
    Healthy,
    /// It was set aside, and has to prove itself.
    Probation,
    /// It failed too often.
    SetAside,
    /// Its provider limits us.
    Limited,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatsReport {
    /// Whether it serves.
    pub state: HealthState,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests of the last minute.
    pub requests_last_minute: u64,
    /// Tokens of the last minute; of those under way what is expected.
    pub tokens_last_minute: u64,
    /// Exponentially weighted time to first token.
    pub first_token_us: Option<u64>,
    /// Exponentially weighted total time.
    pub total_us: Option<u64>,
    /// What half of the requests keep.
    pub first_token_p50_us: Option<u64>,
    /// What 95 of a hundred keep.
    pub first_token_p95_us: Option<u64>,
    /// For how long it is set aside.
    pub set_aside_for_ms: Option<u64>,
    /// For how long its provider limits us.
    pub limited_for_ms: Option<u64>,
    /// Whether the request that proves it is under way.
    pub is_probed: bool,
    /// Failures since its last answer.
    pub consecutive_failures: u32,
    /// Answers in the window that its share of failures is taken of.
    pub answered_in_window: u64,
    /// Failures in that window.
    pub failed_in_window: u64,
    /// Why it failed last; limits and refused credentials are in it too.
    pub last_fault: Option<Fault>,
    /// How long ago.
    pub last_failure_ms_ago: Option<u64>,
    /// What its provider's own limits leave, by its last word.
    pub provider_limits: Vec<ProviderLimit>,
}

/// One limit of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderLimit {
    /// `requests`, `tokens`, `input-tokens`, `output-tokens`.
    pub kind: &'static str,
    /// What is left.
    #[serde(flatten)]
    pub left: Left,
}

impl HealthState {
    /// The figure of the metric `deltallm_deployment_state`.
    pub const fn figure(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Probation => 1,
            Self::SetAside => 2,
            Self::Limited => 3,
        }
    }
}

impl DeploymentStats {
    /// Whether it serves.
    pub fn state(&self, now: Tick) -> HealthState {
        let standing = self.circuit.standing(now);
        match standing {
            _ if standing.set_aside_until.is_some() => HealthState::SetAside,
            _ if standing.limited_until.is_some() => HealthState::Limited,
            _ if standing.is_on_probation => HealthState::Probation,
            _ => HealthState::Healthy,
        }
    }

    /// Everything that is known.
    pub fn report(&self, now: Tick) -> StatsReport {
        let (standing, record) = (self.circuit.standing(now), self.circuit.record(now));
        let known = |us: u64| Some(us).filter(|us| *us > 0);
        let us = |percentile| {
            self.first_token_percentile(percentile).map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
        };
        let left = self.provider_limits.left(now);
        StatsReport {
            state: self.state(now),
            in_flight: self.in_flight.count(),
            requests_last_minute: self.usage.requests(now),
            tokens_last_minute: self.usage.tokens(now),
            first_token_us: known(self.first_token.read(now)),
            total_us: known(self.total.read(now)),
            first_token_p50_us: us(50),
            first_token_p95_us: us(95),
            set_aside_for_ms: standing.set_aside_until.map(|until| millis(until, now)),
            limited_for_ms: standing.limited_until.map(|until| millis(until, now)),
            is_probed: standing.is_probed,
            consecutive_failures: record.in_a_row,
            answered_in_window: record.answered,
            failed_in_window: record.failed,
            last_fault: record.last_failure.map(|(fault, _)| fault),
            last_failure_ms_ago: record.last_failure.map(|(_, at)| millis(now, at)),
            provider_limits: KINDS
                .into_iter()
                .zip(left)
                .filter_map(|(kind, left)| Some(ProviderLimit { kind, left: left? }))
                .collect(),
        }
    }
}

fn millis(later: Tick, earlier: Tick) -> u64 {
    u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX)
}
