//! What is known of one request: a typed field for each stage, empty until the stage has run.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use deltallm_dialects::openai::request_index::RequestIndex;
use deltallm_shared::{error::ErrorCode, event::Outcome, providers::StreamUsage, time_text::Timestamp};
use pingora::protocols::http::ServerSession;

use crate::{
    accounting::call_record::CallRecord,
    lifecycle::InFlight,
    net::replay_session::{self, Kept},
    routing::Plan,
    snapshot::{Deployment, Live},
    stages::{receive::Received, relay::Relay},
};

/// Lives from the first header byte to the last byte of the answer.
pub struct RequestContext {
    /// The monotonic start.
    pub started: Instant,
    /// The start by the calendar.
    pub started_at: Timestamp,
    /// The configuration that this request sees from beginning to end.
    pub live: Arc<Live>,
    /// receive: what the caller knows this request by; empty before.
    pub request_id: String,
    /// receive: what is asked for.
    pub received: Option<Received>,
    /// read_body: whether the client's body was read to its end.
    pub is_body_read: bool,
    /// read_body: the body as it came, and what stands in it.
    pub call: Option<Call>,
    /// route: whom to ask, in order.
    pub plan: Plan,
    /// route: the number of the current attempt.
    pub attempt: usize,
    /// send: how often an upstream was asked; a stale connection counts anew.
    pub attempts_made: u32,
    /// send: the body of the current attempt.
    pub upstream_body: Bytes,
    /// send: when the gateway's own work was done, in microseconds from the start.
    pub overhead_us: u64,
    /// relay: what happens to the answer's bytes.
    pub relay: Option<Relay>,
    /// relay: the real session, while it is wrapped.
    pub kept_session: Option<Kept>,
    /// account: settles the call when it is dropped, whatever happened.
    pub record: Option<CallRecord>,
    /// account: the error that the client was told.
    pub error: Option<ErrorCode>,
    /// Counts the request as under way. Fields are dropped in their order: last, so that a stop waits for the record.
    pub in_flight: InFlight,
}

/// A body that has been read.
pub struct Call {
    /// As it came.
    pub body: Bytes,
    /// What stands in it.
    pub index: RequestIndex,
}

impl Call {
    /// The body for a deployment: its name of the model, and usage asked for where it has to be.
    pub fn body_for(&self, deployment: &Deployment) -> Bytes {
        let ask_usage = deployment.provider.stream_usage == StreamUsage::Asked;
        self.index.rewrite(&self.body, &deployment.upstream_model, ask_usage)
    }
}

impl RequestContext {
    /// For a new request.
    pub fn new(in_flight: InFlight, live: Arc<Live>) -> Self {
        Self {
            started: Instant::now(),
            started_at: Timestamp::now(),
            live,
            request_id: String::new(),
            received: None,
            is_body_read: false,
            call: None,
            plan: Plan::default(),
            attempt: 0,
            attempts_made: 0,
            upstream_body: Bytes::new(),
            overhead_us: 0,
            relay: None,
            kept_session: None,
            record: None,
            error: None,
            in_flight,
        }
    }

    /// Goes on to the next deployment of the plan; stays where it is when there is none.
    pub fn next_attempt(&mut self) -> bool {
        let has_next = self.plan.attempt(self.attempt + 1).is_some();
        self.attempt += usize::from(has_next);
        has_next
    }

    /// The deployment of the current attempt.
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.plan.attempt(self.attempt)
    }

    /// The body is not replayed any more: Pingora gets the client's own session back.
    pub fn unwrap_session(&mut self, session: &mut ServerSession) {
        if let Some(kept) = self.kept_session.take() {
            replay_session::unwrap(session, &kept);
        }
    }

    /// Settles the call, if there is one and it is not settled yet.
    pub fn settle(&mut self, outcome: Outcome, status: u16, error: Option<ErrorCode>) {
        if let Some(record) = &mut self.record {
            record.settle(outcome, status, error);
        }
    }

    /// The name of the surface, for metrics.
    pub fn endpoint(&self) -> &'static str {
        self.received.as_ref().map_or("none", |received| received.endpoint.name)
    }
}
