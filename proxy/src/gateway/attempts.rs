//! The attempts of a request: when and whom to connect to, how to sign in, and what a broken one means.
//!
//! Pingora's loop makes them; whether there is a next one and to whom is [`crate::routing::Route`]'s word.

use std::time::{Duration, Instant};

use bytes::Bytes;
use deltallm_shared::{event::Outcome, ids::EventId, routing::Fault};
use pingora::{Error, ErrorSource, ErrorType, Result, http::ResponseHeader, proxy::Session, upstreams::peer::HttpPeer};

use super::{ANOTHER_ATTEMPT, Gateway, bare_answer::EMPTY_ANSWER, conclusion::begun, realtime};
use crate::{
    context::RequestContext,
    credentials::{CredentialError, sign_in},
    net::{
        attempt_clock::Silence,
        peer::{PeerError, Way},
    },
    routing::{self, AttemptInFlight, Route},
    snapshot::Deployment,
    stages::relay::Refused,
    telemetry::metrics::{OutcomeLabel, ReasonLabel},
};

/// How long a provider may think, where nobody says.
const USUAL_SILENCE: Duration = Duration::from_mins(10);
/// How long a stream may be silent, where nobody says.
const USUAL_STREAM_SILENCE: Duration = Duration::from_mins(2);
/// Our own timers come first; Pingora's is for what they do not see.
const BEHIND_OUR_TIMERS: Duration = Duration::from_secs(10);

/// Why a deployment cannot be asked at all.
#[derive(Debug, thiserror::Error)]
enum Unreachable {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error("the request has used its time")]
    OutOfTime,
}

impl Unreachable {
    fn fault(&self) -> Fault {
        match self {
            Self::Peer(PeerError::Dns(_)) => Fault::Dns,
            Self::Peer(_) | Self::Credential(_) => Fault::Unusable,
            Self::OutOfTime => Fault::Connect,
        }
    }
}

