//! The record of one call, as a guard: whatever ends the request, its drop settles it. Exactly once.
//!
//! Pingora calls `logging()` for no stream that a shutdown cuts off, but drops the context; so neither `logging()` nor any
//! other hook is relied upon. The order on file is: *open* before the upstream is called, *progress* about once a second of a
//! stream, *settled* before the last bytes of the answer go out.

use std::time::{Duration, Instant};

use bytes::Bytes;
use deltallm_dialects::{
    canonical::{Answer, Delta, Event, PartKind},
    openai::{produced_text::ProducedText, request_index::RequestIndex},
};
use deltallm_shared::{
    catalog::{self, ServiceTier},
    error::{ApiError, ErrorCode},
    event::{EventKind, Outcome, SpendEvent},
    ids::EventId,
    money::NanoUsd,
    pricing::{AppliedPrices, PriceState, Usage, UsageSource},
    time_text::Timestamp,
};

use super::{
    Accounts,
    route_log::RouteLog,
    token_counter::{Uncounted, estimate_tokens, price},
};
use crate::{snapshot::Deployment, stages::authenticate::Principal};

/// What the ledger keeps of a text.
const MAX_TEXT_CHARS: usize = 512;
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Guards the record of a call that was authenticated.
pub struct CallRecord {
    accounts: Accounts,
    event: SpendEvent,
    prices: AppliedPrices,
    prompt: Bytes,
    produced: ProducedText,
    usage: Option<Usage>,
    /// What the provider said of the input before it answered; the output is not known by it.
    input_usage: Option<Usage>,
    /// What the call consumes by what is known without the provider.
    assumed: Option<(Usage, UsageSource)>,
    /// Asking about things costs nothing.
    is_free: bool,
    /// Nobody knows what such a call costs.
    is_unpriced: bool,
    started: Instant,
    first_byte_us: Option<u64>,
    last_progress: Instant,
    is_upstream_called: bool,
    is_settled: bool,
    ended: Option<(Outcome, Option<ErrorCode>)>,
    /// What was decided on the way.
    pub route: RouteLog,
}

impl CallRecord {
    /// Begins a record. Nothing is on file yet: a call that is refused has one record only.
    pub fn begin(accounts: Accounts, request_id: String, started_at: Timestamp) -> Self {
        let started = Instant::now();
        let event = SpendEvent {
            event_id: EventId::new(),
            request_id,
            started_at,
            price_version: catalog::version().to_owned(),
            ..SpendEvent::default()
        };
        Self {
            accounts,
            event,
            prices: AppliedPrices::default(),
            prompt: Bytes::new(),
            produced: ProducedText::default(),
            usage: None,
            input_usage: None,
            assumed: None,
            is_free: false,
            is_unpriced: false,
            started,
            first_byte_us: None,
            last_progress: started,
            is_upstream_called: false,
            is_settled: false,
            ended: None,
            route: RouteLog::new(started),
        }
    }

    /// Names who asks, and where.
    pub fn asked_by(&mut self, principal: &Principal, endpoint: &str) {
        endpoint.clone_into(&mut self.event.endpoint);
        if let Principal::Key { key, organization_id } = principal {
            let event = &mut self.event;
            (event.key_id, event.team_id, event.user_id) = (Some(key.id), key.team_id, key.user_id);
            event.organization_id = *organization_id;
        }
    }

    /// Names what is asked for.
    pub fn asked_for(&mut self, index: &RequestIndex, streams: bool) {
        // The caller chooses these texts: a record must not become as large as a body.
        self.event.model = index.model.chars().take(MAX_TEXT_CHARS).collect();
        self.event.stream = streams;
        self.event.end_user = index.end_user.as_deref().map(|user| user.chars().take(MAX_TEXT_CHARS).collect());
    }

    /// What is known of the call so far; stages write their part.
    pub fn event_mut(&mut self) -> &mut SpendEvent {
        &mut self.event
    }

    /// What is known of the call so far.
    pub fn event(&self) -> &SpendEvent {
        &self.event
    }

    /// Puts the call on file before its upstream is called: with the input's estimate, which is what it is billed if this
    /// process is killed.
    pub fn open(&mut self, deployment: &Deployment, prompt: Bytes) -> Result<(), ApiError> {
        self.prices = deployment.prices;
        self.event.usage = Usage { input_tokens: estimate_tokens(prompt.len(), &self.prices), ..Usage::default() };
        self.event.usage_source = UsageSource::Estimated;
        if let Some((usage, source)) = self.assumed {
            (self.event.usage, self.event.usage_source) = (usage, source);
        }
        self.prompt = prompt;
        self.served_by(deployment);
        self.event.finished_at = Timestamp::now();
        price(&mut self.event, &self.prices);
        self.accounts.journal.open_call(&self.event).map_err(|error| {
            self.accounts.metrics.journal_refusals.inc();
            tracing::error!(request_id = self.event.request_id, %error, "a call is refused because it cannot be recorded");
            ApiError::new(ErrorCode::ServiceUnavailable, "The gateway cannot record calls now. Try again later.")
        })
    }

