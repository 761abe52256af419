//! What a fault leads to: whether it speaks against the deployment, who may be asked next, and when.

use std::time::Duration;

use deltallm_shared::routing::{FallbackKind, Fault, RetryPolicy};

use crate::seed::Seed;

/// What a fault leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// Whether it counts against the deployment's health. What one caller can cause never does.
    pub counts: bool,
    /// Whether another deployment of the group may do better.
    pub tries_next: bool,
    /// Whether the same deployment may do better later.
    pub tries_again: bool,
    /// Which fallbacks it leads to.
    pub fallback: Option<FallbackKind>,
    /// Whether an operator has to hear of it: our credential or model name is wrong there.
    pub alerts: bool,
}

/// The table.
pub const fn consequence(fault: Fault) -> Consequence {
    let of_deployment = Consequence {
        counts: true,
        tries_next: true,
        tries_again: true,
        fallback: Some(FallbackKind::General),
        alerts: false,
    };
    match fault {
        Fault::Dns
        | Fault::Connect
        | Fault::Tls
        | Fault::Broken
        | Fault::FirstByteTimeout
        | Fault::ChunkTimeout
        | Fault::Overloaded
        | Fault::Timeout
        | Fault::Server => of_deployment,
        // The provider says itself for how long; until then nobody asks it, but it is not sick.
        Fault::RateLimit => Consequence { counts: false, ..of_deployment },
        Fault::Conflict => Consequence { counts: false, ..of_deployment },
        Fault::Quota => Consequence { counts: false, tries_again: false, alerts: true, ..of_deployment },
        // One caller can bring these about: a stored thing that is not there, a region's rules. They never set anything aside.
        Fault::Auth | Fault::NotFound => {
            Consequence { counts: false, tries_again: false, alerts: true, ..of_deployment }
        }
        Fault::Unusable => Consequence { counts: false, tries_again: false, ..of_deployment },
        Fault::ContextWindow => Consequence {
            counts: false,
            tries_next: false,
            tries_again: false,
            fallback: Some(FallbackKind::ContextWindow),
            alerts: false,
        },
        Fault::ContentPolicy => Consequence {
            counts: false,
            tries_next: false,
            tries_again: false,
            fallback: Some(FallbackKind::ContentPolicy),
            alerts: false,
        },
        Fault::BadRequest => {
            Consequence { counts: false, tries_next: false, tries_again: false, fallback: None, alerts: false }
        }
    }
}

/// How long to wait before the same deployment is asked again; `None`: longer than the policy or the request's time allows.
///
/// `asked_before`: how often it was asked. `retry_after`: the provider's own word, which counts where there is one. Without it the
/// wait doubles each time and is scattered over its upper half, so that callers who failed together do not come back together.
pub fn wait_before(
    policy: &RetryPolicy,
    asked_before: u32,
    retry_after: Option<Duration>,
    time_left: Duration,
    seed: u64,
) -> Option<Duration> {
    let wait = match retry_after {
        Some(wanted) if wanted > policy.max_wait => return None,
        Some(wanted) => wanted,
        None => {
            let doubled =
                policy.base_wait.saturating_mul(1 << asked_before.saturating_sub(1).min(10)).min(policy.max_wait);
            let half = u64::try_from(doubled.as_micros() / 2).unwrap_or(u64::MAX);
            Duration::from_micros(half.saturating_add(Seed(seed).below(half.saturating_add(1))))
        }
    };
    (wait < time_left).then_some(wait)
}
