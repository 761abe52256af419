//! Hot reload: a configuration file that is looked at now and then. A broken change keeps the old configuration, and says why.
//!
//! Looking instead of notifications: it works for mounted volumes and for editors that replace the file.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{Config, Environment, check};

/// A file and how it looked last.
pub struct WatchedFile {
    path: PathBuf,
    seen: Option<(SystemTime, u64)>,
}

impl WatchedFile {
    /// How often to look.
    pub const EVERY: Duration = Duration::from_secs(1);

    /// Begins with the file as it is now.
    pub fn new(path: PathBuf) -> Self {
        let seen = stamp(&path);
        Self { path, seen }
    }

    /// The new configuration, if the file changed and is sound. What is wrong with it goes to the log.
    pub fn changed(&mut self, environment: &dyn Environment) -> Option<Config> {
        let now = stamp(&self.path);
        if now == self.seen {
            return None;
        }
        self.seen = now;
        match check(&self.path, environment) {
            Ok(config) => {
                for warning in &config.warnings {
                    tracing::warn!("{warning}");
                }
                let (models, keys) = (config.deployments.len(), config.keys.len());
                tracing::info!(
                    models,
                    keys,
                    "models and keys reloaded; the service's own settings apply at its next start"
                );
                Some(config)
            }
            Err(errors) => {
                for error in errors {
                    tracing::error!("{error}");
                }
                tracing::error!(file = %self.path.display(), "the new configuration is broken; the old one stays in use");
                None
            }
        }
    }
}

fn stamp(path: &PathBuf) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_change_is_given_out_once_and_a_broken_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, "").unwrap();
        let environment = |_: &str| None;
        let mut file = WatchedFile::new(path.clone());
        assert!(file.changed(&environment).is_none());
        std::fs::write(&path, "keys: [ { name: a, key: sk-0123456789abcdefghij } ]").unwrap();
        assert_eq!(file.changed(&environment).unwrap().keys.len(), 1);
        assert!(file.changed(&environment).is_none());
        std::fs::write(&path, "keyz: []").unwrap();
        assert!(file.changed(&environment).is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(file.changed(&environment).is_none());
    }
}
