//! THE way of a request.
//!
//! Pingora calls these hooks in this order; each names the stages it runs and why they stand there. The stages are pure or
//! nearly so and live in `stages/`; only this file writes to the wire and decides what comes next.
//!
//! | hook | stages |
//! |---|---|
//! | `early_request_filter` | the header has arrived: stop its deadline |
//! | `request_filter` | receive, authenticate, read_body, authorize, route, translate, open the record |
//! | `upstream_peer` | the address of the attempt |
//! | `upstream_request_filter`, `request_body_filter` | send |
//! | `response_filter`, `response_body_filter` | relay |
//! | `fail_to_connect`, `error_while_proxy` | next attempt, or not |
//! | `fail_to_proxy` | the error for the client |
//! | `logging` | account |
//!
//! Calls whose bodies are forms, things that live at a provider, a provider's own interface and WebSockets have their steps
//! before the upstream in `gateway/`; from there on they go the same way. What a hook does in more than a few lines stands there too.

mod attempts;
mod bare_answer;
mod client_side;
mod conclusion;
mod form_calls;
mod hedged;
mod objects;
mod onward;
mod preparation;
mod realtime;
mod stop;

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use deltallm_shared::{config::ClientTimeouts, crypto::OwnerSeal, event::Outcome, time_text::Timestamp};
use http::StatusCode;
use pingora::{
    Error, ErrorType, Result,
    http::{RequestHeader, ResponseHeader},
    modules::http::HttpModules,
    proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session},
    upstreams::peer::HttpPeer,
};

use self::{
    attempts::{answered, note_header, wait_for_turn},
    client_side::nothing_received,
    conclusion::begun,
    preparation::{check_fallbacks, facts_of},
    stop::{Flow, Stop},
};
use crate::{
    accounting::{Accounts, call_record::CallRecord},
    answers,
    call::Call,
    context::RequestContext,
    credentials::TokenClient,
    endpoints::{Streams, Surface},
    lifecycle::Lifecycle,
    mirror::Mirrors,
    net::{exchange::Exchanges, header_deadline::header_is_complete, peer::Peers},
    providers::Words,
    queueing::Queueing,
    routing::{HealthNews, Overrides, Route},
    snapshot::Live,
    stages::{
        account,
        assume::assume,
        authenticate::{self, Credentials},
        authorize, count,
        read_upload::Uploads,
        receive,
        relay::{Passed, RealtimeRelay, Relay},
        send,
    },
};

pub(crate) use self::attempts::silence_of;

/// The client left before any status was written; nginx's number for it.
const CLIENT_CLOSED: u16 = 499;
/// Pingora's error for an answer that is given up for another attempt.
const ANOTHER_ATTEMPT: ErrorType = ErrorType::Custom("another attempt is made");

/// Everything a request needs, made once by `boot.rs`.
pub struct Gateway {
    /// Models, keys, teams.
    pub live: Arc<Live>,
    /// What keys are compared with.
    pub credentials: Credentials,
    /// Where calls are recorded.
    pub accounts: Accounts,
    /// Starting, serving, stopping.
    pub lifecycle: Arc<Lifecycle>,
    /// Addresses of deployments.
    pub peers: Arc<Peers>,
    /// Asks deployments beside Pingora's loop.
    pub exchanges: Arc<Exchanges>,
    /// Copies requests for shadows.
    pub mirrors: Mirrors,
    /// Tokens of credentials that have them.
    pub tokens: TokenClient,
    /// Time limits for slow clients.
    pub client: ClientTimeouts,
    /// Bodies beyond it are refused.
    pub max_request_body_bytes: u64,
    /// Who waits for room in a group.
    pub queueing: Arc<Queueing>,
    /// Hears of changes of deployments' health.
    pub health_news: Arc<dyn HealthNews>,
    /// Where bodies are kept that are too large for memory.
    pub uploads: Uploads,
    /// Says whose the things at providers are.
    pub owner_seal: OwnerSeal,
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = RequestContext;

    fn new_ctx(&self) -> RequestContext {
        RequestContext::new(self.lifecycle.enter(), Arc::clone(&self.live))
    }

    /// No module of Pingora's is used: compressing a stream would hold its events back.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    /// First of all: the client has kept the deadline for its header, and the clock of the request starts.
    async fn early_request_filter(&self, session: &mut Session, context: &mut RequestContext) -> Result<()> {
        header_is_complete();
        context.started = std::time::Instant::now();
        context.started_at = Timestamp::now();
        if session.get_keepalive().is_some() {
            session.set_keepalive(Some(self.client.keepalive.as_secs()));
        }
        session.set_write_timeout(Some(self.client.stall));
        Ok(())
    }

