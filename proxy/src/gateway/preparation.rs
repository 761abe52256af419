//! What routing has to know of a call before it chooses, and the first choice: at once, or after waiting for room.

use std::time::Duration;

use deltallm_routing::seed::mix;
use deltallm_shared::error::{ApiError, ErrorCode};

use deltallm_shared::routing::Strategy;
use pingora::{Error, proxy::Session};
use tokio::time::Instant;

use super::{Gateway, Stop, attempts::over};
use crate::{
    accounting::{call_record::CallRecord, route_log::RouteLog},
    call::Call,
    net::replay_session::STOPPING,
    queueing::{Asker, QueueRefused, Turn},
    routing::{self, Blocked, Facts, Next, Overrides, Route},
    snapshot::{Group, Snapshot},
    stages::{
        authenticate::Principal,
        authorize,
        translate::{Attempt, translate},
    },
};

/// Tokens by size alone, for choosing and for limits of deployments; what is billed is another figure.
const BYTES_PER_TOKEN: u64 = 4;

/// Fallbacks that a caller names have to be models that it may use. Those that the operator names need not be: they serve in the
/// place of one that the caller may use.
pub(super) fn check_fallbacks(
    overrides: &Overrides,
    principal: &Principal,
    snapshot: &Snapshot,
) -> Result<(), ApiError> {
    for name in overrides.fallbacks.iter().flatten() {
        authorize::authorize(principal, snapshot, name).map_err(|mut error| {
            if error.code == ErrorCode::ModelNotFound || error.code == ErrorCode::ModelNotAllowed {
                error.param = Some("fallbacks".to_owned());
            }
            error
        })?;
    }
    Ok(())
}

/// What is known of the request before anybody is asked.
pub(super) fn facts_of(call: &Call, overrides: &Overrides, record: &CallRecord, group: &Group) -> Facts {
    let prompt_bytes = u64::try_from(call.index.prompt.len()).unwrap_or(u64::MAX);
    let input_tokens = prompt_bytes / BYTES_PER_TOKEN + 1;
    let output_tokens = call.index.max_output_tokens.unwrap_or(0).saturating_mul(call.index.answers.max(1));
    // Without a word of the caller, OpenAI's own name for requests that share a beginning says as much.
    let session = overrides.session.as_ref().or(call.index.prompt_cache_key.as_ref());
    Facts {
        seed: record.event().event_id.random_bits(),
        streams: call.streams,
        tokens: input_tokens.saturating_add(output_tokens),
        input_tokens,
        session: session.map(|session| figure_of(session)),
        prefixes: (group.routing.strategy == Strategy::PrefixAffinity)
            .then(|| group.state.prefixes().prefixes(call.body.get(call.index.prompt.clone()).unwrap_or_default())),
    }
}

/// A figure for a text, the same on every replica (FNV-1a; Fowler, Noll, Vo 1991).
fn figure_of(text: &str) -> u64 {
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

impl Gateway {
    /// Who is asked first. Where a group is full and lets requests wait, this one stands in line; where others do already, it goes
    /// behind them. `until`: when the request has used its time. The turn that it was given is kept until its attempt has begun: whoever looks next sees it.
    pub(super) async fn first_attempt(
        &self,
        session: &mut Session,
        route: &mut Route,
        log: &mut RouteLog,
        call: &Call,
        (principal, snapshot): (&Principal, &Snapshot),
        until: Instant,
    ) -> Result<(Next<Attempt>, Option<Turn>), Stop> {
        let how = |deployment: &_| translate(call, deployment);
        let Some(policy) = route.group().routing.queue else {
            let next = route.first(snapshot, log, how).map_err(|blocked| Stop::Refused(blocked.into()))?;
            return Ok((next, None));
        };
        let group = route.group().name.clone();
        let asker = Asker::of(principal, &session.req_header().headers)?;
        let mut turn: Option<Turn> = None;
        let mut opens = None;
        let deadline = until.min(Instant::now() + Duration::from_millis(policy.max_wait_ms));
        loop {
            let has_turn = turn.is_some() || !self.queueing.has_line(&group);
            if has_turn {
                match route.first(snapshot, log, how) {
                    Ok(next) => {
                        if let Some(turn) = &turn {
                            log.queued(turn.waited());
                        }
                        return Ok((next, turn));
                    }
                    Err(Blocked::Full(opens_at)) => opens = opens_at,
                    Err(blocked) => return Err(Stop::Refused(blocked.into())),
                }
            }
            let opens_at = opens.map(|tick| Instant::now() + tick.since(routing::now()));
            let waiting = async {
                match turn.take() {
                    Some(turn) => turn.again(opens_at).await,
                    None => self.queueing.wait(&group, policy, asker, deadline, opens_at).await,
                }
            };
            turn =
                Some(self.waited_for(session, waiting).await?.map_err(|refused| Stop::Refused(refused.error(&group)))?);
        }
    }

    /// Waits for a turn; a client that leaves meanwhile leaves the line, and so does everybody when the process stops.
    async fn waited_for(
        &self,
        session: &mut Session,
        waiting: impl Future<Output = Result<Turn, QueueRefused>>,
    ) -> Result<Result<Turn, QueueRefused>, Stop> {
        let mut cut = self.lifecycle.cut();
        tokio::select! {
            turn = waiting => Ok(turn),
            event = session.as_downstream_mut().read_body_or_idle(true) => Err(Stop::Broken(over(event))),
            _ = cut.wait_for(|cut| *cut) => Err(Stop::Broken(Error::explain(STOPPING, "drain limit reached"))),
        }
    }
}
