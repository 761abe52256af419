//! The rig: real processes on one machine, started, measured and ended by their own ids.
//!
//! [`service`] starts a process and waits for its `ready` line, [`binaries`] finds the built
//! programs, [`postgres`] is a private database server; the whole-system tests use these three.
//! The rest measures: [`affinity`], [`process_stat`], [`nginx`], [`proxy_config`], [`scenario`],
//! [`round`], [`results`].

mod admin_call;
mod affinity;
pub mod binaries;
mod drive;
mod machine;
mod nginx;
pub mod postgres;
mod process_stat;
mod proxy_config;
mod results;
mod round;
mod scenario;
pub mod service;
mod target;

pub use drive::{BenchArgs, run_bench};