    /// Everything that can refuse a request, before anything is sent anywhere.
    async fn request_filter(&self, session: &mut Session, context: &mut RequestContext) -> Result<bool> {
        match self.prepare(session, context).await {
            Ok(Flow::ToUpstream) => Ok(false),
            Ok(Flow::Answered) => Ok(true),
            Err(Stop::Refused(error)) => {
                self.refuse(session, context, &error).await?;
                Ok(true)
            }
            Err(Stop::Broken(error)) => Err(error),
        }
    }

    /// The address of the attempt's deployment. Runs again for each attempt.
    async fn upstream_peer(&self, session: &mut Session, context: &mut RequestContext) -> Result<Box<HttpPeer>> {
        wait_for_turn(session, context).await?;
        self.reach(context).await
    }

    /// send: a request built from nothing, so that nothing of the client's leaks to a provider.
    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        context: &mut RequestContext,
    ) -> Result<()> {
        let (Some(deployment), Some(attempt)) = (context.deployment().cloned(), &context.attempt) else {
            return Error::e_explain(ErrorType::InternalError, "no deployment for the request");
        };
        let upload = attempt.own_form.as_ref().and_then(|own| own.upload.as_ref());
        let has_upload = upload.is_some();
        if let Some(upload) = upload {
            context.feed.set(upload.reader());
        }
        *request =
            send::upstream_request(&session.req_header().headers, &deployment, attempt, context.credential.as_deref())?;
        context.attempts_made += 1;
        context.relay = None;
        context.preamble.clear();
        context.clock.begin(silence_of(context, &deployment), !has_upload);
        if let Some(record) = &mut context.record {
            record.served_by(&deployment);
            record.upstream_called();
            record.event_mut().attempts = context.attempts_made;
            record.event_mut().overhead_us = context.overhead_us;
        }
        Ok(())
    }

    /// send: the attempt's body in place of the wrapper's stand-in.
    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        is_end: bool,
        context: &mut RequestContext,
    ) -> Result<()> {
        let Some(attempt) = &context.attempt else { return Ok(()) };
        // What is not in memory comes piece by piece from the wrapper, and a WebSocket's bytes from the client.
        if !attempt.own_form.as_ref().is_some_and(|own| own.upload.is_some() || own.upgrades) {
            *body = is_end.then(|| attempt.body.clone());
        }
        Ok(())
    }

    /// relay: what the answer is, and the header that the client gets. Nothing of the upstream's header passes unnamed.
    async fn response_filter(
        &self,
        session: &mut Session,
        header: &mut ResponseHeader,
        context: &mut RequestContext,
    ) -> Result<()> {
        if header.status == StatusCode::SWITCHING_PROTOCOLS {
            *header = answers::upgraded_header(header, context)?;
            context.relay = Some(Relay::Realtime(RealtimeRelay::default()));
            return Ok(());
        }
        if header.status.is_informational() {
            return Ok(());
        }
        (context.has_passed, context.is_over) = (false, false);
        context.clock.heard();
        note_header(header, context);
        let relay = Relay::of(header, context);
        if bare_answer::is_bare(session, header) {
            return self.answer_bare(session, header, relay, context);
        }
        self.count_attempt(if header.status.as_u16() < 400 { "answered" } else { "error_status" });
        let is_http_10 = session.req_header().version == http::Version::HTTP_10;
        // Of an error this header never goes out: what the client gets is known at the end of its body.
        let status = header.status.as_u16();
        *header = answers::relayed_header(header, status, relay.rewrites(), relay.media_type(), is_http_10, context)?;
        context.relay = Some(relay);
        Ok(())
    }

    /// relay: bytes through, usage out, errors replaced. At the end the call is settled, before its last bytes go out.
    fn response_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        is_end: bool,
        context: &mut RequestContext,
    ) -> Result<Option<Duration>> {
        let (Some(relay), Some(record)) = (&mut context.relay, &mut context.record) else { return Ok(None) };
        let piece = body.take().unwrap_or_default();
        context.clock.heard();
        // What follows an error that was told is not for the client.
        if context.is_over {
            return Ok(None);
        }
        // Pingora filters several pieces before it writes: what was passed counts, not what is written.
        let is_begun = context.has_passed || begun(session).is_some();
        let passed = relay
            .pass(piece, is_end, is_begun, record)
            .map_err(|error| Error::explain(ErrorType::InvalidHTTPHeader, error.to_string()).into_up())?;
        let has_content = is_begun || is_end || relay.has_content();
        *body = Some(match passed {
            Passed::Bytes(bytes) => {
                answered(context, has_content, is_end);
                let bytes = context.let_through(bytes, has_content);
                context.has_passed |= !bytes.is_empty();
                bytes
            }
            // Nothing was said to the client yet: another credential, or another deployment.
            Passed::Refused(refused) if !is_begun && self.is_asked_otherwise(context, &refused) => {
                return Error::e_explain(ANOTHER_ATTEMPT, refused.error.message);
            }
            Passed::Refused(refused) => {
                context.is_over = true;
                context.settle_refused(&refused);
                context.held.replace(answers::error_header(context, refused.error.code, refused.body.len())?);
                refused.body
            }
        });
        Ok(None)
    }

    /// The attempt never reached its upstream: the next one, if there is one.
    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut RequestContext,
        mut error: Box<Error>,
    ) -> Box<Error> {
        context.made_in_vain();
        error.set_retry(self.is_made_again_after(context, &error));
        error
    }

    /// The exchange broke. A pooled connection that the upstream had closed meanwhile deserves the same deployment again; else the
    /// next one has its turn, as long as the client has nothing of the answer.
    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        context: &mut RequestContext,
        is_reused: bool,
    ) -> Box<Error> {
        let mut error = error;
        let is_made_again = self.is_made_again(session, &mut error, context, is_reused);
        error.set_retry(is_made_again);
        error
    }

    /// The end of a request that failed: an error where no status was written, a last event in a stream, else a cut connection.
    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, context: &mut RequestContext) -> FailToProxy {
        // Pingora closes the connection of an exchange that failed.
        self.conclude(session, error, context, false).await
    }

    /// account: last, and once per request. Money does not depend on it: the record settles itself when the context is dropped.
    async fn logging(&self, session: &mut Session, error: Option<&Error>, context: &mut RequestContext) {
        context.unwrap_session(session.as_downstream_mut());
        if let Some(error) = context.broken.take() {
            self.conclude_broken(session, &error, context).await;
        }
        // A WebSocket that the client closed has no last bytes of an answer.
        if error.is_none() && matches!(context.relay, Some(Relay::Realtime(_))) {
            context.settle(Outcome::Completed, StatusCode::SWITCHING_PROTOCOLS.as_u16(), None);
        }
        let status = begun(session).unwrap_or(CLIENT_CLOSED);
        account::account(context, &self.accounts.metrics, status);
    }

    /// Attempts are logged with the request's id; Pingora's own line holds path and query, where clients put keys.
    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _context: &RequestContext,
        _error: &Error,
        _about: ProxyWarnLogContext,
    ) -> bool {
        true
    }

    /// `fail_to_proxy` logs with the request's id; Pingora's own line would say it twice.
    fn suppress_error_log(&self, _session: &Session, _context: &RequestContext, _error: &Error) -> bool {
        true
    }
}

