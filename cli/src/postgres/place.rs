//! Where the database's files and its socket lie.

use std::{
    env, fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, symlink},
    path::{Path, PathBuf},
};

use deltallm_shared::crypto;
use sha2::{Digest, Sha256};

use super::Account;
use crate::{
    error::{OnPath, UpError},
    home::{Home, create_private, set_mode},
};

/// Used by root when the home folder lies where no other account can come, such as below /root.
const SYSTEM_FOLDER: &str = "/var/lib/deltallm";

/// The kernel's limit for a socket's path is 108 bytes, with the name `.s.PGSQL.5432` and an end mark.
const MAX_SOCKET_FOLDER_BYTES: usize = 90;

/// Folders of one database.
pub struct Place {
    pub data: PathBuf,
    pub sockets: PathBuf,
}

impl Place {
    /// Finds the folders, creates what is missing above the data, and gives the account what it has to write to.
    pub fn prepare(home: &Home, account: Option<&Account>) -> Result<Self, UpError> {
        let data = match fs::read_link(home.database()) {
            Ok(target) => target,
            Err(_) => data_folder(home, account)?,
        };
        let sockets = socket_folder(home, &data)?;
        if let Some(account) = account {
            account.take(&sockets)?;
        }
        Ok(Self { data, sockets })
    }
}

fn data_folder(home: &Home, account: Option<&Account>) -> Result<PathBuf, UpError> {
    let Some(account) = account else { return Ok(home.database()) };
    if home.root().parent().is_some_and(|parent| account.reaches(parent)) {
        // The account passes through the home folder without seeing what else is in it.
        set_mode(home.root(), 0o711)?;
        return Ok(home.database());
    }
    let system = Path::new(SYSTEM_FOLDER);
    create_private(system)?;
    set_mode(system, 0o711)?;
    let own = system.join(short_hash(home.root()));
    create_private(&own)?;
    account.take(&own)?;
    let data = own.join("pg");
    symlink(&data, home.database()).on_path("make a link to the database there", &home.database())?;
    println!(
        "PostgreSQL runs as `{}`, which cannot enter {}: the database is kept in {}.",
        account.name,
        home.root().display(),
        data.display()
    );
    Ok(data)
}

fn socket_folder(home: &Home, data: &Path) -> Result<PathBuf, UpError> {
    let lies_at_home = data == home.database();
    let beside_data = data.parent().filter(|_| !lies_at_home).map(|parent| parent.join("run"));
    let folder = beside_data.unwrap_or_else(|| home.run());
    if folder.as_os_str().len() <= MAX_SOCKET_FOLDER_BYTES {
        create_private(&folder)?;
        return Ok(folder);
    }
    let uid = rustix::process::geteuid().as_raw();
    let folder = env::temp_dir().join(format!("deltallm-{uid}-{}", short_hash(home.root())));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => Ok(folder),
        // Anybody may have made it in a shared folder: it is taken only when nobody else can come in.
        Err(_) => match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() && found.mode() & 0o7777 == 0o700 && (uid == 0 || found.uid() == uid) => {
                Ok(folder)
            }
            _ => Err(UpError::told(format!(
                "{} is in the way: remove it, or set DELTALLM_HOME to a shorter path.",
                folder.display()
            ))),
        },
    }
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    crypto::hex(digest.get(..6).unwrap_or_default())
}
