//! Every metric of the proxy. Labels are bounded: models only by names that are configured, never a key's text.

use std::{fmt, sync::atomic::AtomicU64};

use deltallm_shared::event::SpendEvent;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Labels of [`Metrics::requests_total`].
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    /// Which surface.
    pub endpoint: &'static str,
    /// A configured public name; empty where none was found.
    pub model: String,
    /// Who served; empty where nobody did.
    pub provider: &'static str,
    /// The HTTP status for the client.
    pub status: u16,
}

/// A label for the surface.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct EndpointLabel {
    /// Which surface.
    pub endpoint: &'static str,
}

/// A label for the kind of token.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct KindLabel {
    /// `input`, `output`, `cached_input` …
    pub kind: &'static str,
}

/// A label for how something ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OutcomeLabel {
    /// A fixed word.
    pub outcome: &'static str,
}

/// Why something happened, as a fixed word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// The word.
    pub reason: &'static str,
}

/// A label for a group.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ModelLabel {
    /// A configured public name.
    pub model: String,
}

/// Which deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeploymentLabels {
    /// Its id.
    pub deployment: String,
    /// Its public name.
    pub model: String,
}

type HistogramFamily<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics and the registry that prints them.
pub struct Metrics {
    registry: Registry,
    /// Requests by surface, model, provider and status.
    pub requests: Family<RequestLabels, Counter>,
    /// From the header to the last byte.
    pub request_duration: HistogramFamily<EndpointLabel>,
    /// From the header to the first byte of the answer.
    pub time_to_first_token: HistogramFamily<EndpointLabel>,
    /// What the gateway itself took before the upstream was called.
    pub gateway_overhead: HistogramFamily<EndpointLabel>,
    /// Requests under way.
    pub in_flight: Gauge,
    /// Tokens by kind.
    pub tokens: Family<KindLabel, Counter>,
    /// Known cost, in nano-dollars; printed in dollars.
    pub spend_nano_usd: Counter,
    /// Calls whose price is not known.
    pub unpriced: Counter,
    /// Upstream attempts by how they ended.
    pub upstream_attempts: Family<OutcomeLabel, Counter>,
    /// Requests that went to another group, by the list that led there.
    pub fallbacks: Family<ReasonLabel, Counter>,
    /// Refusals that only an operator can mend, by their kind.
    pub deployment_alerts: Family<ReasonLabel, Counter>,
    /// Requests that wait for room in a group.
    pub queue_waiting: Family<ModelLabel, Gauge>,
    /// Waits for room by how they ended.
    pub queue: Family<OutcomeLabel, Counter>,
    /// Requests that could be hedged, by what came of it.
    pub hedges: Family<OutcomeLabel, Counter>,
    /// Copies for a shadow by how they ended.
    pub mirrored: Family<OutcomeLabel, Counter>,
    /// 0: healthy, 1: on probation, 2: set aside, 3: limited by its provider.
    pub deployment_state: Family<DeploymentLabels, Gauge>,
    /// Active checks by what they found.
    pub active_checks: Family<OutcomeLabel, Counter>,
    /// Whether Redis answered the last question; stays 0 where there is none.
    pub redis_up: Gauge,
    /// Questions to Redis that failed.
    pub redis_failures: Counter,
    /// Settled records that have not arrived at the admin service.
    pub journal_records: Gauge,
    /// Bytes of the journal on file.
    pub journal_bytes: Gauge,
    /// Final records that could not be written.
    pub journal_lost: Gauge,
    /// Calls refused because the journal is full.
    pub journal_refusals: Counter,
    /// Age of the oldest record that has not arrived.
    pub journal_oldest_seconds: Gauge,
    /// Posts to the admin service by how they ended.
    pub shipments: Family<OutcomeLabel, Counter>,
    /// The version of the configuration in use.
    pub config_version: Gauge,
    /// Seconds since the admin service was last heard.
    pub config_age_seconds: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0])
}

