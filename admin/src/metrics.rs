//! Every metric of this service, in Prometheus' text form at `/metrics`.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Labels of a request. The route is the pattern, never the path: its values are few.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// HTTP method.
    pub method: String,
    /// Path as it is routed.
    pub route: String,
    /// Status.
    pub status: u16,
}

/// Where a spend event ended up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EventLabels {
    /// `inserted`, `duplicate` or `rejected`.
    pub outcome: &'static str,
}

/// The metrics.
pub struct Metrics {
    registry: Registry,
    /// Requests answered.
    pub requests: Family<RequestLabels, Counter>,
    /// How long they took.
    pub request_duration_seconds: Histogram,
    /// Spend events received.
    pub events: Family<EventLabels, Counter>,
    /// Version of the configuration that this replica last saw.
    pub config_version: Gauge,
    /// Open config streams.
    pub config_streams: Gauge,
    /// Open live lists.
    pub live_streams: Gauge,
    /// 1 while the database answers.
    pub database_up: Gauge,
    /// Connections in the pool.
    pub database_connections: Gauge,
    /// Failed log-ins.
    pub login_failures: Counter<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let metrics = Self {
            registry: Registry::with_prefix("deltallm_admin"),
            requests: Family::default(),
            request_duration_seconds: Histogram::new(buckets),
            events: Family::default(),
            config_version: Gauge::default(),
            config_streams: Gauge::default(),
            live_streams: Gauge::default(),
            database_up: Gauge::default(),
            database_connections: Gauge::default(),
            login_failures: Counter::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time to the head of the answer",
            Unit::Seconds,
            self.request_duration_seconds.clone(),
        );
        registry.register("spend_events", "Spend events received from proxies", self.events.clone());
        registry.register("config_version", "Version of the configuration last seen", self.config_version.clone());
        registry.register("config_streams", "Open config streams", self.config_streams.clone());
        registry.register("live_streams", "Open live request lists", self.live_streams.clone());
        registry.register("database_up", "Whether the database answers", self.database_up.clone());
        registry.register("database_connections", "Open connections", self.database_connections.clone());
        registry.register("login_failures", "Failed log-ins", self.login_failures.clone());
        self
    }

    /// The page that Prometheus reads.
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing into a String does not fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}
