//! The load generator: a bounded number of requests to a loopback address, and how long they took.
//!
//! Closed loop: every connection sends its next request when it has the answer of the last one.
//! Open loop (`--rate`): requests are due at fixed times whatever the answers do, and a request
//! that finds every connection busy is timed from when it was due, so a slow target cannot hide
//! its queue (no coordinated omission).

mod connection;
mod histogram;
mod plan;
mod report;
mod request;
mod schedule;
mod sse;

use std::sync::Arc;

pub use plan::LoadArgs;
use plan::Plan;
use report::Tally;
pub use report::{LoadReport, Quantiles};
use schedule::Schedule;

/// Runs the whole load and reports on it.
pub fn run_load(args: &LoadArgs) -> Result<LoadReport, String> {
    let plan = Arc::new(Plan::new(args)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async {
        let schedule = Arc::new(Schedule::start(&plan));
        let workers: Vec<_> = (0..plan.connections)
            .map(|_| tokio::spawn(connection::work(Arc::clone(&plan), Arc::clone(&schedule))))
            .collect();
        let mut total = Tally::new()?;
        for worker in workers {
            let tally = worker.await.map_err(|error| format!("a connection's task ended: {error}"))??;
            total.add(&tally)?;
        }
        Ok(total.report(&plan, schedule.elapsed()))
    })
}
