//! Last stage: the metrics of a request. Its record settles itself, see [`crate::accounting::call_record`].

use crate::{
    context::RequestContext,
    telemetry::metrics::{EndpointLabel, Metrics, RequestLabels},
};

/// Runs the stage, once per request, whatever happened to it. `status`: what the client was given; 499 if it left before.
pub fn account(context: &RequestContext, metrics: &Metrics, status: u16) {
    let deployment = context.deployment();
    let labels = RequestLabels {
        endpoint: context.endpoint(),
        // Only configured names: a caller must not be able to make series.
        model: deployment.map(|deployment| deployment.model_name.clone()).unwrap_or_default(),
        provider: deployment.map_or("", |deployment| deployment.provider.id),
        status,
    };
    metrics.requests.get_or_create(&labels).inc();
    let endpoint = EndpointLabel { endpoint: context.endpoint() };
    metrics.request_duration.get_or_create(&endpoint).observe(context.started.elapsed().as_secs_f64());
    if context.overhead_us > 0 {
        let overhead = std::time::Duration::from_micros(context.overhead_us).as_secs_f64();
        metrics.gateway_overhead.get_or_create(&endpoint).observe(overhead);
    }
    if let Some(first_byte_us) = context.record.as_ref().and_then(|record| record.first_byte_us()) {
        let first_byte = std::time::Duration::from_micros(first_byte_us).as_secs_f64();
        metrics.time_to_first_token.get_or_create(&endpoint).observe(first_byte);
    }
}
