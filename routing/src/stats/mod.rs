//! What is known of one deployment, on this replica: requests under way, times, use of its limits, health. Shared by all requests;
//! reading is a few atomic loads.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use deltallm_shared::routing::{CircuitPolicy, Fault};

use crate::tick::Tick;

/// See the module. Lives as long as the deployment is configured, whatever else of its settings changes.
#[derive(Debug, Default)]
pub struct DeploymentStats {
    in_flight: AtomicU32,
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
    pub fn view(&self, _now: Tick, _limits: &Limits, _tokens: u64) -> StatsView {
        StatsView {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            headroom_ppm: 1_000_000,
            has_room: true,
            ..StatsView::default()
        }
    }

    /// An attempt begins. Every `begin` is followed by one [`Self::end`].
    pub fn begin(&self, _now: Tick, _tokens: u64) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt ended. `tokens`: what [`Self::begin`] was told.
    pub fn end(&self, _now: Tick, _tokens: u64, _ending: Ending, _policy: &CircuitPolicy) -> Option<Transition> {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// Takes note of the provider's own limits, from the header lines of an answer. Names are lower case.
    pub fn read_limits<'a>(&self, _now: Tick, _lines: impl Iterator<Item = (&'a str, &'a str)>) {}

    /// The time to first token that this share of a hundred requests keeps; `None` before enough is known.
    pub fn first_token_percentile(&self, _percentile: u8) -> Option<Duration> {
        None
    }

    /// Another replica, or an active check, found it sick until then; `None`: well.
    pub fn told(&self, _set_aside_until: Option<Tick>, _limited_until: Option<Tick>) {}
}
