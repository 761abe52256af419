//! Which account runs PostgreSQL: it refuses to run as root, so root lends it an unprivileged one.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
};

use crate::error::{OnPath, UpError};

/// Taken in this order, whichever exists.
const CANDIDATES: [&str; 3] = ["deltallm", "postgres", "nobody"];

/// An account other than this process's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// `None` when this process may run PostgreSQL itself. `data`: the database's folder; where it exists already, its owner
    /// goes on owning it.
    pub fn needed_for(data: &Path) -> Result<Option<Self>, UpError> {
        let owner = fs::metadata(data).ok();
        let own_uid = rustix::process::geteuid().as_raw();
        if own_uid != 0 {
            return match owner {
                Some(owner) if owner.uid() != own_uid => Err(UpError::told(format!(
                    "The database in {} belongs to another account (uid {}). Start DeltaLLM as that account, or as root.",
                    data.display(),
                    owner.uid()
                ))),
                _ => Ok(None),
            };
        }
        let passwd = Path::new("/etc/passwd");
        let table = fs::read_to_string(passwd).on_path("read it", passwd)?;
        if let Some(owner) = owner.filter(|owner| owner.uid() != 0) {
            let name = name_of(&table, owner.uid()).unwrap_or_else(|| format!("uid {}", owner.uid()));
            return Ok(Some(Self { name, uid: owner.uid(), gid: owner.gid() }));
        }
        let found = CANDIDATES.iter().find_map(|name| entry(&table, name));
        found.map(Some).ok_or_else(|| {
            UpError::told(
                "PostgreSQL does not run as root, and there is no account `deltallm`, `postgres` or `nobody` to run it as. \
                 Create one: useradd --system deltallm",
            )
        })
    }

    /// Hands a file or folder over.
    pub fn take(&self, path: &Path) -> Result<(), UpError> {
        chown(path, Some(self.uid), Some(self.gid)).on_path("hand it over to another account", path)
    }

    /// Whether the account may pass through the folder and all above it.
    pub fn reaches(&self, folder: &Path) -> bool {
        folder.ancestors().all(|part| {
            fs::metadata(part).is_ok_and(|metadata| {
                let needed = if metadata.uid() == self.uid {
                    0o100
                } else if metadata.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                metadata.mode() & needed != 0
            })
        })
    }
}

/// A line is `name:password:uid:gid:…`.
fn entry(table: &str, name: &str) -> Option<Account> {
    table.lines().find_map(|line| {
        let mut columns = line.split(':');
        let found = columns.next().filter(|found| *found == name)?;
        let uid = columns.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
        Some(Account { name: found.to_owned(), uid, gid: columns.next()?.parse().ok()? })
    })
}

fn name_of(table: &str, uid: u32) -> Option<String> {
    table.lines().find_map(|line| {
        let mut columns = line.split(':');
        let name = columns.next()?;
        (columns.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TABLE: &str = "root:x:0:0::/:/bin/bash\npostgres:x:112:118::/var/lib/postgresql:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n";

    #[test]
    fn accounts_are_found_by_name_and_by_uid() {
        let postgres = Account { name: "postgres".into(), uid: 112, gid: 118 };
        assert_eq!(entry(TABLE, "postgres"), Some(postgres));
        assert_eq!(entry(TABLE, "deltallm"), None);
        assert_eq!(entry(TABLE, "root"), None, "root is never lent");
        assert_eq!(name_of(TABLE, 65534).as_deref(), Some("nobody"));
        assert_eq!(name_of(TABLE, 7), None);
    }

    #[test]
    fn a_closed_folder_is_out_of_reach() {
        let stranger = Account { name: "stranger".into(), uid: 54_321, gid: 54_321 };
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(stranger.reaches(folder.path()));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(folder.path()));
    }
}
