//! The operator's port: metrics, probes, what is under way. Loopback by default, never the public port.

use std::sync::Arc;

use async_trait::async_trait;
use deltallm_shared::time_text::Timestamp;
use http::{Response, StatusCode, header};
use pingora::{apps::http_app::ServeHttp, protocols::http::ServerSession};
use serde_json::json;

use crate::{accounting::Accounts, answers, endpoints::Surface, health::report, lifecycle::Lifecycle, snapshot::Live};

/// Serves the port.
pub struct Ops {
    /// What is recorded.
    pub accounts: Accounts,
    /// Starting, serving, stopping.
    pub lifecycle: Arc<Lifecycle>,
    /// What is served.
    pub live: Arc<Live>,
}

#[async_trait]
impl ServeHttp for Ops {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let surface = match session.req_header().uri.path() {
            "/metrics" => return self.metrics(),
            "/debug/state" => return self.state(),
            "/debug/deployments" => return self.deployments(),
            "/health/liveness" | "/health/liveliness" => Surface::Liveness,
            "/health/readiness" => Surface::Readiness,
            _ => return respond(404, "application/json", br#"{"error":{"code":"not_found"}}"#.to_vec()),
        };
        match answers::probe(surface, &self.lifecycle) {
            Some(answer) => respond(answer.status, "application/json", answer.body.to_vec()),
            None => respond(404, "application/json", Vec::new()),
        }
    }
}

impl Ops {
    fn metrics(&self) -> Response<Vec<u8>> {
        let (metrics, journal) = (&self.accounts.metrics, &self.accounts.journal);
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        metrics.in_flight.set(gauge(self.lifecycle.in_flight() as u64));
        metrics.journal_records.set(gauge(journal.undelivered()));
        metrics.journal_bytes.set(gauge(journal.size_bytes()));
        metrics.journal_lost.set(gauge(journal.lost()));
        if let Some(heard) = self.lifecycle.last_heard() {
            metrics.config_age_seconds.set(gauge(Timestamp::now().since(heard).as_secs()));
        }
        report::measure(&self.live.snapshot.load(), metrics);
        match metrics.print() {
            Ok(text) => respond(200, "application/openmetrics-text; version=1.0.0; charset=utf-8", text.into_bytes()),
            Err(_) => respond(500, "text/plain", Vec::new()),
        }
    }

    fn deployments(&self) -> Response<Vec<u8>> {
        let snapshot = self.live.snapshot.load();
        match serde_json::to_vec(&json!({ "data": report::deployments(&snapshot) })) {
            Ok(body) => respond(200, "application/json", body),
            Err(_) => respond(500, "text/plain", Vec::new()),
        }
    }

    fn state(&self) -> Response<Vec<u8>> {
        let state = json!({
            "ready": self.lifecycle.is_ready(),
            "stopping": self.lifecycle.is_draining(),
            "in_flight": self.lifecycle.in_flight(),
            "open_calls": self.accounts.journal.open_calls(),
            "undelivered": self.accounts.journal.undelivered(),
        });
        respond(200, "application/json", state.to_string().into_bytes())
    }
}

fn respond(status: u16, content_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}
