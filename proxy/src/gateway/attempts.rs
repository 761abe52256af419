//! The attempts of a request: whom to connect to and how to sign in, and what a broken one means.

use deltallm_shared::time_text::Timestamp;
use pingora::{Error, ErrorSource, ErrorType, Result, proxy::Session, upstreams::peer::HttpPeer};

use super::{ANOTHER_ATTEMPT, Gateway, conclusion::begun, realtime};
use crate::{
    context::RequestContext, credentials::CredentialError, snapshot::Deployment, telemetry::metrics::OutcomeLabel,
};

impl Gateway {
    /// The address of the first deployment of the plan, from the current one on, that can be asked.
    pub(super) async fn reach(&self, context: &mut RequestContext) -> Result<Box<HttpPeer>> {
        if context.overhead_us == 0 {
            context.overhead_us = u64::try_from(context.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        }
        let streams = context.call.as_ref().is_some_and(|call| call.streams);
        let upgrades = context.upgrades();
        while let Some(deployment) = context.deployment().cloned() {
            let silence = match (upgrades, streams) {
                (true, _) => realtime::SESSION_LIMIT,
                (false, true) => deployment.stream_timeout,
                (false, false) => deployment.timeout,
            };
            let found = match self.peers.of(&deployment, silence).await {
                Ok(peer) => self.sign_in(&deployment, context).await.map(|()| peer).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match found {
                Ok(peer) => return Ok(peer),
                Err(error) => {
                    self.count_attempt("failed");
                    tracing::error!(request_id = context.request_id, deployment_id = %deployment.id, %error, "the deployment cannot be asked");
                    if !context.next_deployment() {
                        return Err(Error::explain(ErrorType::ConnectError, error).into_up());
                    }
                }
            }
        }
        Error::e_explain(ErrorType::InternalError, "no deployment is left")
    }

    /// Whether an exchange that broke is made again: with the next credential, or over a fresh connection where the upstream had
    /// closed a pooled one meanwhile. Anything else is final.
    pub(super) fn is_made_again(
        &self,
        session: &Session,
        error: &mut Error,
        context: &mut RequestContext,
        is_reused: bool,
    ) -> bool {
        self.note_attempt(context, error);
        // A sick credential was set aside; the next one of the pool has its turn.
        if *error.etype() == ANOTHER_ATTEMPT {
            return true;
        }
        // Pingora marks what may be tried again on a fresh connection only; the mark must be decided before it is read.
        error.retry.decide_reuse(is_reused);
        let is_stale = is_reused
            && error.esource() == &ErrorSource::Upstream
            && error.retry()
            && matches!(error.etype(), ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError);
        is_stale && begun(session).is_none()
    }

    /// A credential of the deployment's pool, with the token that it needs.
    async fn sign_in(&self, deployment: &Deployment, context: &mut RequestContext) -> Result<(), CredentialError> {
        let seed = context.record.as_ref().map_or(0, |record| record.event().event_id.random_bits());
        context.credential = deployment.credentials.pick(Timestamp::now(), seed);
        match &context.credential {
            Some(credential) => credential.ready(&self.tokens).await,
            None => Ok(()),
        }
    }

    pub(super) fn count_attempt(&self, outcome: &'static str) {
        self.accounts.metrics.upstream_attempts.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(super) fn note_attempt(&self, context: &mut RequestContext, error: &Error) {
        self.count_attempt(if error.esource() == &ErrorSource::Downstream { "client_closed" } else { "failed" });
        tracing::debug!(request_id = context.request_id, attempt = context.attempts_made, cause = %error, "an attempt failed");
    }
}
