//! DeltaLLM's data plane: a Pingora process that carries every request.
//!
//! [`gateway`] shows the way of a request and [`boot`] what it stands on. What decides (dialects, streams, routing) is pure;
//! what speaks to the network is in `net`, `accounting` and `snapshot`.

pub mod accounting;
pub mod answers;
pub mod boot;
pub mod call;
pub mod context;
pub mod credentials;
pub mod endpoints;
pub mod gateway;
pub mod health;
pub mod lifecycle;
pub mod listen;
pub mod mirror;
pub mod mock;
pub mod net;
pub mod onward_path;
pub mod ops;
pub mod owned_id;
pub mod providers;
pub mod queueing;
pub mod routing;
pub mod snapshot;
pub mod stages;
pub mod telemetry;
