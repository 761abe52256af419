//! What becomes known of a deployment's health, and who is told.
//!
//! [`log`] writes it down, [`shared`] tells other replicas and hears from them over [`redis_link`], [`report`] shows it to an
//! operator.

mod log;
mod news;
pub mod redis_link;
pub mod report;
pub mod shared;

pub use log::HealthLog;
pub use news::ToAll;
