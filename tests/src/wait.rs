//! Waiting for something to become true, never for time to pass.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take that has no promise of its own.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until there is an answer; fails the test with `what` when none comes.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    match within(PATIENCE, ask).await {
        Some(answer) => answer,
        None => panic!("did not happen within {PATIENCE:?}: {what}"),
    }
}

/// Reads a value again and again until it is the expected one; fails the test with the last one read.
pub async fn wait_until<T: PartialEq + Debug, F: Future<Output = T>>(
    what: &str,
    expected: T,
    mut read: impl FnMut() -> F,
) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let value = read().await;
        if value == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: still {value:?} after {PATIENCE:?}, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn within<T, F: Future<Output = Option<T>>>(patience: Duration, mut ask: impl FnMut() -> F) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
