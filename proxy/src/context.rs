//! What is known of one request: a typed field for each stage, empty until the stage has run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use deltallm_dialects::canonical::FailureClass;
use deltallm_shared::{
    error::ErrorCode,
    event::Outcome,
    operation::Operation,
    routing::{EffectiveRouting, Fault},
    time_text::Timestamp,
};
use http::Method;
use pingora::protocols::http::ServerSession;

use crate::{
    accounting::call_record::CallRecord,
    call::Call,
    credentials::Credential,
    lifecycle::InFlight,
    net::{
        attempt_clock::AttemptClock,
        replay_session::{self, Broken, Feed, Held, Kept},
    },
    queueing::Turn,
    routing::{AttemptInFlight, Overrides, Route},
    snapshot::{Deployment, Live},
    stages::{
        receive::Received,
        relay::{Known, Naming, Refused, Relay},
        translate::{Attempt, translate_to_send},
    },
};

/// Credentials that one request tries at most: each try costs the client time.
const MAX_SIGN_INS: usize = 8;

/// What is held back of an answer at most: a provider that only says that it still lives must not fill the memory.
const MAX_PREAMBLE_BYTES: usize = 2 << 20;

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
    /// route: whom to ask, and whom next.
    pub route: Option<Route>,
    /// route: what the caller wants of it.
    pub overrides: Overrides,
    /// route: the turn that it waited for, until its attempt has begun.
    pub turn: Option<Turn>,
    /// route: the attempt under way, for the deployment's statistics.
    pub in_flight_attempt: Option<AttemptInFlight>,
    /// send: whether the attempt met a pooled connection that its upstream had closed.
    pub has_been_stale: bool,
    /// route: how long to wait before the next attempt.
    pub wait: Duration,
    /// send: how long the attempt under way may be silent.
    pub clock: AttemptClock,
    /// route: when the request has used its time.
    pub deadline: Instant,
    /// send: how often an upstream was asked; a stale connection counts anew.
    pub attempts_made: u32,
    /// translate: what the current attempt asks.
    pub attempt: Option<Attempt>,
    /// send: what the current attempt signs in with.
    pub credential: Option<Arc<Credential>>,
    /// send: how often the attempt signed in in vain.
    pub sign_ins: usize,
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
    /// route: whether one deployment alone has what the call is about.
    pub is_pinned: bool,
    /// relay: the beginning of an answer, until something of the answer itself is in it.
    pub preamble: Vec<Bytes>,
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
            route: None,
            overrides: Overrides::default(),
            turn: None,
            in_flight_attempt: None,
            has_been_stale: false,
            wait: Duration::ZERO,
            clock: AttemptClock::default(),
            deadline: Instant::now() + EffectiveRouting::TOTAL,
            preamble: Vec::new(),
            attempt: None,
            credential: None,
            sign_ins: 0,
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

    /// After an attempt failed: whether another one is made. The deployment hears of the fault in any case.
    pub fn next_attempt(&mut self, fault: Fault, retry_after: Option<Duration>) -> bool {
        self.end_attempt(fault, retry_after);
        let time_left = self.deadline.saturating_duration_since(Instant::now());
        let (Some(route), Some(call), Some(record)) = (&mut self.route, &self.call, &mut self.record) else {
            return false;
        };
        let snapshot = self.live.snapshot.load_full();
        let next = route.after((fault, retry_after), time_left, &snapshot, &mut record.route, |deployment| {
            translate_to_send(call, deployment)
        });
        let Some(next) = next else { return false };
        // What the provider had begun to answer is billed; a refusal is not.
        let has_answered = matches!(&self.relay, Some(relay) if !matches!(relay, Relay::Refusal(_)));
        record.give_up_attempt(has_answered);
        if let Some(naming) = &mut self.naming {
            naming.deployment = next.deployment.id;
        }
        (self.attempt, self.wait) = (Some(next.how), next.wait);
        true
    }

    /// Counts an attempt that never came to a request: no address, no credential, no connection.
    pub fn made_in_vain(&mut self) {
        self.attempts_made += 1;
        if let Some(record) = &mut self.record {
            record.event_mut().attempts = self.attempts_made;
        }
    }

    /// Tells the deployment and the record how an attempt failed.
    pub fn end_attempt(&mut self, fault: Fault, retry_after: Option<Duration>) {
        if let Some(attempt) = self.in_flight_attempt.take() {
            attempt.failed(fault, retry_after);
        }
        if let Some(record) = &mut self.record {
            record.route.failed(fault);
        }
    }

    /// Bytes of the answer for the client, or the wish to wait for more: the beginning is held back until something of the answer
    /// itself is in it.
    pub fn let_through(&mut self, bytes: Bytes, has_content: bool) -> Bytes {
        let held: usize = self.preamble.iter().map(Bytes::len).sum();
        if !has_content && held + bytes.len() <= MAX_PREAMBLE_BYTES {
            if !bytes.is_empty() {
                self.preamble.push(bytes);
            }
            return Bytes::new();
        }
        if self.preamble.is_empty() {
            return bytes;
        }
        self.preamble.push(bytes);
        self.preamble
            .drain(..)
            .fold(BytesMut::new(), |mut whole, piece| {
                whole.extend_from_slice(&piece);
                whole
            })
            .freeze()
    }

    /// Whether the request may change something where it goes.
    pub fn writes(&self) -> bool {
        let own = self.attempt.as_ref().and_then(|attempt| attempt.own_form.as_ref());
        own.is_none_or(|own| !matches!(own.method, Method::GET | Method::HEAD))
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
        self.sign_ins += 1;
        let has_turn = self.sign_ins < MAX_SIGN_INS.min(pool.len());
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
        self.route.as_ref().and_then(Route::deployment)
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
