//! What is known of one deployment, on this replica: requests under way, times, use of its limits, health. Shared by all requests;
//! reading is a few atomic loads.
//!
//! | module | knows |
//! |---|---|
//! | `in_flight` | requests under way |
//! | `ewma`, `percentile` | times, with what is older weighing less (`decay`) |
//! | `usage`, `window` | how much of our own limits is used |
//! | `provider_limits`, `header_lines`, `http_date` | what the provider says of its own |
//! | `headroom` | what the scarcest of all limits leaves |
//! | `circuit` | when it is set aside, and how it comes back |
//! | `report` | all of it, for an operator |

mod circuit;
mod decay;
mod ewma;
mod header_lines;
mod headroom;
mod http_date;
mod in_flight;
mod percentile;
mod provider_limits;
mod report;
mod usage;
mod window;

use std::time::Duration;

use deltallm_shared::routing::{CircuitPolicy, Fault};
pub use header_lines::retry_after;
pub use provider_limits::Left;
pub use report::{HealthState, ProviderLimit, StatsReport};

use self::{
    circuit::Circuit, ewma::Ewma, headroom::Leeway, in_flight::InFlight, percentile::Spread,
    provider_limits::ProviderLimits, usage::Usage,
};
use crate::{retry::consequence, tick::Tick};

/// See the module. Lives as long as the deployment is configured, whatever else of its settings changes.
#[derive(Debug, Default)]
pub struct DeploymentStats {
    in_flight: InFlight,
    /// Of answered attempts only: a failure must not make a deployment look quick.
    first_token: Ewma,
    total: Ewma,
    first_tokens: Spread,
    usage: Usage,
    provider_limits: ProviderLimits,
    circuit: Circuit,
}

/// An attempt that has begun. Goes back to [`DeploymentStats::end`], once.
#[derive(Clone, Copy, Debug)]
#[must_use = "every attempt that begins has to end"]
pub struct Begun {
    at: Tick,
    tokens: u64,
    epoch: u32,
    probe: Option<u64>,
}

impl Begun {
    /// Whether this attempt decides if a deployment on probation is well.
    pub const fn is_probe(&self) -> bool {
        self.probe.is_some()
    }
}

/// The limits of a deployment, as they are configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a minute.
    pub rpm: Option<u64>,
    /// Tokens in a minute.
    pub tpm: Option<u64>,
    /// Requests at a time.
    pub parallel: Option<u32>,
}

/// What is known at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatsView {
    /// Requests under way.
    pub in_flight: u32,
    /// Exponentially weighted time to first token, in microseconds; 0: not known yet.
    pub first_token_us: u64,
    /// Exponentially weighted total time, in microseconds; 0: not known yet.
    pub total_us: u64,
    /// What is left of the scarcest limit, ours or the provider's, in parts of a million; a million where there is none.
    pub headroom_ppm: u32,
    /// Whether this request has room in the limits.
    pub has_room: bool,
    /// When it has room again, where it has none and that is known: not where it has to wait for another request to end.
    pub room_at: Option<Tick>,
    /// Until when it is set aside for its failures.
    pub set_aside_until: Option<Tick>,
    /// Until when its provider limits us.
    pub limited_until: Option<Tick>,
    /// Whether it was set aside, its time is over, and it has to prove itself with one request.
    pub is_on_probation: bool,
    /// Whether the request that proves it is under way.
    pub is_probed: bool,
}

impl StatsView {
    /// Whether it should not be asked now.
    pub fn is_set_aside(&self, now: Tick) -> bool {
        self.set_aside_until.is_some_and(|until| until > now) || self.limited_until.is_some_and(|until| until > now)
    }
}

/// How an attempt ended, for the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// An answer came, whole.
    Answered {
        /// From the start of the attempt to its first content; `None` where it was no stream.
        first_token: Option<Duration>,
        /// From the start of the attempt to its end.
        total: Duration,
        /// Tokens in and out.
        tokens: u64,
    },
    /// It failed.
    Failed {
        /// Why.
        fault: Fault,
        /// For how long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Nobody waited for its end: the client left, another one was quicker.
    Abandoned,
}

/// A change of health that others should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Set aside until then.
    SetAside {
        /// Its end.
        until: Tick,
        /// The last fault.
        fault: Fault,
    },
    /// Its provider limits us until then.
    Limited {
        /// Its end.
        until: Tick,
    },
    /// Well again.
    Recovered,
}

