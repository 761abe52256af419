//! Hot reload of `config.yaml` into the [`Store`].

use std::sync::Arc;

use deltallm_shared::config::{ProcessEnvironment, WatchedFile};
use parking_lot::Mutex;

use super::store::Store;

/// Watches the file for ever.
pub async fn run(mut file: WatchedFile, store: Arc<Mutex<Store>>) {
    loop {
        tokio::time::sleep(WatchedFile::EVERY).await;
        if let Some(config) = file.changed(&ProcessEnvironment) {
            store.lock().set_file(Arc::new(config));
        }
    }
}
