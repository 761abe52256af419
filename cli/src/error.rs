//! Why `deltallm up` cannot go on, in words that say what to do.

use std::{io, path::Path};

/// Ends `deltallm up`.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// Something to be told to the operator as it stands.
    #[error("{0}")]
    Told(String),
    /// A file or folder did not do.
    #[error("{path}: cannot {action}: {source}")]
    Path {
        /// What was tried: `create it`, `read it` …
        action: &'static str,
        /// On which path.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// SIGINT or SIGTERM came while things were being started: no failure.
    #[error("stopped while starting")]
    Stopped,
}

impl UpError {
    /// A plain text.
    pub fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }
}

/// Gives an I/O error its path.
pub trait OnPath<T> {
    /// `action` completes "cannot …".
    fn on_path(self, action: &'static str, path: &Path) -> Result<T, UpError>;
}

impl<T> OnPath<T> for io::Result<T> {
    fn on_path(self, action: &'static str, path: &Path) -> Result<T, UpError> {
        self.map_err(|source| UpError::Path { action, path: path.display().to_string(), source })
    }
}