    /// Names the deployment of the current attempt.
    pub fn served_by(&mut self, deployment: &Deployment) {
        self.prices = if self.is_unpriced { AppliedPrices::default() } else { deployment.prices };
        self.event.provider = Some(deployment.provider.id.to_owned());
        self.event.upstream_model = Some(deployment.upstream_model.clone());
        self.event.deployment_id = Some(deployment.id);
        self.event.price_state = self.prices.state;
    }

    /// What the call consumes where the provider says nothing: counted from the request, or estimated from its size.
    pub fn assume(&mut self, usage: Usage, source: UsageSource) {
        self.assumed = Some((usage, source));
    }

    /// The call is about things at a provider and costs nothing.
    pub fn costs_nothing(&mut self) {
        self.is_free = true;
    }

    /// What the call costs cannot be known, whatever its model costs elsewhere.
    pub fn has_no_price(&mut self) {
        self.is_unpriced = true;
        self.prices = AppliedPrices::default();
        self.assume(Usage::default(), UsageSource::None);
    }

    /// An attempt failed and another one is made: what it produced is not the answer's. `has_cost`: the provider had begun an answer,
    /// which it bills; that is put on record apart, because the caller has nothing of it.
    pub fn give_up_attempt(&mut self, has_cost: bool) {
        let usage = self.usage.take();
        let produced = std::mem::take(&mut self.produced);
        let input_usage = self.input_usage.take();
        self.event.service_tier = None;
        (self.first_byte_us, self.event.time_to_first_byte_us) = (None, None);
        if !std::mem::take(&mut self.is_upstream_called) || !has_cost || self.is_free {
            return;
        }
        let event = self.own_cost(EventKind::FailedAttempt, Outcome::UpstreamError);
        match usage.map(|usage| (usage, UsageSource::Provider)).or(self.assumed) {
            Some(usage) => self.settle_apart(event, usage),
            None => self.accounts.counter.settle(Uncounted {
                event,
                prices: self.prices,
                input_usage,
                prompt: self.prompt.clone(),
                produced,
            }),
        }
    }

    /// A record that is never written: for a look at an answer that may be another one's.
    pub fn unwritten(accounts: Accounts) -> Self {
        let mut record = Self::begin(accounts, String::new(), Timestamp::default());
        record.is_settled = true;
        record
    }

    /// Puts on record apart what the attempt under way cost, by its estimate: nobody waited for what it consumed.
    pub fn cost_apart(&self, kind: EventKind, outcome: Outcome) {
        let usage = Usage { input_tokens: estimate_tokens(self.prompt.len(), &self.prices), ..Usage::default() };
        let estimate = (usage, UsageSource::Estimated);
        self.settle_apart(self.own_cost(kind, outcome), self.assumed.unwrap_or(estimate));
    }

    /// An event of the operator's own cost, about the attempt under way: it names the request, and no key.
    pub fn own_cost(&self, kind: EventKind, outcome: Outcome) -> SpendEvent {
        let now = Timestamp::now();
        let of_call = &self.event;
        SpendEvent {
            event_id: EventId::new(),
            about: Some(of_call.event_id),
            kind,
            outcome,
            finished_at: now,
            duration_us: micros(self.started.elapsed()),
            usage: Usage::default(),
            cost: None,
            prices: None,
            route: None,
            error_code: None,
            key_id: None,
            team_id: None,
            user_id: None,
            organization_id: None,
            end_user: None,
            ..of_call.clone()
        }
    }

    fn settle_apart(&self, mut event: SpendEvent, usage: (Usage, UsageSource)) {
        (event.usage, event.usage_source) = usage;
        price(&mut event, &self.prices);
        self.accounts.metrics.observe_usage(&event);
        if let Err(error) = self.accounts.journal.settle(&event) {
            tracing::error!(%error, request_id = event.request_id, cost = ?event.cost, "an attempt could not be recorded");
        }
    }

    /// How it ended, and by which error, once it is settled.
    pub fn ended(&self) -> Option<(Outcome, Option<ErrorCode>)> {
        self.ended
    }

    /// Tokens in and out, where the provider said so.
    pub fn tokens(&self) -> Option<u64> {
        self.usage.map(|usage| usage.input_tokens.saturating_add(usage.output_tokens))
    }

    /// The upstream has the request: from here on the call may cost something.
    pub fn upstream_called(&mut self) {
        self.is_upstream_called = true;
    }

    /// The attempt consumed nothing: it was not made, or the provider refused it.
    pub fn nothing_consumed(&mut self) {
        self.is_upstream_called = false;
    }

