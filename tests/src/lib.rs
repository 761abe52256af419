//! The harness of the whole-system tests: the real programs, a real PostgreSQL, a mock upstream.
//!
//! [`System`] starts and ends them, [`Caller`] is a client of the API, [`Dashboard`] one of the
//! admin service, [`Books`] reads what PostgreSQL holds, [`Upstream`] what the provider saw.
//! A harness that cannot do its work fails the test at once, so it may panic.
#![expect(clippy::expect_used, clippy::panic, reason = "a harness that cannot do its work fails the test at once")]

mod books;
mod caller;
mod config;
mod dashboard;
mod deployment;
mod lane;
pub mod providers;
mod reading;
mod redis;
mod sse;
mod system;
mod upstream;
mod wait;
pub mod wire;

pub use books::{Books, SpendRow};
pub use caller::{Answer, Caller, OpenStream, chat_body, plain_body, stream_body};
pub use config::{INPUT_NANO_USD, MASTER_KEY, MODEL, OUTPUT_NANO_USD, UPSTREAM_KEY, UPSTREAM_MODEL, model_entry};
pub use dashboard::{CreatedKey, Dashboard};
pub use deployment::{Deployment, Place};
pub use lane::Lane;
pub use reading::Reading;
pub use redis::Redis;
pub use sse::{Event, parse_events};
pub use system::{Proxy, System, SystemBuilder};
pub use upstream::{Ledger, Received, Tally, Upstream};
pub use wait::{eventually, wait_until};
