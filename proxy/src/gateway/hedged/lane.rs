//! One of the two attempts of a hedged request: what it has answered so far, and the part of the request's context that is its own.

use std::{future::pending, mem::swap, pin::Pin, sync::Arc};

use bytes::Bytes;
use pingora::{Error, ErrorType, Result, http::ResponseHeader};

use crate::{
    accounting::{Accounts, call_record::CallRecord, route_log::UnderWay},
    context::RequestContext,
    credentials::Credential,
    net::exchange::Exchange,
    routing::{AttemptInFlight, Next},
    snapshot::Deployment,
    stages::{
        relay::{Passed, Refused, Relay},
        translate::Attempt,
    },
};

/// What is known of an attempt while the context is the other one's.
pub(super) struct Side {
    deployment: Option<Arc<Deployment>>,
    attempt: Option<Attempt>,
    credential: Option<Arc<Credential>>,
    is_token_renewed: bool,
    in_flight: Option<AttemptInFlight>,
    trace: Option<UnderWay>,
}

impl Side {
    /// Of an attempt that begins.
    pub fn new(next: Next<Attempt>) -> Self {
        Self {
            deployment: Some(next.deployment),
            attempt: Some(next.how),
            credential: None,
            is_token_renewed: false,
            in_flight: None,
            trace: None,
        }
    }

    /// Makes the context this attempt's, and keeps the other one's.
    pub fn change_places(&mut self, context: &mut RequestContext) {
        swap(&mut self.attempt, &mut context.attempt);
        swap(&mut self.credential, &mut context.credential);
        swap(&mut self.is_token_renewed, &mut context.is_token_renewed);
        swap(&mut self.in_flight, &mut context.in_flight_attempt);
        let (Some(route), Some(deployment)) = (&mut context.route, self.deployment.take()) else { return };
        if let Some(record) = &mut context.record {
            self.trace = record.route.turn_to(self.trace);
            record.served_by(&deployment);
        }
        if let Some(naming) = &mut context.naming {
            naming.deployment = deployment.id;
        }
        self.deployment = route.deployment().cloned();
        route.turn_to(deployment);
    }
}

/// The next thing that is heard of an attempt.
pub(super) enum Heard {
    /// The request went out, or not.
    Sent(Result<Exchange>),
    /// The header of the answer.
    Head(Exchange, Result<ResponseHeader>),
    /// A piece of its body.
    Piece(Exchange, Result<Option<Bytes>>),
}

/// What that means.
pub(super) enum Judged {
    /// Nothing yet.
    Waits,
    /// The answer has begun: this one wins.
    HasContent,
    /// The answer is an error.
    Refused(Box<Refused>),
    /// There will be no answer.
    Broken(Box<Error>),
}

type Step = Pin<Box<dyn Future<Output = Heard> + Send>>;

/// See the module.
pub(super) struct Lane {
    step: Option<Step>,
    /// While no step is under way.
    pub exchange: Option<Exchange>,
    pub head: Option<ResponseHeader>,
    pub pieces: Vec<Bytes>,
    /// Whether the answer is at its end.
    pub is_over: bool,
    pub is_sent: bool,
    /// Looks at the answer as the real one does, and writes nothing down: it may not become the request's.
    relay: Option<Relay>,
    record: CallRecord,
}

impl Lane {
    /// Of a request that is being sent.
    pub fn new(sending: impl Future<Output = Result<Exchange>> + Send + 'static, accounts: Accounts) -> Self {
        Self {
            step: Some(Box::pin(async { Heard::Sent(sending.await) })),
            exchange: None,
            head: None,
            pieces: Vec::new(),
            is_over: false,
            is_sent: false,
            relay: None,
            record: CallRecord::unwritten(accounts),
        }
    }

    /// Whether the provider had begun an answer, which it bills.
    pub fn has_answer(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.status.is_success())
    }

    /// Waits for the next thing. May be dropped and called again.
    pub async fn hear(lane: &mut Option<Self>) -> Heard {
        match lane.as_mut().and_then(|lane| lane.step.as_mut()) {
            Some(step) => step.as_mut().await,
            None => pending().await,
        }
    }

    /// Takes in what was heard, and begins the next step. The context is this attempt's.
    pub fn judge(&mut self, heard: Heard, context: &mut RequestContext) -> Judged {
        self.step = None;
        match heard {
            Heard::Sent(Err(error)) => Judged::Broken(error),
            Heard::Sent(Ok(mut exchange)) => {
                self.is_sent = true;
                if let Some(credential) = exchange.credential.take() {
                    context.credential = Some(credential);
                }
                self.step = Some(Box::pin(async move {
                    let head = exchange.head().await;
                    Heard::Head(exchange, head)
                }));
                Judged::Waits
            }
            Heard::Head(exchange, Ok(head)) => {
                self.relay = Some(Relay::of(&head, context));
                self.head = Some(head);
                self.read_on(exchange);
                Judged::Waits
            }
            Heard::Piece(exchange, Ok(piece)) => {
                let judged = self.look(piece);
                match judged {
                    Judged::Waits => self.read_on(exchange),
                    _ => self.exchange = Some(exchange),
                }
                judged
            }
            Heard::Head(_, Err(error)) | Heard::Piece(_, Err(error)) => Judged::Broken(error),
        }
    }

    fn read_on(&mut self, mut exchange: Exchange) {
        self.step = Some(Box::pin(async move {
            let piece = exchange.next().await;
            Heard::Piece(exchange, piece)
        }));
    }

    fn look(&mut self, piece: Option<Bytes>) -> Judged {
        let Some(relay) = &mut self.relay else {
            return Judged::Broken(Error::explain(ErrorType::InternalError, "a body without a header"));
        };
        self.is_over = piece.is_none();
        let passed = relay.pass(piece.clone().unwrap_or_default(), self.is_over, false, &mut self.record);
        self.pieces.extend(piece);
        match passed {
            Err(error) => Judged::Broken(Error::explain(ErrorType::InvalidHTTPHeader, error.to_string()).into_up()),
            Ok(Passed::Refused(refused)) => Judged::Refused(Box::new(refused)),
            Ok(Passed::Bytes(_)) if self.is_over => Judged::HasContent,
            Ok(Passed::Bytes(_)) if matches!(relay, Relay::Refusal(_)) || !relay.has_content() => Judged::Waits,
            Ok(Passed::Bytes(_)) => Judged::HasContent,
        }
    }
}