    /// The client has its first byte now; a later word counts.
    pub fn first_byte(&mut self) {
        self.first_byte_us = Some(micros(self.started.elapsed()));
        self.event.time_to_first_byte_us = self.first_byte_us;
    }

    /// When the first byte of the answer was here, in microseconds from the start.
    pub fn first_byte_us(&self) -> Option<u64> {
        self.first_byte_us
    }

    /// A piece of the answer, for counting.
    pub fn produced(&mut self, json: &[u8]) {
        // Once the provider has said what was used, nothing has to be counted.
        if self.usage.is_none() {
            self.produced.take_from(json);
        }
    }

    /// The provider's own figures; a later one replaces an earlier one.
    pub fn usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// The tier that served the call, in the provider's words; `default` and `standard` are the usual one.
    pub fn served_as(&mut self, tier: Option<&str>) {
        if let Some(tier) = tier.and_then(ServiceTier::from_name).filter(|tier| *tier != ServiceTier::Standard) {
            self.event.service_tier = Some(tier.name().to_owned());
        }
    }

    /// One piece of an answer in the canonical form.
    pub fn event_of_answer(&mut self, event: &Event) {
        match event {
            Event::Start { usage, service_tier, .. } => {
                self.input_usage = *usage;
                self.served_as(service_tier.as_deref());
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::PartDelta { delta: Delta::Text(text) | Delta::Arguments(text), .. } => self.produced_text(text),
            _ => {}
        }
    }

    /// A whole answer in the canonical form.
    pub fn answer(&mut self, answer: &Answer) {
        self.usage = answer.usage;
        self.served_as(answer.service_tier.as_deref());
        for part in answer.choices.iter().flat_map(|choice| &choice.parts) {
            match &part.kind {
                PartKind::Text { text, .. }
                | PartKind::Reasoning { text, .. }
                | PartKind::Refusal { text }
                | PartKind::ToolCall { arguments: text, .. } => self.produced_text(text),
                _ => {}
            }
        }
    }

    fn produced_text(&mut self, text: &str) {
        if self.usage.is_none() {
            self.produced.take_text(text);
        }
    }

    /// Puts on file how far a stream is, at most once a second.
    pub fn progress(&mut self) {
        let now = Instant::now();
        if self.is_settled || now.duration_since(self.last_progress) < PROGRESS_EVERY {
            return;
        }
        self.last_progress = now;
        let mut event = self.event.clone();
        match self.usage {
            // Of a session that goes on for long the provider says in between what it consumed.
            Some(usage) => (event.usage, event.usage_source) = (usage, UsageSource::Provider),
            None if self.assumed.is_none() => event.usage.output_tokens = self.produced.pieces(),
            None => {}
        }
        event.finished_at = Timestamp::now();
        event.duration_us = micros(self.started.elapsed());
        price(&mut event, &self.prices);
        if let Err(error) = self.accounts.journal.progress(&event) {
            tracing::warn!(%error, request_id = event.request_id, "the progress of a stream could not be recorded");
        }
    }

    /// Settles the call. Later calls do nothing.
    pub fn settle(&mut self, outcome: Outcome, status: u16, error: Option<ErrorCode>) {
        if std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        self.ended = Some((outcome, error));
        self.event.route = self.route.finish(outcome);
        let event = &mut self.event;
        event.outcome = outcome;
        event.status = status;
        event.error_code = error.map(|code| code.code().to_owned());
        event.duration_us = micros(self.started.elapsed());
        event.finished_at = Timestamp(event.started_at.0.saturating_add(i64::try_from(event.duration_us).unwrap_or(0)));
        if !self.is_upstream_called || self.is_free {
            (event.usage, event.usage_source) = (Usage::default(), UsageSource::None);
            // Nothing was used, so the cost is known whatever the model's price is.
            (event.prices, event.price_state) = (None, PriceState::Free);
            event.cost = Some(NanoUsd::ZERO);
        } else if let Some(usage) = self.usage {
            (event.usage, event.usage_source) = (usage, UsageSource::Provider);
            price(event, &self.prices);
        } else if let Some((usage, source)) = self.assumed {
            (event.usage, event.usage_source) = (usage, source);
            price(event, &self.prices);
        } else {
            let call = Uncounted {
                event: std::mem::take(event),
                prices: self.prices,
                input_usage: self.input_usage,
                prompt: std::mem::take(&mut self.prompt),
                produced: std::mem::take(&mut self.produced),
            };
            self.accounts.counter.settle(call);
            return;
        }
        self.accounts.metrics.observe_usage(&self.event);
        if let Err(error) = self.accounts.journal.settle(&self.event) {
            let event = &self.event;
            tracing::error!(%error, request_id = event.request_id, event_id = %event.event_id, cost = ?event.cost, "a call could not be recorded");
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if !self.is_settled {
            let status = self.event.status;
            self.settle(Outcome::Interrupted, status, None);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
