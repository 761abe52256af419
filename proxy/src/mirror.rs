//! Copies of requests for a shadow group: another model, or another provider, tried with what really is asked.
//!
//! A copy begins when the caller's request is accepted and goes its own way: the caller's request neither waits for it nor hears of it.
//! Its answer is read to its end, for what it consumed, and thrown away. It is on record as the operator's own cost, under the
//! request's id. Copies are few at a time and stop when the process does: they are for looking, nobody depends on them. Until then
//! they count as requests under way.
//!
//! What cannot be copied: uploads, whose file ends with the request; things at a provider, which only it has; a provider's own
//! interface; WebSockets.

use std::{sync::Arc, time::Duration};

use deltallm_routing::seed::{Seed, mix};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::{EventKind, Outcome},
    time_text::Timestamp,
};
use http::HeaderMap;
use pingora::{Error, ErrorType};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    accounting::{Accounts, call_record::CallRecord},
    context::RequestContext,
    gateway::silence_of,
    lifecycle::Lifecycle,
    net::exchange::{Exchanges, Patience},
    routing::{self, AttemptInFlight, Facts, HealthNews, Overrides, Route},
    snapshot::{Deployment, Group},
    stages::{
        assume::assume,
        relay::{Passed, Refused, Relay},
        reply,
        translate::translate_to_send,
    },
    telemetry::metrics::OutcomeLabel,
};

/// Copies at a time; requests beyond it are not copied.
const MOST_AT_A_TIME: usize = 64;
/// So that which requests are copied has nothing to do with where they are sent.
const APART: u64 = 0x6d69_7272_6f72;

/// Makes copies.
#[derive(Clone)]
pub struct Mirrors {
    /// Asks the shadow.
    pub exchanges: Arc<Exchanges>,
    /// Where copies are recorded.
    pub accounts: Accounts,
    /// Says when to stop.
    pub lifecycle: Arc<Lifecycle>,
    /// Hears how the shadow does.
    pub news: Arc<dyn HealthNews>,
    places: Arc<Semaphore>,
}

/// What a copy ended with.
enum End {
    Whole,
    Refused(Refused),
    Broken(Box<Error>),
}

impl Mirrors {
    /// No copy is under way.
    pub fn new(
        exchanges: Arc<Exchanges>,
        accounts: Accounts,
        lifecycle: Arc<Lifecycle>,
        news: Arc<dyn HealthNews>,
    ) -> Self {
        Self { exchanges, accounts, lifecycle, news, places: Arc::new(Semaphore::new(MOST_AT_A_TIME)) }
    }

