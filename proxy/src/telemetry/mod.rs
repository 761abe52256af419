//! What operators see: metrics, all in one table.

pub mod metrics;
