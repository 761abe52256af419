//! Waiting in the place of a 429: who asks for a group that is full stands in line until there is room, or its time is over.
//!
//! Who is let in next says [`deltallm_routing::queue`]. One is let in when an attempt of the group ends ([`Queueing::one_ended`]) or
//! when a limit's time is over (one timer for a group with a line; without a line nothing runs). Whoever is let in chooses again: it
//! found a deployment and drops its [`Turn`], which lets the next one have a look, because there may be room for more; or it did not,
//! and goes back to its place ([`Turn::again`]). Nobody polls.
//!
//! Dropping the future leaves the line, and a turn that was given to it meanwhile goes to the next one.

mod line;

use std::{sync::Arc, time::Duration};

use deltallm_routing::queue::{LAST_CLASS, Owner};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    routing,
};
use http::HeaderMap;
use tokio::time::Instant;

use self::line::Line;
pub use self::line::Turn;
use crate::{routing::HealthNews, stages::authenticate::Principal, telemetry::metrics::Metrics};

/// Where a request says its class.
pub const PRIORITY_HEADER: &str = "x-deltallm-priority";
/// The class of who says none, and the best one for an API key: a caller may step back, but not push forward.
const USUAL_CLASS: u8 = 5;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// 0 comes first.
    pub class: u8,
    /// A key without a team is a team of its own.
    pub team: Owner,
    /// The key; the master key is one as well.
    pub key: Owner,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueRefused {
    /// The line is as long as it may be, or somebody who waits less got its place.
    Full,
    /// Its time is over.
    TimeUp,
}

/// The lines of all groups.
pub struct Queueing {
    lines: papaya::HashMap<String, Arc<Line>>,
    metrics: Arc<Metrics>,
}

impl Asker {
    /// By the request's header, within what its principal may.
    pub fn of(principal: &Principal, headers: &HeaderMap) -> Result<Self, ApiError> {
        let said = headers.get(PRIORITY_HEADER).map(|value| value.to_str().unwrap_or_default().parse::<u8>());
        let class = match said {
            None => USUAL_CLASS,
            Some(Ok(class)) if class <= LAST_CLASS => class,
            Some(_) => {
                let text = format!("`{PRIORITY_HEADER}` is a figure from 0, which comes first, to {LAST_CLASS}.");
                return Err(ApiError::about(ErrorCode::InvalidRequest, PRIORITY_HEADER, text));
            }
        };
        Ok(match principal {
            Principal::Master => Self { class, team: 0, key: 0 },
            Principal::Key { key, .. } => {
                let of_key = key.id.0.as_u128();
                Self {
                    class: class.max(USUAL_CLASS),
                    team: key.team_id.map_or(of_key, |team| team.0.as_u128()),
                    key: of_key,
                }
            }
        })
    }
}

impl QueueRefused {
    /// What the caller is told.
    pub fn error(self, model: &str) -> ApiError {
        let text = match self {
            Self::Full => {
                format!("`{model}` is at its limits and too many requests wait for it already. Try again later.")
            }
            Self::TimeUp => {
                format!("`{model}` is at its limits, and there was no room for this request in time. Try again later.")
            }
        };
        ApiError::new(ErrorCode::RateLimitExceeded, text)
    }
}

impl Queueing {
    /// Nobody waits yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { lines: papaya::HashMap::new(), metrics }
    }

    /// Whether somebody waits for a group: who comes then stands in line too, and does not take the room that others wait for.
    pub fn has_line(&self, group: &str) -> bool {
        self.lines.pin().get(group).is_some_and(|line| !line.is_empty())
    }

    /// Waits for a turn; at the latest until the group's longest wait or the request's own deadline. `opens_at`: when the first limit
    /// of the group is over, where that is known.
    pub async fn wait(
        &self,
        group: &str,
        policy: routing::Queue,
        asker: Asker,
        deadline: Instant,
        opens_at: Option<Instant>,
    ) -> Result<Turn, QueueRefused> {
        let known = self.lines.pin().get(group).cloned();
        let line = known.unwrap_or_else(|| {
            let new = || Arc::new(Line::new(group.to_owned(), Arc::clone(&self.metrics)));
            Arc::clone(self.lines.pin().get_or_insert_with(group.to_owned(), new))
        });
        let came = Instant::now();
        let until = deadline.min(came + Duration::from_millis(policy.max_wait_ms));
        line.wait(policy, asker, came, until, opens_at).await
    }

    /// See [`HealthNews::ended`].
    fn one_ended(&self, group: &str) {
        let line = self.lines.pin().get(group).cloned();
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            line.let_one_in();
        }
    }
}

impl HealthNews for Queueing {
    fn ended(&self, group: &str) {
        self.one_ended(group);
    }
}

#[cfg(test)]
mod tests;
