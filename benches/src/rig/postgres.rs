//! A private PostgreSQL server: own data folder, unix socket only, gone with the value.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use super::service::Service;

/// How long the server may take to come up or go down.
const PATIENCE: Duration = Duration::from_mins(1);

/// The user the server runs as when we are root, which PostgreSQL refuses to be.
const SERVER_USER: &str = "postgres";

/// A server of our own.
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    run_as: Option<(u32, u32)>,
    server: Option<Service>,
}

impl Postgres {
    /// Makes a data folder and starts the server on it.
    pub fn start() -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("deltallm-pg-")
            .tempdir()
            .map_err(|error| format!("temporary folder: {error}"))?;
        let run_as = if geteuid().is_root() { Some(server_user()?) } else { None };
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .map_err(|error| format!("rights of {}: {error}", folder.path().display()))?;
        if let Some((uid, gid)) = run_as {
            chown(folder.path(), Some(uid), Some(gid)).map_err(|error| format!("chown: {error}"))?;
        }
        let mut postgres = Self { folder, binaries: binaries()?, run_as, server: None };
        postgres.initialise()?;
        postgres.resume()?;
        Ok(postgres)
    }

    fn initialise(&self) -> Result<(), String> {
        let mut command = self.command("initdb");
        command.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--no-locale"]);
        let made = command.arg("--pgdata").arg(self.data()).output();
        let made = made.map_err(|error| format!("initdb does not start: {error}"))?;
        if made.status.success() {
            return Ok(());
        }
        Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)))
    }

    /// Starts the server again after [`Postgres::pause`].
    pub fn resume(&mut self) -> Result<(), String> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        let mut server = Service::start_silent("postgres", command, self.folder.path())?;
        let deadline = Instant::now() + PATIENCE;
        // The pid file's last line says `ready` once connections are taken.
        while !fs::read_to_string(self.data().join("postmaster.pid"))
            .is_ok_and(|text| text.trim_end().ends_with("ready"))
        {
            if Instant::now() > deadline || !server.is_running() {
                return Err(format!("PostgreSQL does not come up; its log:\n{}", server.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(server);
        Ok(())
    }

    /// Stops the server as a failing machine would: every connection breaks at once.
    pub fn pause(&mut self) -> Result<(), String> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        // SIGINT is PostgreSQL's "fast": SIGTERM would wait for the clients to leave.
        server.signal(Signal::INT)?;
        server.wait(PATIENCE).map(drop)
    }

    /// Connection string of one database, in the form both tokio-postgres and libpq read.
    pub fn connection_string(&self, database: &str) -> String {
        format!("host={} user=postgres dbname={database}", self.folder.path().display())
    }

    /// Runs one statement in the database `postgres`.
    pub fn execute(&self, statement: &str) -> Result<(), String> {
        let mut command = self.command("psql");
        command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=postgres"]);
        command.args(["--username=postgres", "--command", statement]).arg("--host").arg(self.folder.path());
        let done = command.output().map_err(|error| format!("psql does not start: {error}"))?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("`{statement}`: {}", String::from_utf8_lossy(&done.stderr)))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A server that may be lost with its machine: no disk is waited for.
    fn settings(&self) -> [String; 7] {
        [
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", self.folder.path().display()),
            "fsync=off".to_owned(),
            "synchronous_commit=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "max_connections=50".to_owned(),
            "shared_buffers=64MB".to_owned(),
        ]
    }

    fn command(&self, program: &str) -> Command {
        let path = self.binaries.join(program);
        let mut command = match self.run_as {
            None => Command::new(path),
            Some(_) => {
                let mut command = Command::new("setpriv");
                command.arg("--reuid").arg(SERVER_USER).arg("--regid").arg(SERVER_USER);
                command.args(["--init-groups", "--"]).arg(path);
                command
            }
        };
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Where a polite stop fails, dropping the service kills it.
        let _ = self.pause();
    }
}

/// Numbers of [`SERVER_USER`] and its group, from the user database.
fn server_user() -> Result<(u32, u32), String> {
    let users = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .filter(|fields| fields.first() == Some(&SERVER_USER))
        .find_map(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))
        .ok_or_else(|| format!("PostgreSQL does not run as root: make a user `{SERVER_USER}`"))
}

/// Folder with `postgres` and `initdb`: `DELTALLM_POSTGRES_BIN`, the newest Debian package, PATH.
fn binaries() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("DELTALLM_POSTGRES_BIN") {
        return Ok(PathBuf::from(folder));
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .max();
    if let Some((_, folder)) = newest {
        return Ok(folder);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder: &PathBuf| has_server(folder))
        .ok_or_else(|| "PostgreSQL is not installed: set DELTALLM_POSTGRES_BIN to its bin folder".to_owned())
}

fn has_server(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_data_over_a_pause() -> Result<(), String> {
        let mut postgres = Postgres::start()?;
        postgres.execute("CREATE TABLE kept AS SELECT 1 AS number")?;
        postgres.pause()?;
        assert!(postgres.execute("SELECT 1").is_err());
        postgres.resume()?;
        postgres.execute("SELECT number FROM kept")?;
        assert!(postgres.execute("SELECT nonsense FROM kept").is_err());
        Ok(())
    }
}
