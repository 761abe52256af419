//! Hot reload of `config.yaml`: looks at the file every second, keeps the old configuration when the new one is broken.
//!
//! Polling instead of notifications: it works for mounted volumes and for editors that replace the file.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use deltallm_shared::config::{self, ProcessEnvironment};
use parking_lot::Mutex;

use super::store::Store;

const EVERY: Duration = Duration::from_secs(1);

/// Watches the file for ever.
pub async fn run(path: PathBuf, store: Arc<Mutex<Store>>) {
    let mut seen = stamp(&path);
    loop {
        tokio::time::sleep(EVERY).await;
        let now = stamp(&path);
        if now == seen {
            continue;
        }
        seen = now;
        match config::check(&path, &ProcessEnvironment) {
            Ok(config) => {
                for warning in &config.warnings {
                    tracing::warn!("{warning}");
                }
                tracing::info!(
                    models = config.deployments.len(),
                    keys = config.keys.len(),
                    "configuration reloaded; settings of the service itself apply at its next start"
                );
                store.lock().set_file(Arc::new(config));
            }
            Err(errors) => {
                for error in errors {
                    tracing::error!("{error}");
                }
                tracing::error!(file = %path.display(), "the new configuration is broken; the old one stays in use");
            }
        }
    }
}

fn stamp(path: &PathBuf) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
