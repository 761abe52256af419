//! What becomes known of a deployment's health, and who is told.

mod log;

pub use log::HealthLog;
