//! Hedging: while the first deployment is slow, a second one is asked beside it, and whoever has content first answers the client.
//!
//! Pingora's loop knows one upstream at a time, so this runs inside `request_filter`, over exchanges of our own
//! (`docs/decisions/0008-hedging-own-exchange.md`). It ends where the race is decided: from there on the winner's answer goes through
//! the same hooks as any other, header first. A request that fails here goes on in Pingora's loop, with what is left of its attempts.
//!
//! Of the two attempts one is *meant*: the context is its own, as it would be in the loop; the other one's part lies in [`Side`].

mod lane;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use deltallm_routing::retry::consequence;
use deltallm_shared::{
    event::{EventKind, Outcome},
    routing::Fault,
};
use pingora::{
    Error, ErrorType,
    http::{RequestHeader, ResponseHeader},
    protocols::http::HttpTask,
    proxy::{ProxyHttp, Session},
};
use tokio::{pin, select, time::sleep};

use self::lane::{Heard, Judged, Lane, Side};
use super::{
    Gateway,
    attempts::{over, silence_of},
    conclusion::begun,
    stop::{Flow, Stop},
};
use crate::{
    context::RequestContext,
    net::exchange::{Exchange, Patience},
    routing,
    stages::translate::translate,
    telemetry::metrics::OutcomeLabel,
};

/// After how long a second deployment is asked; `None`: never for this request.
///
/// Only streams are hedged: an unstreamed answer comes when it is whole, and how long that takes says how long it is.
pub(super) fn delay_of(context: &RequestContext) -> Option<Duration> {
    let group = context.route.as_ref()?.group();
    let hedge = group.routing.hedge?;
    let is_plain = context.attempt.as_ref().is_some_and(|attempt| attempt.own_form.is_none());
    let streams = context.call.as_ref().is_some_and(|call| call.streams);
    if group.len() < 2 || !is_plain || !streams || context.is_pinned || context.onward.is_some() {
        return None;
    }
    group.state.hedges.earn(hedge.max_share_percent);
    // Before enough is known of a deployment, nothing is slow.
    let usual = context.deployment()?.stats.first_token_percentile(hedge.percentile)?;
    Some(usual.max(Duration::from_millis(hedge.min_delay_ms)))
}

/// The two attempts.
struct Race {
    lanes: [Option<Lane>; 2],
    /// Which of them the context is.
    meant: usize,
    other: Option<Side>,
}

impl Race {
    /// Makes the context that of an attempt.
    fn mean(&mut self, lane: usize, context: &mut RequestContext) {
        if self.meant != lane
            && let Some(other) = &mut self.other
        {
            other.change_places(context);
            self.meant = lane;
        }
    }

    fn is_alone(&self, lane: usize) -> bool {
        self.lanes.get(1 - lane).is_none_or(Option::is_none)
    }

    /// Cancels an attempt, whose connection is closed thereby. What it cost is on record apart.
    fn cancel(&mut self, lane: usize, why: Outcome, context: &mut RequestContext) {
        let Some(cancelled) = self.lanes.get_mut(lane).and_then(Option::take) else { return };
        self.mean(lane, context);
        drop(context.in_flight_attempt.take());
        if let Some(record) = &mut context.record {
            record.route.cancelled();
            if cancelled.is_sent {
                record.cost_apart(EventKind::HedgeLoser, why);
            }
        }
    }
}

impl Gateway {
    /// Runs the attempts of a hedged request until one of them has answered, or until it is Pingora's loop that goes on.
    pub(super) async fn hedged(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        delay: Duration,
    ) -> Result<Flow, Stop> {
        let first = self.first_lane(session, context).await?;
        let mut race = Race { lanes: [Some(first), None], meant: 0, other: None };
        // Exchanges have their own limits of time.
        context.clock.begin(None, true);
        let slow = sleep(delay);
        pin!(slow);
        let mut may_hedge = true;
        loop {
            let [first, second] = &mut race.lanes;
            let (lane, heard) = select! {
                biased;
                event = session.as_downstream_mut().read_body_or_idle(true) => {
                    // One of them stays the request's own, and is settled with it.
                    let own = usize::from(race.is_alone(1));
                    race.cancel(1 - own, Outcome::ClientClosed, context);
                    race.mean(own, context);
                    return Err(Stop::Broken(over(event)));
                }
                heard = Lane::hear(first) => (0, heard),
                heard = Lane::hear(second) => (1, heard),
                () = &mut slow, if may_hedge => {
                    may_hedge = false;
                    self.ask_second(session, context, &mut race);
                    continue;
                }
            };
            race.mean(lane, context);
            if let Some((lane, failure)) = self.heard(context, &mut race, (lane, heard)) {
                return Box::pin(self.hand_through(session, context, lane, failure)).await;
            }
        }
    }

