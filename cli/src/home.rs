//! The folder where an installation keeps everything: `.deltallm` here, or `DELTALLM_HOME`.

use std::{
    env,
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::error::{OnPath, UpError};

/// Paths inside the home folder. Absolute, because services are started elsewhere.
pub struct Home {
    root: PathBuf,
}

/// Held as long as this launcher runs; the kernel lets go of it however the process ends.
pub struct HomeLock {
    _file: File,
}

impl Home {
    /// The home of this invocation, created where it is missing.
    pub fn open() -> Result<Self, UpError> {
        let named = env::var_os("DELTALLM_HOME").filter(|path| !path.is_empty());
        let root = PathBuf::from(named.unwrap_or_else(|| ".deltallm".into()));
        create_private(&root)?;
        let root = fs::canonicalize(&root).on_path("resolve it", &root)?;
        let home = Self { root };
        create_private(&home.run())?;
        create_private(&home.logs())?;
        Ok(home)
    }

    /// Refuses a second launcher on the same home.
    pub fn lock(&self) -> Result<HomeLock, UpError> {
        let path = self.run().join("deltallm.lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).on_path("open it", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(UpError::told(format!(
                "DeltaLLM is already running on {}. Stop that one first, or set DELTALLM_HOME to another folder for a second one.",
                self.root.display()
            ))),
            Err(TryLockError::Error(source)) => Err(source).on_path("lock it", &path),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Sockets and the lock.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The data of the embedded database; a link where it has to lie elsewhere.
    pub fn database(&self) -> PathBuf {
        self.root.join("pg")
    }

    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets.env")
    }

    /// The proxy's last-known-good configuration: with it a proxy starts without admin and database.
    pub fn snapshot(&self) -> PathBuf {
        self.root.join("snapshot.json")
    }
}

/// A folder for the owner's eyes only, unless it exists already.
pub fn create_private(path: &Path) -> Result<(), UpError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).on_path("create it", path)
}

/// Sets the permission bits of a file or folder.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), UpError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).on_path("set its permissions", path)
}
