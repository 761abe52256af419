//! From a request to the deployments that are asked, in which order, and when to stop.
//!
//! The choice itself is in the crate `deltallm-routing`. Here is the way of one request through groups ([`route`]), what the caller
//! may change of it ([`overrides`]), and what an attempt leaves behind ([`in_flight`]). Nothing here speaks to anybody.

mod clock;
mod fault;
mod in_flight;
mod overrides;
mod pick;
mod route;

pub use clock::now;
pub use fault::{of_error, of_failure, of_last_words, of_refusal};
pub use in_flight::{AttemptInFlight, HealthNews};
pub use overrides::Overrides;
pub use route::{Blocked, Facts, Next, Route};
