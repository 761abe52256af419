//! What is known of one request: a typed field for each stage, empty until the stage has run.

use std::{sync::Arc, time::Instant};

use deltallm_dialects::canonical::FailureClass;
use deltallm_shared::{error::ErrorCode, event::Outcome, operation::Operation, time_text::Timestamp};
use pingora::protocols::http::ServerSession;

use crate::{
    accounting::call_record::CallRecord,
    call::Call,
    credentials::Credential,
    lifecycle::InFlight,
    net::replay_session::{self, Broken, Feed, Held, Kept},
    routing::Plan,
    snapshot::{Deployment, Live},
    stages::{
        receive::Received,
        relay::{Known, Naming, Refused, Relay},
        translate::{Attempt, translate},
    },
};

/// Credentials that one request tries at most: each try costs the client time.
const MAX_SIGN_INS: usize = 8;

/// Codes by which vendors say with another status that the key is wrong.
const CREDENTIAL_CODES: [&str; 2] = ["API_KEY_INVALID", "invalid_api_key"];

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
    /// route: which deployment of the plan is asked.
    pub turn: usize,
    /// send: how often an upstream was asked; a stale connection counts anew.
    pub attempts_made: u32,
    /// translate: what the current attempt asks.
    pub attempt: Option<Attempt>,
    /// send: what the current attempt signs in with.
    pub credential: Option<Arc<Credential>>,
    /// send: whether a refused token was replaced by a fresh one already.
    pub is_token_renewed: bool,
    /// send: when the gateway's own work was done, in microseconds from the start.
    pub overhead_us: u64,
    /// relay: what happens to the answer's bytes.
    pub relay: Option<Relay>,
    /// send: the body of the next attempt, where it is not in memory.
    pub feed: Feed,
    /// relay: why an answer broke off that the client has the beginning of.
    pub broken: Broken,
    /// relay: how names of things at the provider become ours.
    pub naming: Option<Naming>,
    /// route: whether one deployment alone can serve the call.
    pub is_pinned: bool,
    /// relay: how an answer of a provider's own interface is read.
    pub onward: Option<Known>,
    /// relay: whether the client has bytes of this attempt's answer, or will have.
    pub has_passed: bool,
    /// relay: whether the answer became an error, which is all that the client gets.
    pub is_over: bool,
    /// relay: the header that replaces the one which is held back.
    pub held: Held,
    /// relay: the real session, while it is wrapped.
    pub kept_session: Option<Kept>,
    /// account: settles the call when it is dropped, whatever happened.
    pub record: Option<CallRecord>,
    /// account: the error that the client was told.
    pub error: Option<ErrorCode>,
    /// Counts the request as under way. Fields are dropped in their order: last, so that a stop waits for the record.
    pub in_flight: InFlight,
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
            turn: 0,
            attempt: None,
            credential: None,
            is_token_renewed: false,
            attempts_made: 0,
            feed: Feed::default(),
            broken: Broken::default(),
            naming: None,
            is_pinned: false,
            onward: None,
            has_passed: false,
            is_over: false,
            held: Held::default(),
            overhead_us: 0,
            relay: None,
            kept_session: None,
            record: None,
            error: None,
            in_flight,
        }
    }

    /// Goes on to the next deployment of the plan that can do what is asked; stays where it is when there is none.
    pub fn next_deployment(&mut self) -> bool {
        let Some(call) = &self.call else { return false };
        // One deployment has the thing, the session or the path that is asked for.
        if self.is_pinned || self.onward.is_some() || self.upgrades() {
            return false;
        }
        let mut turn = self.turn + 1;
        while let Some(deployment) = self.plan.attempt(turn) {
            if let Ok(attempt) = translate(call, deployment) {
                if let Some(naming) = &mut self.naming {
                    naming.deployment = deployment.id;
                }
                (self.turn, self.attempt) = (turn, Some(attempt));
                return true;
            }
            turn += 1;
        }
        false
    }

    /// Whether the request asks for a WebSocket.
    pub fn upgrades(&self) -> bool {
        self.attempt.as_ref().and_then(|attempt| attempt.own_form.as_ref()).is_some_and(|own| own.upgrades)
    }

    /// After a refusal: whether the deployment's pool has a credential that may do better. The one that was refused is set aside,
    /// where the provider spoke of it.
    pub fn next_credential(&mut self, refused: &Refused) -> bool {
        let (Some(failure), Some(credential)) = (&refused.failure, &self.credential) else { return false };
        // Words alone do not condemn a credential: they may be the caller's own. And what a caller does with a provider's own
        // interface says nothing of it.
        let names_credential = failure.code.as_deref().is_some_and(|code| CREDENTIAL_CODES.contains(&code));
        let status = match (refused.status, failure.class) {
            (
                Some(status @ (401 | 402 | 403 | 429)),
                FailureClass::Auth | FailureClass::Quota | FailureClass::RateLimit,
            ) => status,
            (Some(_), FailureClass::Auth) if names_credential => 401,
            _ => return false,
        };
        if self.onward.is_some() {
            return false;
        }
        let Some(pool) = self.deployment().map(|deployment| deployment.credentials.clone()) else { return false };
        let now = Timestamp::now();
        let has_stale_token = status == 401 && credential.has_token() && !self.is_token_renewed;
        let concerns_it = pool.set_aside(credential, status, refused.retry_after, now);
        // A token that was refused may only be stale: once, the same credential is tried with a fresh one.
        if has_stale_token {
            self.is_token_renewed = true;
            return true;
        }
        let has_turn = usize::try_from(self.attempts_made).is_ok_and(|made| made < MAX_SIGN_INS.min(pool.len()));
        concerns_it && has_turn && pool.healthy(now) > 0
    }

    /// Settles a call whose answer became an error.
    pub fn settle_refused(&mut self, refused: &Refused) {
        self.error = Some(refused.error.code);
        let Some(record) = &mut self.record else { return };
        // What a vendor refused costs nothing; an answer that only we could not read was paid for.
        if refused.failure.is_some() {
            record.nothing_consumed();
        }
        record.settle(refused.outcome(), refused.error.status(), Some(refused.error.code));
    }

    /// What is asked of a model, where something is.
    pub fn operation(&self) -> Option<Operation> {
        self.received.as_ref().and_then(|received| received.endpoint.operation())
    }

    /// The deployment of the current attempt.
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.plan.attempt(self.turn)
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
