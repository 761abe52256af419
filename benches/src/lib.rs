//! What the benches and the whole-system tests share: a mock upstream, a load generator, the rig.

mod load;
mod mock;
mod rig;

pub use load::{LoadArgs, LoadReport, Quantiles, run_load};
pub use mock::{MockArgs, run_mock};
pub use rig::postgres::Postgres;
pub use rig::service::Service;
pub use rig::{BenchArgs, binaries, run_bench};
