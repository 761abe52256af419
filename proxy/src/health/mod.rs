//! What becomes known of a deployment's health, and who is told.
//!
//! [`log`] writes it down, [`shared`] tells other replicas and hears from them over [`redis_link`], [`active_check`]
//! looks after those that nobody asks ([`check_plan`] says when, [`checker`] how); [`report`] shows all of it to an operator.

pub mod active_check;
mod check_plan;
pub mod checker;
mod log;
mod news;
pub mod redis_link;
pub mod report;
pub mod shared;

pub use log::HealthLog;
pub use news::ToAll;