impl Gateway {
    /// The stages before the upstream, in order.
    async fn prepare(&self, session: &mut Session, context: &mut RequestContext) -> Result<Flow, Stop> {
        // receive: before everything, because nothing else may see an ambiguous request.
        let head = session.req_header();
        context.request_id = receive::request_id(&head.headers);
        let received = receive::receive(head)?;
        let (endpoint, path_model) = (received.endpoint, received.path_model.clone());
        let wants_events = receive::query_value(head, "alt").is_some_and(|alt| alt == "sse");
        let is_form = received.media_type.starts_with("multipart/");
        context.received = Some(received);

        // Probes are answered without a key and while stopping; nothing else is taken any more then.
        if let Some(answer) = answers::probe(endpoint.surface, &self.lifecycle) {
            answers::write_json(session, context, answer.status, answer.body).await?;
            return Ok(Flow::Answered);
        }
        self.lifecycle.check_open()?;

        // authenticate: before the body is read, so that a stranger costs nothing.
        let head = session.req_header();
        let headers = match endpoint.surface {
            Surface::Realtime => Cow::Owned(realtime::with_key_of_protocol(head)),
            _ => Cow::Borrowed(&head.headers),
        };
        let principal = authenticate::authenticate(&headers, &context.live, &self.credentials, context.started_at)?;

        let snapshot = context.live.snapshot.load_full();
        if matches!(endpoint.surface, Surface::Models | Surface::Model1) {
            let name = path_model.unwrap_or_default();
            let body = answers::models(endpoint.surface, &name, &principal, &snapshot)?;
            answers::write_json(session, context, 200, body).await?;
            return Ok(Flow::Answered);
        }

        // From here on the call has an owner and gets a record, also when it is refused.
        let mut record = CallRecord::begin(self.accounts.clone(), context.request_id.clone(), context.started_at);
        record.asked_by(&principal, endpoint.name);
        context.record = Some(record);

        // read_body: routing needs the model's name, which stands in it.
        let mut call = match endpoint.surface {
            Surface::Object { operation, action } => {
                return self.object(session, context, &principal, (operation, action)).await;
            }
            Surface::Onward => return self.onward(session, context, &principal).await,
            Surface::Realtime => return self.realtime(session, context, &principal),
            Surface::Upload { operation, .. } if is_form => {
                let upload = self.read_form(session, context).await?;
                Call::with_form(operation, upload, path_model)?
            }
            Surface::Upload { operation, json } => {
                let body = self.read_json(session, context).await?;
                let call = Call::of_json(operation, body, json.unwrap_or_default(), path_model)?;
                call.streaming(Streams::Asked, wants_events)?
            }
            Surface::Model { operation, required, streams } => {
                let body = self.read_json(session, context).await?;
                Call::of_json(operation, body, required, path_model)?.streaming(streams, wants_events)?
            }
            Surface::Models | Surface::Model1 | Surface::Liveness | Surface::Readiness => return Ok(Flow::Answered),
        };
        context.overrides = Overrides::read(&session.req_header().headers, call.take_routing_fields()?)?;
        let assumed = assume(&call).await;
        if let Some(record) = &mut context.record {
            record.asked_for(&call.index, call.streams);
            if let Some((usage, source)) = assumed {
                record.assume(usage, source);
            }
        }

        // authorize: as soon as the model is known. And names of things at a provider have to be the caller's.
        let group = authorize::authorize(&principal, &snapshot, &call.index.model)?;
        context.call = Some(call);
        let pinned = self.open_names(context, &principal, &snapshot, group)?;
        let (Some(call), Some(record)) = (&context.call, &mut context.record) else {
            return Err(Stop::Refused(nothing_received()));
        };

        // Limits and budgets (admit), input guardrails (guard_input) and the cache (lookup_cache) have their place here, in
        // this order: what is refused for money must not be looked at by a paid guardrail, and what a guardrail refuses must
        // not come from the cache.

        // route: whom to ask first. translate: how, before the record is opened, so that what a vendor cannot do is refused and
        // costs nothing.
        check_fallbacks(&context.overrides, &principal, &snapshot)?;
        let overrides = std::mem::take(&mut context.overrides);
        context.deadline = context.started + overrides.time_limit(&group.routing.timers);
        let facts = facts_of(call, &overrides, record, group);
        let mut route = Route::set_out(Arc::clone(group), pinned, overrides, facts.clone());
        let (log, until) = (&mut record.route, context.deadline.into());
        let first = self.first_attempt(session, &mut route, log, call, (&principal, &snapshot), until);
        let (next, turn) = first.await?;
        let (deployment, attempt) = (&next.deployment, next.how);
        (context.route, context.turn) = (Some(route), turn);

        // count: what the vendor has no interface for is answered here, and costs nothing.
        if attempt.words == Words::Counted {
            let body = count::count(call).await?;
            record.settle(Outcome::Completed, 200, None);
            answers::write_json(session, context, 200, body.into()).await?;
            return Ok(Flow::Answered);
        }

        // open: on file before anything can cost money.
        record.open(deployment, call.body.slice(call.index.prompt.clone()))?;
        if let Some(naming) = &mut context.naming {
            naming.deployment = deployment.id;
        }
        context.attempt = Some(attempt);

        // mirror: a copy for a shadow, which nobody waits for.
        self.mirrors.copy(context, &facts, &session.req_header().headers);

        self.hand_over(session, context, false);
        // hedge: two deployments at a time, which Pingora's loop cannot.
        match hedged::delay_of(context) {
            Some(delay) => Box::pin(self.hedged(session, context, delay)).await,
            None => Ok(Flow::ToUpstream),
        }
    }
}
