//! The whole system as a stranger meets it: the real programs over HTTP, a real PostgreSQL, a
//! provider that does what the test asks. Every story stands in the file named after its subject.
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod accounting;
mod bad_inputs;
mod bodies;
mod choices;
mod crash;
mod deployment_health;
mod fault_matrix;
mod framing;
mod hedging;
mod keys;
mod media;
mod mirroring;
mod mock_upstream;
mod models;
mod objects;
mod outages;
mod pass_through;
mod policies;
mod realtime;
mod routing;
mod secrecy;
mod sessions;
mod shared_health;
mod shutdown;
mod storm;
mod strange_upstreams;
mod streams;
mod upstream_errors;
mod waiting_line;
