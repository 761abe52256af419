//! What a choice sees: each deployment of the group at this moment, and the request.

use std::cmp::Ordering;

use deltallm_shared::routing::SkipReason;

use crate::{seed::mix, stats::StatsView, tick::Tick};

/// A deployment at the moment of a choice. Small and without pointers, so that a hundred of them are made in a microsecond.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candidate {
    /// Always the same figure for a deployment, on every replica.
    pub identity: u64,
    /// Its share in its group.
    pub weight: u32,
    /// Its tier; the lowest serves first.
    pub priority: u32,
    /// What this request would cost here, in nano-dollars, by its estimate; `None`: no price is known.
    pub price_nano_usd: Option<i64>,
    /// Whether it has the tags of the request; true where the request has none or nobody asks.
    pub has_tags: bool,
    /// Whether one of its tags is [`Candidate::DEFAULT_TAG`]: it serves requests without tags, and those with tags that nobody has.
    pub is_default: bool,
    /// Whether it is on trial.
    pub is_canary: bool,
    /// Whether it was on trial and failed too often.
    pub is_canary_returned: bool,
    /// What is known of it at this moment.
    pub stats: StatsView,
    /// Why it cannot be chosen, where the caller knows already: asked before, no credential, cannot do what is asked.
    pub skip: Option<SkipReason>,
}

impl Candidate {
    /// See [`Self::is_default`].
    pub const DEFAULT_TAG: &str = "default";

    /// Whether it may be chosen, as far as is known.
    pub const fn is_open(&self) -> bool {
        self.skip.is_none()
    }

    /// Requests under way against the weight, compared without a division: the less it has to do for its weight, the less it is.
    /// Weight 0 counts as the heaviest load there is.
    pub fn cmp_load(&self, other: &Self) -> Ordering {
        let (mine, theirs) = (u64::from(self.weight), u64::from(other.weight));
        match (mine, theirs) {
            (0, 0) => self.stats.in_flight.cmp(&other.stats.in_flight),
            (0, _) => Ordering::Greater,
            (_, 0) => Ordering::Less,
            _ => (u64::from(self.stats.in_flight) * theirs).cmp(&(u64::from(other.stats.in_flight) * mine)),
        }
    }
}

/// What a choice has to know of the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask {
    /// The moment.
    pub now: Tick,
    /// Chance.
    pub seed: u64,
    /// A figure of the group that grows by one with each choice: whose turn it is.
    pub turn: u64,
    /// Whether the answer is a stream.
    pub streams: bool,
    /// Whether the request has tags.
    pub is_tagged: bool,
    /// Tokens that the request is expected to take in all.
    pub tokens: u64,
    /// Says which requests belong together; `None`: the caller does not say.
    pub session: Option<u64>,
    /// The deployment ([`Candidate::identity`]) whose prompt cache is warm for the longest beginning of this prompt.
    pub warm: Option<u64>,
    /// Whether this is the first choice for the request: only then a canary has its share.
    pub is_first: bool,
    /// Whether the request has another attempt after this one: only then it can find out whether somebody sick is well again.
    pub may_retry: bool,
}

impl Ask {
    /// Says with which deployment a session stays: the highest figure wins, so that a deployment that comes or goes moves only
    /// its own sessions (rendezvous hashing; Thaler, Ravishankar 1996).
    pub const fn affinity(session: u64, identity: u64) -> u64 {
        mix(session ^ mix(identity))
    }
}
