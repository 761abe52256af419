//! The end of a request that failed: what it cost, and what the client is told where it can still be told.

use deltallm_shared::event::Outcome;
use http::{StatusCode, Version};
use pingora::{
    Error, ErrorSource,
    proxy::{FailToProxy, Session},
};

use super::{CLIENT_CLOSED, Gateway, bare_answer::EMPTY_ANSWER};
use crate::{
    answers,
    context::RequestContext,
    routing,
    stages::{relay::Relay, reply},
};

impl Gateway {
    /// An error where no status was written, a last event in a stream, else a cut connection. `serves_on`: whether the connection
    /// goes on after a stream that has its last event.
    pub(super) async fn conclude(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut RequestContext,
        serves_on: bool,
    ) -> FailToProxy {
        let written = begun(session);
        let model = context.call.as_ref().map(|call| call.index.model.clone()).unwrap_or_default();
        let verdict =
            context.relay.as_mut().and_then(Relay::verdict).map(|refused| (refused.error.clone(), refused.outcome()));
        // An error of the provider is what the client is told, also when its body is missing or breaks off.
        let Some((told, outcome)) =
            verdict.filter(|_| is_upstreams(error)).or_else(|| reply::of_failure(error, &model))
        else {
            tracing::debug!(request_id = context.request_id, cause = %error, "the client left");
            context.settle(Outcome::ClientClosed, written.unwrap_or(CLIENT_CLOSED), None);
            return FailToProxy { error_code: 0, can_reuse_downstream: false };
        };
        tracing::warn!(request_id = context.request_id, cause = %error, status = ?written, code = told.code.code(), "the request failed");
        context.error = Some(told.code);
        // What an upstream began to answer has cost something, whether or not the client has seen any of it.
        let has_answered = !matches!(context.relay, None | Some(Relay::Refusal(_))) && *error.etype() != EMPTY_ANSWER;
        let is_unanswered = !has_answered && outcome != Outcome::Interrupted && outcome != Outcome::GatewayError;
        if let Some(record) = context.record.as_mut().filter(|_| is_unanswered) {
            record.nothing_consumed();
        }
        // Settled first: a client that reads the error and asks for the record finds it.
        context.settle(outcome, written.unwrap_or(told.status()), Some(told.code));
        let mut is_whole = false;
        if written.is_none() {
            // Pingora closes a connection whose exchange failed; the real session has to say so to the client.
            context.unwrap_session(session.as_downstream_mut());
            session.set_keepalive(None);
            let _ = answers::write_error(session, context, &told).await;
        } else if let Some(last_words) = context.relay.as_mut().and_then(|relay| relay.last_words(&told)) {
            // A body that ends says to an HTTP/1 client that it may use the connection again.
            let ends = serves_on || session.req_header().version == Version::HTTP_2;
            is_whole = session.write_response_body(Some(last_words), ends).await.is_ok() && ends;
        }
        FailToProxy { error_code: written.unwrap_or(told.status()), can_reuse_downstream: is_whole }
    }

    /// The end of an answer that the upstream broke off. A stream gets its last event and its end, and the connection serves on:
    /// the client may be sending its next request on it. What cannot be mended is cut, so that nobody takes it for whole.
    pub(super) async fn conclude_broken(&self, session: &mut Session, error: &Error, context: &mut RequestContext) {
        self.note_attempt(context, error);
        if let Some(fault) = routing::of_error(error) {
            context.end_attempt(fault, None);
        }
        if !self.conclude(session, error, context, true).await.can_reuse_downstream {
            session.set_keepalive(None);
            session.shutdown().await;
        }
    }
}

/// The status that the client was given. `100 Continue` is none: it only lets the body come.
pub(super) fn begun(session: &Session) -> Option<u16> {
    let status = session.response_written()?.status;
    (!status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS).then(|| status.as_u16())
}

/// Whether the exchange failed by the upstream, and not by the client or by us.
fn is_upstreams(error: &Error) -> bool {
    *error.etype() == EMPTY_ANSWER || error.esource() == &ErrorSource::Upstream
}