    /// What follows from what was heard of an attempt: the one that decides the race, with what it failed of; `None`: it goes on.
    fn heard(
        &self,
        context: &mut RequestContext,
        race: &mut Race,
        (index, heard): (usize, Heard),
    ) -> Option<(Lane, Option<Box<Error>>)> {
        let is_alone = race.is_alone(index);
        let lane = race.lanes.get_mut(index).and_then(Option::as_mut)?;
        let judged = lane.judge(heard, context);
        let (fault, retry_after) = match &judged {
            Judged::Waits => return None,
            Judged::HasContent => (None, None),
            Judged::Refused(refused) => {
                let fault = routing::of_refusal(refused);
                // What is the caller's mistake here is one everywhere.
                (consequence(fault).tries_next.then_some(fault), refused.retry_after)
            }
            Judged::Broken(error) => (routing::of_error(error), None),
        };
        if let Some(fault) = fault.filter(|_| !is_alone) {
            if let Judged::Refused(refused) = &judged {
                // Sets the credential aside, where the refusal is about it.
                context.next_credential(refused);
            }
            let has_answer = lane.has_answer();
            if let Some(lane) = race.lanes.get_mut(index) {
                *lane = None;
            }
            self.end_beside(context, fault, retry_after, has_answer);
            race.mean(1 - index, context);
            return None;
        }
        let lane = race.lanes.get_mut(index).and_then(Option::take)?;
        if race.other.is_some() {
            self.count_hedge(match (&judged, index) {
                (Judged::HasContent, 0) => "first_won",
                (Judged::HasContent, _) => "second_won",
                _ => "nobody_won",
            });
        }
        race.cancel(1 - index, Outcome::ClientClosed, context);
        race.mean(index, context);
        let failure = match judged {
            Judged::Broken(error) => Some(error),
            _ => None,
        };
        Some((lane, failure))
    }

    /// One of two attempts failed, and the other one goes on.
    fn end_beside(&self, context: &mut RequestContext, fault: Fault, retry_after: Option<Duration>, has_answer: bool) {
        self.count_attempt("failed");
        self.alert(context, fault);
        context.end_attempt(fault, retry_after);
        if let Some(route) = &mut context.route {
            route.failed_beside(fault, retry_after);
        }
        if let Some(record) = context.record.as_ref().filter(|_| has_answer) {
            record.cost_apart(EventKind::FailedAttempt, Outcome::UpstreamError);
        }
    }

    /// The first attempt, made by the hooks of any attempt.
    async fn first_lane(&self, session: &mut Session, context: &mut RequestContext) -> Result<Lane, Stop> {
        let peer = self.reach(context).await?;
        let mut request = RequestHeader::build("POST", b"/", None)?;
        self.upstream_request_filter(session, &mut request, context).await?;
        let (Some(attempt), Some(patience)) = (&context.attempt, patience_of(context)) else {
            return Err(Stop::Broken(Error::explain(ErrorType::InternalError, "nothing to send")));
        };
        let (exchanges, body) = (Arc::clone(&self.exchanges), attempt.body.clone());
        let sending = async move { exchanges.send(peer, request, body, patience).await };
        Ok(Lane::new(sending, self.accounts.clone()))
    }

