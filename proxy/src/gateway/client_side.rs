//! What is done with the client's own session before the upstream is asked: its body read, an error told, the session wrapped.

use std::time::Instant;

use bytes::Bytes;
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};
use pingora::{Result, proxy::Session};

use super::{Gateway, Stop, realtime};
use crate::{
    answers,
    context::RequestContext,
    net::replay_session::{ReplaySession, Wrapping},
    stages::{read_body, receive},
};

impl Gateway {
    /// From here on Pingora's own loop runs over the body that was read, or over a WebSocket.
    pub(super) fn hand_over(&self, session: &mut Session, context: &mut RequestContext, upgrades: bool) {
        // A large upload has its own limit of time; the provider's share begins when it is whole.
        let is_upload = context.call.as_ref().is_some_and(|call| call.upload.is_some());
        let time_left = match (upgrades, is_upload) {
            (true, _) => realtime::SESSION_LIMIT,
            (false, true) => context.deadline.saturating_duration_since(context.started),
            (false, false) => context.deadline.saturating_duration_since(Instant::now()),
        };
        context.deadline = Instant::now() + time_left;
        let wrapping = Wrapping {
            cut: self.lifecycle.cut(),
            time_left,
            clock: context.clock.clone(),
            instead: context.held.clone(),
            feed: context.feed.clone(),
            broken: context.broken.clone(),
            upgrades,
        };
        context.kept_session = Some(ReplaySession::wrap(session.as_downstream_mut(), wrapping));
    }

    /// read_body: JSON, whole and in memory.
    pub(super) async fn read_json(&self, session: &mut Session, context: &mut RequestContext) -> Result<Bytes, Stop> {
        let Some(received) = &context.received else { return Err(Stop::Refused(nothing_received())) };
        let client = session.as_downstream_mut();
        let body = read_body::read_body(client, received, self.max_request_body_bytes, &self.client).await?;
        context.is_body_read = true;
        Ok(body)
    }

    /// Tells the client why not, records it, and leaves the connection usable where that is possible.
    pub(super) async fn refuse(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        error: &ApiError,
    ) -> Result<()> {
        tracing::debug!(request_id = context.request_id, code = error.code.code(), message = error.message, "refused");
        context.error = Some(error.code);
        let outcome = if error.code.status() < 500 { Outcome::Refused } else { Outcome::GatewayError };
        context.settle(outcome, error.status(), Some(error.code));
        // What is left of a body would be taken for the next request.
        let leaves_body = !context.is_body_read && receive::announces_body(&session.req_header().headers);
        if leaves_body {
            session.set_keepalive(None);
        }
        answers::write_error(session, context, error).await?;
        if leaves_body {
            read_body::discard_body(session.as_downstream_mut(), self.max_request_body_bytes).await;
        }
        Ok(())
    }
}

/// A stage ran before the first one, which is a mistake of this file.
pub(super) fn nothing_received() -> ApiError {
    ApiError::new(ErrorCode::InternalError, "The gateway made a mistake.")
}
