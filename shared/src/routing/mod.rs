//! How requests find their deployment: the settings of a router and of its groups, and the trace of what was decided.
//!
//! A *group* is every deployment of one public model name. Settings stand in `config.yaml` (`router_settings`) or come through the
//! API, for the router as a whole or for one group; the nearer and the newer wins, field by field: [`RoutingSettings::over`]. What
//! the proxy does with them is in the crate `deltallm-routing`, which both services share.

mod effective;
mod fault;
mod rules;
mod settings;
mod strategy;
mod trace;

pub use effective::{CircuitPolicy, EffectiveRouting, RetryPolicy, Timers};
pub use fault::{FallbackKind, Fault};
pub use rules::Mistake;
pub use settings::{
    ActiveCheck, ActiveCheckKind, Canary, Hedge, Mirror, Queue, RoutingPolicyRecord, RoutingSettings, TagMatch,
};
pub use strategy::Strategy;
pub use trace::{AttemptEnd, AttemptTrace, CandidateTrace, Choice, RouteTrace, SkipReason};
