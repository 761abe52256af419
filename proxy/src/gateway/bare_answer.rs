//! An answer that ends with its header. Pingora calls no body filter for it, so nothing of it could be replaced or settled there.

use deltallm_shared::event::Outcome;
use http::StatusCode;
use pingora::{Error, ErrorType, Result, http::ResponseHeader, proxy::Session};

use super::{ANOTHER_ATTEMPT, Gateway};
use crate::{answers, context::RequestContext, stages::relay::Relay};

/// Pingora's error for an answer of the upstream without a body.
pub(super) const EMPTY_ANSWER: ErrorType = ErrorType::Custom("the upstream's answer has no body");

/// Whether nothing follows the header.
pub(super) fn is_bare(session: &Session, header: &ResponseHeader) -> bool {
    is_head(session) || answers::has_no_body(header)
}

fn is_head(session: &Session) -> bool {
    session.req_header().method == http::Method::HEAD
}

impl Gateway {
    /// Where such an answer is what was asked for, the client gets it; else it is an error of the provider's.
    pub(super) fn answer_bare(
        &self,
        session: &Session,
        header: &mut ResponseHeader,
        mut relay: Relay,
        context: &mut RequestContext,
    ) -> Result<()> {
        let is_head = is_head(session);
        let is_unchanged = header.status == StatusCode::NOT_MODIFIED && context.onward.is_some();
        if is_unchanged || (header.status.is_success() && (is_head || relay.may_be_empty())) {
            let status = header.status.as_u16();
            *header = answers::empty_header(header, is_head, context)?;
            context.settle(Outcome::Completed, status, None);
            return Ok(());
        }
        let refused = relay.verdict();
        // A refusal has its say at the end; what has no body and is none has produced nothing.
        context.relay = refused.is_some().then_some(relay);
        if refused.is_some_and(|refused| self.is_asked_otherwise(context, &refused)) {
            return Error::e_explain(ANOTHER_ATTEMPT, header.status.to_string());
        }
        Error::e_explain(EMPTY_ANSWER, header.status.to_string())
    }
}
