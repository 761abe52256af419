//! Cluster, service, client and a faulty link between service and database.

pub mod admin;
pub mod cluster;
pub mod events;
pub mod link;
pub mod stream;

use std::time::{Duration, Instant};

pub use admin::{Admin, MASTER_KEY};

/// Asks until the answer is yes; panics with `what` when that takes too long.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