    /// The first attempt is slow: a second one, where the share of such requests allows it and somebody else can be asked.
    fn ask_second(&self, session: &Session, context: &mut RequestContext, race: &mut Race) {
        let (Some(route), Some(call), Some(record)) = (&mut context.route, &context.call, &mut context.record) else {
            return;
        };
        if !route.group().state.hedges.take() {
            self.count_hedge("over_share");
            return;
        }
        // The reservation of a budget for the second attempt has its place here: where there is none, it is not made.
        let Some(next) = route.beside(&mut record.route, |deployment| translate(call, deployment)) else {
            self.count_hedge("nobody_else");
            return;
        };
        let deployment = Arc::clone(&next.deployment);
        let mut side = Side::new(next);
        side.change_places(context);
        (race.other, race.meant) = (Some(side), 1);
        self.begin_attempt(context, &deployment);
        context.attempts_made += 1;
        if let Some(record) = &mut context.record {
            record.route.is_hedge();
            record.event_mut().attempts = context.attempts_made;
        }
        let (Some(attempt), Some(patience)) = (context.attempt.clone(), patience_of(context)) else { return };
        let (exchanges, client) = (Arc::clone(&self.exchanges), session.req_header().headers.clone());
        let seed = context.record.as_ref().map_or(0, |record| record.event().event_id.random_bits());
        let sending = async move { exchanges.open(&deployment, &attempt, &client, patience, seed).await };
        let [_, second] = &mut race.lanes;
        *second = Some(Lane::new(sending, self.accounts.clone()));
    }

    /// The race is decided: the answer of the attempt that is meant goes through the hooks, as it came and as it goes on. `failure`:
    /// it does not go on.
    async fn hand_through(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        lane: Lane,
        failure: Option<Box<Error>>,
    ) -> Result<Flow, Stop> {
        let Lane { exchange, head, pieces, is_over, .. } = lane;
        let result = match (head, failure) {
            (Some(head), failure) => {
                let answer = Answer { exchange, pieces, is_over, failure };
                self.answer(session, context, head, answer).await
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(Error::explain(ErrorType::InternalError, "an answer without a header")),
        };
        let Err(mut error) = result else { return Ok(Flow::Answered) };
        // What was wrong with a pooled connection was seen to by the exchange.
        if self.is_made_again(session, &mut error, context, false) {
            Ok(Flow::ToUpstream)
        } else {
            Err(Stop::Broken(error))
        }
    }

    async fn answer(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        mut head: ResponseHeader,
        answer: Answer,
    ) -> pingora::Result<()> {
        let Answer { exchange, pieces, mut is_over, failure } = answer;
        let silence = context.deployment().cloned().and_then(|deployment| silence_of(context, &deployment));
        context.clock.begin(silence, true);
        self.response_filter(session, &mut head, context).await?;
        let mut tasks = vec![HttpTask::Header(Box::new(head), false)];
        for piece in pieces {
            tasks.push(self.filtered(session, context, Some(piece), false)?);
        }
        if is_over {
            tasks.push(self.filtered(session, context, None, true)?);
        }
        session.as_downstream_mut().response_duplex_vec(tasks).await.map_err(Error::into_down)?;
        if let Some(failure) = failure {
            return cut(session, failure).await;
        }
        let Some(mut exchange) = exchange else { return Ok(()) };
        while !is_over {
            let piece = select! {
                biased;
                piece = exchange.next() => piece,
                event = session.as_downstream_mut().read_body_or_idle(true) => return Err(over(event)),
            };
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => return cut(session, error).await,
            };
            is_over = piece.is_none();
            let task = self.filtered(session, context, piece, is_over)?;
            session.as_downstream_mut().response_duplex_vec(vec![task]).await.map_err(Error::into_down)?;
        }
        exchange.finish().await;
        Ok(())
    }

    fn filtered(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        mut piece: Option<Bytes>,
        is_end: bool,
    ) -> pingora::Result<HttpTask> {
        self.response_body_filter(session, &mut piece, is_end, context)?;
        Ok(HttpTask::Body(piece, is_end))
    }

    fn count_hedge(&self, outcome: &'static str) {
        self.accounts.metrics.hedges.get_or_create(&OutcomeLabel { outcome }).inc();
    }
}

/// An answer that has begun.
struct Answer {
    exchange: Option<Exchange>,
    pieces: Vec<Bytes>,
    is_over: bool,
    failure: Option<Box<Error>>,
}

/// The upstream broke off. Where the client has something already, the session says so at its end, as it does for Pingora's loop.
async fn cut(session: &mut Session, error: Box<Error>) -> pingora::Result<()> {
    if begun(session).is_none() {
        return Err(error);
    }
    session.as_downstream_mut().response_duplex_vec(vec![HttpTask::Failed(error)]).await.map(|_| ())
}

fn patience_of(context: &RequestContext) -> Option<Patience> {
    let deployment = context.deployment()?;
    let silence = silence_of(context, deployment)?;
    let connect = context.route.as_ref().map(|route| route.group().routing.timers.connect);
    Some(Patience { connect, first_byte: silence.first_byte, chunk: silence.chunk })
}
