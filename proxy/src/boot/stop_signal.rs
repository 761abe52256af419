//! The signal to stop, and what is done before Pingora hears of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};

use crate::{accounting::Accounts, lifecycle::Lifecycle};

/// Drains before Pingora hears of the signal: it would drop open streams without a word.
pub(super) struct StopSignal {
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) drain: Duration,
    pub(super) accounts: Accounts,
}

#[async_trait]
impl ShutdownSignalWatch for StopSignal {
    async fn recv(&self) -> ShutdownSignal {
        any_signal().await;
        tracing::info!("asked to stop");
        self.lifecycle.drain(self.drain, any_signal()).await;
        let counter = self.accounts.counter.clone();
        let _ = tokio::task::spawn_blocking(move || counter.flush()).await;
        ShutdownSignal::FastShutdown
    }
}

/// SIGTERM, SIGINT or SIGQUIT.
async fn any_signal() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut stream) => drop(stream.recv().await),
            Err(error) => {
                tracing::error!(%error, "a signal cannot be listened for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::quit()) => {}
    }
}
