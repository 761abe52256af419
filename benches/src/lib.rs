//! What the benches and the whole-system tests share: a mock upstream, a load generator, the rig.

mod load;
mod mock;

pub use load::{LoadArgs, LoadReport, Quantiles, run_load};
pub use mock::{MockArgs, run_mock};
