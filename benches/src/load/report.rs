//! What a run counted, and the JSON it prints.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::Durations;
pub use super::histogram::Quantiles;
use super::plan::Plan;

/// What one connection, or all of them, counted.
pub struct Tally {
    pub statuses: BTreeMap<u16, u64>,
    pub transport_errors: BTreeMap<String, u64>,
    pub truncated: u64,
    pub chunks: u64,
    pub received_bytes: u64,
    pub latency: Durations,
    pub first_byte: Durations,
    pub inter_chunk: Durations,
    pub timer_lag: Durations,
}

impl Tally {
    pub fn new() -> Result<Self, String> {
        Ok(Self {
            statuses: BTreeMap::new(),
            transport_errors: BTreeMap::new(),
            truncated: 0,
            chunks: 0,
            received_bytes: 0,
            latency: Durations::new()?,
            first_byte: Durations::new()?,
            inter_chunk: Durations::new()?,
            timer_lag: Durations::new()?,
        })
    }

    pub fn add(&mut self, other: &Self) -> Result<(), String> {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (error, count) in &other.transport_errors {
            *self.transport_errors.entry(error.clone()).or_default() += count;
        }
        self.truncated += other.truncated;
        self.chunks += other.chunks;
        self.received_bytes += other.received_bytes;
        self.latency.add(&other.latency)?;
        self.first_byte.add(&other.first_byte)?;
        self.inter_chunk.add(&other.inter_chunk)?;
        self.timer_lag.add(&other.timer_lag)
    }

    pub fn report(self, plan: &Plan, elapsed: Duration) -> LoadReport {
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let answered: u64 = self.statuses.values().sum();
        let failed: u64 = self.transport_errors.values().sum();
        LoadReport {
            mode: if plan.rate.is_some() { "open" } else { "closed" }.to_owned(),
            connections: plan.connections,
            rate: plan.rate,
            body_bytes: plan.args.body_bytes,
            requests: answered + failed,
            ok: self.statuses.range(200..300).map(|(_, count)| count).sum::<u64>() - self.truncated,
            truncated: self.truncated,
            statuses: self.statuses,
            transport_errors: self.transport_errors,
            elapsed_ms,
            requests_per_second: answered * 1_000 / elapsed_ms,
            chunks: self.chunks,
            received_bytes: self.received_bytes,
            latency: self.latency.quantiles(),
            first_byte: self.first_byte.quantiles(),
            inter_chunk: self.inter_chunk.quantiles(),
            timer_lag: self.timer_lag.quantiles(),
        }
    }
}

/// The result of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LoadReport {
    /// `open` or `closed`.
    pub mode: String,
    /// Connections used.
    pub connections: u16,
    /// Requests per second that were asked for.
    pub rate: Option<u64>,
    /// Size of each request body.
    pub body_bytes: usize,
    /// Requests sent.
    pub requests: u64,
    /// Answered whole with a 2xx.
    pub ok: u64,
    /// 2xx, but the body ended before its end.
    pub truncated: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by cause.
    pub transport_errors: BTreeMap<String, u64>,
    /// From the first request to the last answer.
    pub elapsed_ms: u64,
    /// Answers per second.
    pub requests_per_second: u64,
    /// Events of streams, `[DONE]` included.
    pub chunks: u64,
    /// Bytes of answer bodies.
    pub received_bytes: u64,
    /// From when a request was due to the end of its answer.
    pub latency: Quantiles,
    /// From when a request was due to the first byte of its body.
    pub first_byte: Quantiles,
    /// Between two reads of a stream that each ended at least one event.
    pub inter_chunk: Quantiles,
    /// How late the generator's own timer was.
    pub timer_lag: Quantiles,
}

impl LoadReport {
    /// Whether every request was answered whole with a 2xx.
    pub fn is_clean(&self) -> bool {
        self.ok == self.requests && self.requests > 0
    }
}