impl DeploymentStats {
    /// What is known now. `tokens`: what the request is expected to take.
    pub fn view(&self, now: Tick, limits: &Limits, tokens: u64) -> StatsView {
        let in_flight = self.in_flight.count();
        let mut room = Leeway::ALL;
        self.usage.narrow(&mut room, now, limits, tokens);
        self.provider_limits.narrow(&mut room, now, tokens);
        if let Some(limit) = limits.parallel {
            room.narrow(limit.into(), limit.saturating_sub(in_flight).into(), 1, || None);
        }
        let standing = self.circuit.standing(now);
        StatsView {
            in_flight,
            first_token_us: self.first_token.read(now),
            total_us: self.total.read(now),
            headroom_ppm: room.headroom_ppm,
            has_room: room.has_room,
            room_at: room.room_at,
            set_aside_until: standing.set_aside_until,
            limited_until: standing.limited_until,
            is_on_probation: standing.is_on_probation,
            is_probed: standing.is_probed,
        }
    }

    /// An attempt begins; on probation the first one is the probe. Every `begin` is followed by one [`Self::end`].
    pub fn begin(&self, now: Tick, tokens: u64) -> Begun {
        self.in_flight.begin();
        self.usage.begin(now, tokens);
        self.provider_limits.begin(now, tokens);
        let (epoch, probe) = self.circuit.begin(now);
        Begun { at: now, tokens, epoch, probe }
    }

    /// An attempt ended. `begun`: what [`Self::begin`] gave.
    pub fn end(&self, now: Tick, begun: Begun, ending: Ending, policy: &CircuitPolicy) -> Option<Transition> {
        self.in_flight.end();
        match ending {
            Ending::Answered { first_token, total, tokens } => {
                self.total.record(now, total);
                if let Some(first_token) = first_token {
                    self.first_token.record(now, first_token);
                    self.first_tokens.record(now, first_token);
                }
                self.usage.settle(begun.at, now, begun.tokens, tokens);
                self.circuit.answered(now, &begun, policy)
            }
            Ending::Failed { fault, retry_after } => {
                if is_refused_unread(fault) {
                    self.usage.settle(begun.at, now, begun.tokens, 0);
                }
                self.judge(now, &begun, fault, retry_after, policy)
            }
            // What it took nobody knows: the expectation stands.
            Ending::Abandoned => {
                self.circuit.release(&begun);
                None
            }
        }
    }

    /// What a check found that is no request of anybody's and takes nothing of the limits.
    pub fn checked(&self, now: Tick, found: Result<(), Fault>, policy: &CircuitPolicy) -> Option<Transition> {
        match found {
            Ok(()) => self.circuit.recover().then_some(Transition::Recovered),
            Err(fault) => {
                let begun = Begun { at: now, tokens: 0, epoch: self.circuit.epoch(), probe: None };
                self.judge(now, &begun, fault, None, policy)
            }
        }
    }

    /// Takes note of the provider's own limits, from the header lines of an answer. Names are lower case.
    pub fn read_limits<'a>(&self, now: Tick, lines: impl Iterator<Item = (&'a str, &'a str)>) {
        self.provider_limits.read(now, lines);
    }

    /// The time to first token that this share of a hundred requests keeps; `None` before enough is known.
    pub fn first_token_percentile(&self, percentile: u8) -> Option<Duration> {
        self.first_tokens.percentile(percentile)
    }

    /// Another replica found it sick until then; of two pauses the longer one counts. Both `None`: it is well.
    pub fn told(&self, set_aside_until: Option<Tick>, limited_until: Option<Tick>) {
        self.circuit.told(set_aside_until, limited_until);
    }

    fn judge(
        &self,
        now: Tick,
        begun: &Begun,
        fault: Fault,
        retry_after: Option<Duration>,
        policy: &CircuitPolicy,
    ) -> Option<Transition> {
        let consequence = consequence(fault);
        if fault == Fault::RateLimit {
            return self.circuit.limited(now, begun, retry_after);
        }
        if consequence.counts {
            return self.circuit.failed(now, begun, fault, policy);
        }
        if consequence.alerts {
            self.circuit.note(now, fault);
        }
        self.circuit.release(begun);
        None
    }
}

/// Whether the provider has certainly generated nothing.
const fn is_refused_unread(fault: Fault) -> bool {
    !matches!(fault, Fault::Broken | Fault::FirstByteTimeout | Fault::ChunkTimeout | Fault::Timeout | Fault::Server)
}

#[cfg(test)]
#[path = "stats_tests.rs"]
mod tests;