    /// Copies the request, where its group wants that and its turn has come. `facts`: what routing knows of it; `client`: its header.
    pub fn copy(&self, context: &mut RequestContext, facts: &Facts, client: &HeaderMap) {
        let Some(mirror) = context.route.as_ref().and_then(|route| route.group().routing.mirror.as_ref()) else {
            return;
        };
        let is_chosen = Seed(mix(facts.seed ^ APART)).below(100) < u64::from(mirror.percent);
        if !is_chosen || context.is_pinned || context.onward.is_some() || self.lifecycle.is_draining() {
            return;
        }
        let shadow = context.live.snapshot.load().group(&mirror.model).cloned();
        let (Some(shadow), Some(call)) = (shadow, context.call.as_ref().and_then(|call| call.copy())) else { return };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.count("full");
            return;
        };
        let mut of_copy = RequestContext::new(self.lifecycle.enter(), Arc::clone(&context.live));
        of_copy.request_id.clone_from(&context.request_id);
        of_copy.started_at = Timestamp::now();
        let mut record = CallRecord::begin(self.accounts.clone(), of_copy.request_id.clone(), of_copy.started_at);
        record.asked_for(&call.index, call.streams);
        let event = record.event_mut();
        (event.kind, event.end_user) = (EventKind::Mirror, None);
        event.about = context.record.as_ref().map(|of_call| of_call.event().event_id);
        event.model.clone_from(&shadow.name);
        context.endpoint().clone_into(&mut event.endpoint);
        (of_copy.record, of_copy.call) = (Some(record), Some(call));
        if let Some(record) = &mut context.record {
            record.route.mirrored(&shadow.name);
        }
        let (this, facts, client) = (self.clone(), facts.clone(), client.clone());
        tokio::spawn(async move {
            let total = shadow.routing.timers.total;
            let outcome = tokio::select! {
                outcome = timeout(total, Box::pin(this.run(&mut of_copy, shadow, facts, &client))) => {
                    outcome.unwrap_or("time_up")
                }
                () = this.lifecycle.stopping() => "stopped",
            };
            this.count(outcome);
            drop((of_copy, place));
        });
    }

    /// Asks one deployment of the shadow, once. Returns how it ended.
    async fn run(
        &self,
        context: &mut RequestContext,
        shadow: Arc<Group>,
        facts: Facts,
        client: &HeaderMap,
    ) -> &'static str {
        match self.prepare(context, shadow, facts).await {
            Err(error) => {
                tracing::debug!(
                    request_id = context.request_id,
                    code = error.code.code(),
                    message = error.message,
                    "no copy can be made"
                );
                context.settle(Outcome::Refused, error.status(), Some(error.code));
                "refused"
            }
            Ok((deployment, attempt_in_flight)) => self.ask(context, &deployment, attempt_in_flight, client).await,
        }
    }

    async fn prepare(
        &self,
        context: &mut RequestContext,
        shadow: Arc<Group>,
        facts: Facts,
    ) -> Result<(Arc<Deployment>, AttemptInFlight), ApiError> {
        let (Some(call), Some(record)) = (&context.call, &mut context.record) else { return Err(our_mistake()) };
        if let Some((usage, source)) = assume(call).await {
            record.assume(usage, source);
        }
        let only_here = Overrides { fallbacks: Some(Vec::new()), num_retries: Some(0), ..Overrides::default() };
        let tokens = facts.tokens;
        let mut route = Route::through(Arc::clone(&shadow), only_here, facts);
        let snapshot = context.live.snapshot.load_full();
        let next = route.first(&snapshot, &mut record.route, |deployment| translate_to_send(call, deployment))?;
        record.open(&next.deployment, call.body.slice(call.index.prompt.clone()))?;
        record.route.began(next.deployment.id, &shadow.name, Duration::ZERO);
        (context.route, context.attempt) = (Some(route), Some(next.how));
        let in_flight = AttemptInFlight::begin(&shadow, &next.deployment, tokens, Arc::clone(&self.news));
        Ok((next.deployment, in_flight))
    }

    async fn ask(
        &self,
        context: &mut RequestContext,
        deployment: &Deployment,
        mut in_flight: AttemptInFlight,
        client: &HeaderMap,
    ) -> &'static str {
        let end = match self.exchange(context, deployment, &mut in_flight, client).await {
            Ok(end) => end,
            Err(error) => End::Broken(error),
        };
        let (ended, tokens) = context.record.as_ref().map_or((None, None), |record| (record.ended(), record.tokens()));
        match end {
            End::Whole => {
                if let Some((Outcome::UpstreamError, error)) = ended {
                    in_flight.failed(routing::of_last_words(error), None);
                    return "failed";
                }
                in_flight.answered(tokens);
                "whole"
            }
            End::Refused(refused) => {
                in_flight.failed(routing::of_refusal(&refused), refused.retry_after);
                context.settle_refused(&refused);
                "failed"
            }
            End::Broken(error) => {
                tracing::debug!(request_id = context.request_id, deployment_id = %deployment.id, cause = %error, "a copy failed");
                if let Some(fault) = routing::of_error(&error) {
                    in_flight.failed(fault, None);
                }
                if let (Some(record), None | Some(Relay::Refusal(_))) = (&mut context.record, &context.relay) {
                    record.nothing_consumed();
                }
                if let Some((told, outcome)) = reply::of_failure(&error, &deployment.model_name) {
                    context.settle(outcome, told.status(), Some(told.code));
                }
                "failed"
            }
        }
    }

    /// Reads the answer to its end.
    async fn exchange(
        &self,
        context: &mut RequestContext,
        deployment: &Deployment,
        in_flight: &mut AttemptInFlight,
        client: &HeaderMap,
    ) -> Result<End, Box<Error>> {
        let (Some(attempt), Some(silence)) = (&context.attempt, silence_of(context, deployment)) else {
            return Error::e_explain(ErrorType::InternalError, "a copy of what cannot be copied");
        };
        let connect = context.route.as_ref().map(|route| route.group().routing.timers.connect);
        let patience = Patience { connect, first_byte: silence.first_byte, chunk: silence.chunk };
        let seed = context.record.as_ref().map_or(0, |record| record.event().event_id.random_bits());
        let mut exchange = self.exchanges.open(deployment, attempt, client, patience, seed).await?;
        context.attempts_made = 1;
        if let Some(record) = &mut context.record {
            record.upstream_called();
            record.event_mut().attempts = 1;
        }
        let head = exchange.head().await?;
        context.relay = Some(Relay::of(&head, context));
        let streams = context.call.as_ref().is_some_and(|call| call.streams);
        let (Some(relay), Some(record)) = (&mut context.relay, &mut context.record) else { return Ok(End::Whole) };
        record.route.status(head.status.as_u16());
        loop {
            let piece = exchange.next().await?;
            let is_end = piece.is_none();
            let passed = relay.pass(piece.unwrap_or_default(), is_end, false, record);
            match passed.map_err(|error| Error::explain(ErrorType::InvalidHTTPHeader, error.to_string()).into_up())? {
                Passed::Refused(refused) => return Ok(End::Refused(refused)),
                Passed::Bytes(_) if streams && relay.has_content() => in_flight.first_content(),
                Passed::Bytes(_) => {}
            }
            if is_end {
                exchange.finish().await;
                return Ok(End::Whole);
            }
        }
    }

    fn count(&self, outcome: &'static str) {
        self.accounts.metrics.mirrored.get_or_create(&OutcomeLabel { outcome }).inc();
    }
}

fn our_mistake() -> ApiError {
    ApiError::new(ErrorCode::InternalError, "The gateway made a mistake.")
}