fn microseconds() -> Histogram {
    Histogram::new([0.00001, 0.000_025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1])
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("deltallm");
        let metrics = Self {
            requests: Family::default(),
            request_duration: Family::new_with_constructor(seconds),
            time_to_first_token: Family::new_with_constructor(seconds),
            gateway_overhead: Family::new_with_constructor(microseconds),
            in_flight: Gauge::default(),
            tokens: Family::default(),
            spend_nano_usd: Counter::default(),
            unpriced: Counter::default(),
            upstream_attempts: Family::default(),
            fallbacks: Family::default(),
            deployment_alerts: Family::default(),
            queue_waiting: Family::default(),
            queue: Family::default(),
            hedges: Family::default(),
            mirrored: Family::default(),
            deployment_state: Family::default(),
            active_checks: Family::default(),
            redis_up: Gauge::default(),
            redis_failures: Counter::default(),
            journal_records: Gauge::default(),
            journal_bytes: Gauge::default(),
            journal_lost: Gauge::default(),
            journal_refusals: Counter::default(),
            journal_oldest_seconds: Gauge::default(),
            shipments: Family::default(),
            config_version: Gauge::default(),
            config_age_seconds: Gauge::default(),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register("requests", "Requests", metrics.requests.clone());
        let unit = || Unit::Seconds;
        r.register_with_unit("request_duration", "Header to last byte", unit(), metrics.request_duration.clone());
        r.register_with_unit(
            "time_to_first_token",
            "Header to first byte",
            unit(),
            metrics.time_to_first_token.clone(),
        );
        r.register_with_unit("gateway_overhead", "The gateway's own share", unit(), metrics.gateway_overhead.clone());
        r.register("in_flight_requests", "Requests under way", metrics.in_flight.clone());
        r.register("tokens", "Tokens by kind", metrics.tokens.clone());
        r.register("spend_usd", "Known cost", Dollars(metrics.spend_nano_usd.clone()));
        r.register("unpriced_requests", "Calls whose price is not known", metrics.unpriced.clone());
        r.register("upstream_attempts", "Upstream attempts", metrics.upstream_attempts.clone());
        r.register("fallbacks", "Requests that went to another group", metrics.fallbacks.clone());
        r.register("deployment_alerts", "Refusals that an operator has to mend", metrics.deployment_alerts.clone());
        r.register("queue_waiting", "Requests that wait for room", metrics.queue_waiting.clone());
        r.register("queue", "Waits for room by how they ended", metrics.queue.clone());
        r.register("hedges", "Requests that could be hedged", metrics.hedges.clone());
        r.register("mirrored", "Copies for a shadow", metrics.mirrored.clone());
        r.register(
            "deployment_state",
            "0 healthy, 1 probation, 2 set aside, 3 limited",
            metrics.deployment_state.clone(),
        );
        r.register("active_checks", "Active checks by what they found", metrics.active_checks.clone());
        r.register("redis_up", "Whether Redis answered last", metrics.redis_up.clone());
        r.register("redis_failures", "Questions to Redis that failed", metrics.redis_failures.clone());
        r.register("journal_records", "Records that have not arrived", metrics.journal_records.clone());
        r.register("journal_bytes", "Size on file", metrics.journal_bytes.clone());
        r.register("journal_lost_records", "Records that could not be written", metrics.journal_lost.clone());
        r.register("journal_refusals", "Calls refused by a full journal", metrics.journal_refusals.clone());
        r.register("journal_oldest_seconds", "Age of the oldest record", metrics.journal_oldest_seconds.clone());
        r.register("shipments", "Posts to the admin service", metrics.shipments.clone());
        r.register("config_version", "Version in use", metrics.config_version.clone());
        r.register("config_age_seconds", "Since the admin was heard", metrics.config_age_seconds.clone());
        Self { registry, ..metrics }
    }

    /// Adds what a settled call used and cost.
    pub fn observe_usage(&self, event: &SpendEvent) {
        let usage = &event.usage;
        let kinds = [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached_input", usage.cached_input_tokens),
        ];
        for (kind, tokens) in kinds.into_iter().filter(|(_, tokens)| *tokens > 0) {
            self.tokens.get_or_create(&KindLabel { kind }).inc_by(tokens);
        }
        match event.cost {
            Some(cost) => drop(self.spend_nano_usd.inc_by(u64::try_from(cost.0).unwrap_or(0))),
            None => drop(self.unpriced.inc()),
        }
    }

    /// The text that Prometheus reads.
    pub fn print(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A counter that is kept in nano-dollars and printed in dollars: the one place where money meets floating point, because
/// Prometheus knows nothing else. Nothing is computed from it.
#[derive(Debug)]
struct Dollars(Counter<u64, AtomicU64>);

impl prometheus_client::encoding::EncodeMetric for Dollars {
    #[expect(clippy::float_arithmetic, reason = "Prometheus has no other numbers")]
    fn encode(&self, mut encoder: prometheus_client::encoding::MetricEncoder) -> fmt::Result {
        encoder.encode_counter::<prometheus_client::encoding::NoLabelSet, _, u64>(&(self.0.get() as f64 / 1e9), None)
    }

    fn metric_type(&self) -> prometheus_client::metrics::MetricType {
        prometheus_client::metrics::MetricType::Counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_names_are_printed() {
        let metrics = Metrics::new();
        let labels = RequestLabels { endpoint: "chat_completions", model: "m".into(), provider: "mock", status: 200 };
        metrics.requests.get_or_create(&labels).inc();
        metrics.spend_nano_usd.inc_by(1_500_000_000);
        let text = metrics.print().unwrap();
        for line in [
            r#"deltallm_requests_total{endpoint="chat_completions",model="m",provider="mock",status="200"} 1"#,
            "deltallm_spend_usd_total 1.5",
            "deltallm_in_flight_requests 0",
            "deltallm_journal_records 0",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
