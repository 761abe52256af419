//! The streamed configuration on disk, so that a proxy starts while its admin service is away.
//!
//! Keys in it are hashes and credentials are sealed; the file is written beside, synced and renamed, so it is whole or not there.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use deltallm_shared::{
    control::{ConfigMessage, ConfigSnapshot},
    crypto::hex,
};
use sha2::{Digest, Sha256};

/// The file, and nothing else, under this name.
pub struct LastKnownGood {
    path: PathBuf,
}

impl LastKnownGood {
    /// In the data folder.
    pub fn at(folder: &Path) -> Self {
        Self { path: folder.join("snapshot.json") }
    }

    /// What was written last; `None` where there is none or it is damaged.
    pub fn read(&self) -> Option<ConfigMessage> {
        let text = fs::read_to_string(&self.path).ok()?;
        let (checksum, body) = text.split_once('\n')?;
        if checksum != hex(&Sha256::digest(body.as_bytes())) {
            tracing::error!(file = %self.path.display(), "the last-known-good configuration is damaged and is not used");
            return None;
        }
        serde_json::from_str(body).ok()
    }

    /// Replaces it.
    pub fn write(&self, version: i64, snapshot: ConfigSnapshot) -> io::Result<()> {
        let body = serde_json::to_string(&ConfigMessage::Snapshot { version, snapshot })?;
        let next = self.path.with_extension("next");
        let mut file = private_file(&next)?;
        writeln!(file, "{}", hex(&Sha256::digest(body.as_bytes())))?;
        file.write_all(body.as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = LastKnownGood::at(folder.path());
        assert!(file.read().is_none());
        file.write(7, ConfigSnapshot::default()).unwrap();
        assert_eq!(file.read(), Some(ConfigMessage::Snapshot { version: 7, snapshot: ConfigSnapshot::default() }));
        let path = folder.path().join("snapshot.json");
        let text = fs::read_to_string(&path).unwrap().replace("\"version\":7", "\"version\":8");
        fs::write(&path, text).unwrap();
        assert!(file.read().is_none());
    }
}