impl Gateway {
    /// The address of the deployment whose turn it is, or of the next one that can be reached.
    pub(super) async fn reach(&self, context: &mut RequestContext) -> Result<Box<HttpPeer>> {
        if context.overhead_us == 0 {
            context.overhead_us = u64::try_from(context.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        }
        while let Some(deployment) = context.deployment().cloned() {
            self.begin_attempt(context, &deployment);
            let silence = match silence_of(context, &deployment) {
                Some(silence) => silence.first_byte.max(silence.chunk) + BEHIND_OUR_TIMERS,
                None => realtime::SESSION_LIMIT,
            };
            let error = match self.connectable(&deployment, silence, context).await {
                Ok(peer) => return Ok(peer),
                Err(error) => error,
            };
            self.count_attempt("failed");
            context.made_in_vain();
            tracing::error!(request_id = context.request_id, deployment_id = %deployment.id, %error, "the deployment cannot be asked");
            if !context.next_attempt(error.fault(), None) {
                let etype = match error {
                    Unreachable::OutOfTime => ErrorType::ConnectTimedout,
                    _ => ErrorType::ConnectError,
                };
                return Err(Error::explain(etype, error.to_string()).into_up());
            }
        }
        Error::e_explain(ErrorType::InternalError, "no deployment is left")
    }

    /// From here on the deployment knows of the attempt, until its guard is dropped.
    pub(super) fn begin_attempt(&self, context: &mut RequestContext, deployment: &std::sync::Arc<Deployment>) {
        // Another credential, or a fresh connection, is the same attempt for the deployment's statistics.
        if context.in_flight_attempt.is_some() {
            return;
        }
        (context.has_been_stale, context.is_token_renewed, context.sign_ins) = (false, false, 0);
        let Some(route) = &mut context.route else { return };
        if let Some(kind) = route.take_new_fallback() {
            self.accounts.metrics.fallbacks.get_or_create(&ReasonLabel { reason: kind.name() }).inc();
        }
        let news = std::sync::Arc::clone(&self.health_news);
        context.in_flight_attempt = Some(AttemptInFlight::begin(route.group(), deployment, route.tokens(), news));
        context.turn = None;
        if let Some(record) = &mut context.record {
            record.route.began(deployment.id, &route.group().name, std::mem::take(&mut context.wait));
        }
    }

    async fn connectable(
        &self,
        deployment: &Deployment,
        silence: Duration,
        context: &mut RequestContext,
    ) -> Result<Box<HttpPeer>, Unreachable> {
        let time_left = context.deadline.saturating_duration_since(Instant::now());
        let route = context.route.as_ref();
        // What must not happen twice is not sent over a connection that may be closed already.
        let is_once = route.is_some_and(Route::is_once) && !context.upgrades() && context.writes();
        let way = Way {
            silence,
            connect: route.map(|route| route.group().routing.timers.connect.min(time_left)),
            tried_before: route.map_or(0, |route| route.tried_before(deployment.id)),
            fresh: (is_once || context.has_been_stale).then(|| EventId::new().random_bits()),
        };
        // Pingora's own limits begin when it connects.
        let reached = async {
            let peer = self.peers.of(deployment, &way).await?;
            self.sign_in(deployment, context).await?;
            Ok(peer)
        };
        tokio::time::timeout(time_left, reached).await.unwrap_or(Err(Unreachable::OutOfTime))
    }

    /// Whether an exchange that broke is made again: with the next credential, over a fresh connection where the upstream had closed
    /// a pooled one meanwhile, or with the next deployment. Not once the client has something of the answer.
    pub(super) fn is_made_again(
        &self,
        session: &Session,
        error: &mut Error,
        context: &mut RequestContext,
        is_reused: bool,
    ) -> bool {
        // Everything was decided, and counted, where the answer was read.
        if *error.etype() == ANOTHER_ATTEMPT {
            return true;
        }
        // So was it for a refusal without a body: what it leads to is known by its status.
        if *error.etype() == EMPTY_ANSWER && context.relay.is_some() {
            self.note_attempt(context, error);
            return false;
        }
        if begun(session).is_some() || context.has_passed {
            self.note_attempt(context, error);
            if let Some(fault) = routing::of_error(error) {
                context.end_attempt(fault, None);
            }
            return false;
        }
        // Once for an attempt, and then over a connection that cannot be stale: a provider that resets them all is a fault.
        // Pingora marks what may be tried again on a fresh connection only; the mark must be decided before it is read.
        error.retry.decide_reuse(is_reused);
        let is_stale = is_reused
            && !context.has_been_stale
            && error.esource() == &ErrorSource::Upstream
            && error.retry()
            && matches!(error.etype(), ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError);
        if is_stale {
            context.has_been_stale = true;
            self.note_attempt(context, error);
            return true;
        }
        self.is_made_again_after(context, error)
    }

    /// Whether another attempt follows one of which the client has nothing.
    pub(super) fn is_made_again_after(&self, context: &mut RequestContext, error: &Error) -> bool {
        self.note_attempt(context, error);
        routing::of_error(error).is_some_and(|fault| context.next_attempt(fault, None))
    }

    /// Whether an answer that became an error is asked for otherwise: with the next credential of the pool, or at another
    /// deployment.
    pub(super) fn is_asked_otherwise(&self, context: &mut RequestContext, refused: &Refused) -> bool {
        if context.next_credential(refused) {
            return true;
        }
        let fault = routing::of_refusal(refused);
        self.alert(context, fault);
        // What a vendor refused costs nothing; an answer that only we could not read was paid for.
        if let Some(record) = context.record.as_mut().filter(|_| refused.failure.is_some()) {
            record.nothing_consumed();
        }
        context.next_attempt(fault, refused.retry_after)
    }

    /// Tells the operator of what only an operator can mend.
    pub(super) fn alert(&self, context: &RequestContext, fault: Fault) {
        if deltallm_routing::retry::consequence(fault).alerts {
            let deployment_id = context.deployment().map(|deployment| deployment.id.to_string()).unwrap_or_default();
            tracing::error!(
                request_id = context.request_id,
                deployment_id,
                fault = fault.name(),
                "a deployment needs its operator: its credential, its model's name or its account is refused"
            );
            self.accounts.metrics.deployment_alerts.get_or_create(&ReasonLabel { reason: fault.name() }).inc();
        }
    }

    /// A credential of the deployment's pool, with the token that it needs.
    async fn sign_in(&self, deployment: &Deployment, context: &mut RequestContext) -> Result<(), CredentialError> {
        let seed = context.record.as_ref().map_or(0, |record| record.event().event_id.random_bits());
        context.credential = None;
        context.credential = sign_in(deployment, &self.tokens, seed).await?;
        Ok(())
    }

    pub(super) fn count_attempt(&self, outcome: &'static str) {
        self.accounts.metrics.upstream_attempts.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(super) fn note_attempt(&self, context: &mut RequestContext, error: &Error) {
        self.count_attempt(if error.esource() == &ErrorSource::Downstream { "client_closed" } else { "failed" });
        tracing::debug!(request_id = context.request_id, attempt = context.attempts_made, cause = %error, "an attempt failed");
    }
}

/// Waits before a deployment is asked again. A client that leaves meanwhile, a stop and the end of the request's time end the wait.
pub(super) async fn wait_for_turn(session: &mut Session, context: &mut RequestContext) -> Result<()> {
    if context.wait.is_zero() {
        return Ok(());
    }
    let wait = tokio::time::sleep(context.wait);
    // Of a body that is not in memory this would read; nothing else of such a request is waited for.
    if context.call.as_ref().is_none_or(|call| call.upload.is_some()) {
        wait.await;
        return Ok(());
    }
    context.clock.begin(None, true);
    tokio::select! {
        () = wait => Ok(()),
        event = session.as_downstream_mut().read_body_or_idle(true) => Err(over(event)),
    }
}

/// Why nothing more is to be done for a client that was listened to: it left, the process stops, the request's time is over.
#[expect(clippy::unnecessary_box_returns, reason = "Pingora's errors are boxed")]
pub(super) fn over(event: Result<Option<Bytes>>) -> Box<Error> {
    match event {
        Ok(_) => Error::explain(ErrorType::ConnectionClosed, "the client left").into_down(),
        Err(error) => error.into_down(),
    }
}

/// How long an attempt may be silent; `None` for a WebSocket, which has a limit of its own.
pub(crate) fn silence_of(context: &RequestContext, deployment: &Deployment) -> Option<Silence> {
    if context.upgrades() {
        return None;
    }
    let timers = context.route.as_ref().map(|route| route.group().routing.timers);
    let (first_byte, chunk) = timers.map_or((None, None), |timers| (timers.first_byte, timers.chunk));
    let streams = context.call.as_ref().is_some_and(|call| call.streams);
    let (own, usual) =
        if streams { (deployment.stream_timeout, USUAL_STREAM_SILENCE) } else { (deployment.timeout, USUAL_SILENCE) };
    Some(Silence { first_byte: own.or(first_byte).unwrap_or(usual), chunk: own.or(chunk).unwrap_or(usual) })
}

/// What the header of an answer says to routing: its status, and how much the provider still lets us ask.
pub(super) fn note_header(header: &ResponseHeader, context: &mut RequestContext) {
    if let Some(deployment) = context.deployment() {
        let lines = header.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        deployment.stats.read_limits(routing::now(), lines);
    }
    if let Some(record) = &mut context.record {
        record.route.status(header.status.as_u16());
    }
}

/// What an answer says to routing as it passes: its first content, and that it is whole.
pub(super) fn answered(context: &mut RequestContext, has_content: bool, is_end: bool) {
    if has_content && !context.has_passed {
        let streams = context.call.as_ref().is_some_and(|call| call.streams);
        if let Some(attempt) = context.in_flight_attempt.as_mut().filter(|_| streams) {
            attempt.first_content();
        }
        if let Some(record) = &mut context.record {
            record.route.first_content();
        }
    }
    if !is_end {
        return;
    }
    let (ended, tokens) = context.record.as_ref().map_or((None, None), |record| (record.ended(), record.tokens()));
    match ended {
        Some((Outcome::UpstreamError, error)) => context.end_attempt(routing::of_last_words(error), None),
        _ => context.in_flight_attempt.take().into_iter().for_each(|attempt| attempt.answered(tokens)),
    }
}
