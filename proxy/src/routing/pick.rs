//! One choice among the deployments of the group that a request is at: what is known of each at this moment, handed to
//! `deltallm-routing`, and whether the chosen one can do what is asked.

use std::sync::Arc;

use deltallm_routing::{
    candidate::{Ask, Candidate},
    choose::{Decision, choose},
    seed::mix,
    tick::Tick,
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    ids::DeploymentId,
    routing::{SkipReason, Strategy, TagMatch},
    time_text::Timestamp,
};

use super::{
    clock::now,
    route::{Blocked, Route},
};
use crate::{accounting::route_log::RouteLog, snapshot::Deployment};

/// Who may be picked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Only those that are not set aside.
    Well,
    /// Those too, where nobody else is left.
    Anybody,
}

impl Route {
    /// One of the group that was not asked yet and can do what is asked.
    pub(super) fn pick<T>(
        &self,
        log: &mut RouteLog,
        how: &mut impl FnMut(&Deployment) -> Result<T, ApiError>,
        wanted: Wanted,
    ) -> Result<(Arc<Deployment>, T), Blocked> {
        let (group, routing) = (&self.group, &self.group.routing);
        let at = now();
        let mut objection = None;
        let mut cannot: Vec<DeploymentId> = Vec::new();
        loop {
            let mut candidates: Vec<Candidate> =
                group.iter().map(|deployment| self.candidate(deployment, at, &cannot)).collect();
            let table = || group.state.prefixes();
            let ask = Ask {
                now: at,
                seed: mix(self.facts.seed ^ u64::from(self.asked_so_often())),
                turn: group.state.next_turn(),
                streams: self.facts.streams,
                is_tagged: !self.overrides.tags.is_empty(),
                tokens: self.facts.tokens,
                session: self.facts.session,
                warm: self.facts.prefixes.as_ref().and_then(|prefixes| table().warm(prefixes, at)),
                is_first: self.asked.is_empty(),
                may_retry: self.attempts_left > 1,
            };
            let decision = choose(routing, &mut candidates, &ask);
            let chosen = match decision {
                Decision::Chosen(index) => Some(index),
                Decision::LastResort(index) if wanted == Wanted::Anybody => Some(index),
                _ => None,
            };
            let Some((index, deployment)) = chosen.and_then(|index| Some((index, group.get(index)?))) else {
                // Why nobody of the group that was asked for could serve is what is asked about afterwards.
                if self.asked.is_empty() && wanted == Wanted::Well {
                    log.chose(group, self.fallback, &candidates, None, &ask);
                }
                return Err(match decision {
                    Decision::Full { until } if objection.is_none() => Blocked::Full(until),
                    _ => Blocked::Cannot(objection.unwrap_or_else(|| nobody(&group.name))),
                });
            };
            match how(deployment) {
                Ok(found) => {
                    log.chose(group, self.fallback, &candidates, Some(index), &ask);
                    if let Some(prefixes) = &self.facts.prefixes {
                        table().remember(prefixes, deployment.identity(), at);
                    }
                    return Ok((Arc::clone(deployment), found));
                }
                Err(error) => {
                    objection.get_or_insert(error);
                    cannot.push(deployment.id);
                }
            }
        }
    }

    fn candidate(&self, deployment: &Deployment, at: Tick, cannot: &[DeploymentId]) -> Candidate {
        let skip = if cannot.contains(&deployment.id) {
            Some(SkipReason::CannotServe)
        } else if self.has_asked(deployment.id) {
            Some(SkipReason::Tried)
        } else {
            let pool = &deployment.credentials;
            let is_locked_out = !pool.is_empty() && pool.healthy(Timestamp::now()) == 0;
            is_locked_out.then_some(SkipReason::NoCredential)
        };
        let routing = &self.group.routing;
        let is_canary = routing.canary.is_some() && self.group.is_canary(deployment);
        Candidate {
            identity: deployment.identity(),
            weight: deployment.weight,
            priority: deployment.priority,
            price_nano_usd: (routing.strategy == Strategy::CostBased)
                .then(|| deployment.expected_price(self.facts.input_tokens, self.facts.tokens))
                .flatten(),
            has_tags: has_tags(&deployment.tags, &self.overrides.tags, routing.tag_match),
            is_default: routing.filters_tags && deployment.tags.iter().any(|tag| tag == Candidate::DEFAULT_TAG),
            is_canary,
            is_canary_returned: is_canary && self.group.state.canary.is_returned(),
            stats: deployment.stats.view(at, &deployment.limits, self.facts.tokens),
            skip,
        }
    }
}

fn has_tags(own: &[String], wanted: &[String], how: TagMatch) -> bool {
    match how {
        _ if wanted.is_empty() => true,
        TagMatch::All => wanted.iter().all(|tag| own.contains(tag)),
        TagMatch::Any => wanted.iter().any(|tag| own.contains(tag)),
    }
}

fn nobody(model: &str) -> ApiError {
    let text = format!("No deployment of `{model}` is meant for this request, by its tags, or can be asked now.");
    ApiError::new(ErrorCode::NoHealthyDeployment, text)
}
