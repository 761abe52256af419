//! The running server: how it is started, when it is ready, how it is reached.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    Account, DATABASE, ROLE,
    cluster::{Tools, major_version},
    discovery::Binaries,
    place::Place,
};
use crate::{
    error::UpError,
    home::Home,
    supervisor::{Readiness, Service, StopStep, Supervisor},
};

/// Fast shutdown first: open connections are cut, everything committed is kept. Then the one without a checkpoint, which the
/// next start makes good.
const STOP: [StopStep; 2] = [
    StopStep { signal: Signal::INT, limit: Duration::from_secs(30) },
    StopStep { signal: Signal::QUIT, limit: Duration::from_secs(5) },
];

/// Recovery after a crash may take its time.
const READY_LIMIT: Duration = Duration::from_mins(5);

const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "port=5432",
    "max_connections=64",
    "shared_buffers=64MB",
    "max_wal_size=512MB",
    // Syncing file by file after a crash takes seconds.
    #[cfg(target_os = "linux")]
    "recovery_init_sync_method=syncfs",
];

/// The embedded database of a home folder, before it runs.
pub struct Embedded {
    place: Place,
    account: Option<Account>,
    log: PathBuf,
    /// For the banner.
    pub major: u32,
    binaries: Binaries,
}

impl Embedded {
    /// Finds programs and folders. Nothing is started yet.
    pub fn prepare(home: &Home) -> Result<Self, UpError> {
        let account = Account::needed_for(&home.database())?;
        let place = Place::prepare(home, account.as_ref())?;
        let pinned = major_version(&place.data)?;
        let binaries = Binaries::find(pinned, account.as_ref())?;
        Ok(Self { place, account, log: home.logs().join("postgres.log"), major: binaries.major, binaries })
    }

    /// Whether there is a database already.
    pub fn has_data(&self) -> Result<bool, UpError> {
        Ok(major_version(&self.place.data)?.is_some())
    }

    /// Asks a server that an earlier launcher left behind to stop. Linux does that by itself when a launcher dies; elsewhere
    /// it stays, and nobody else can own it, because this launcher holds the lock of the home folder.
    pub fn stop_orphan(&self) {
        let file = self.place.data.join("postmaster.pid");
        let first_line = fs::read_to_string(file).ok().and_then(|text| text.lines().next()?.trim().parse().ok());
        let Some(pid) = first_line.filter(|pid| *pid > 1).and_then(Pid::from_raw) else { return };
        let mut ps = Command::new("ps");
        let listed = ps.args(["-ww", "-o", "args=", "-p", &pid.to_string()]).stdin(Stdio::null()).output();
        // The number alone proves nothing: another process may have it by now.
        if listed
            .is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains(&*self.place.data.to_string_lossy()))
        {
            let _ = kill_process(pid, Signal::INT);
        }
    }

    /// Makes the data folder on the first start.
    pub fn ensure_cluster(&self, supervisor: &mut Supervisor) -> Result<(), UpError> {
        if self.has_data()? {
            return Ok(());
        }
        println!("Making a database in {} (PostgreSQL {}) …", self.place.data.display(), self.major);
        self.tools().create(&self.place, supervisor)
    }

    /// The server as something to supervise.
    pub fn service(&self) -> Service {
        let mut command = self.tools().command("postgres");
        command.arg("-D").arg(&self.place.data);
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        command.arg("-c").arg(format!("unix_socket_directories={}", quoted_list_entry(&self.place.sockets)));
        Service {
            name: "postgres",
            command,
            log: self.log.clone(),
            readiness: Readiness::PostmasterFile(self.place.data.join("postmaster.pid")),
            ready_limit: READY_LIMIT,
            death_signal: Signal::INT,
            stop: STOP.to_vec(),
        }
    }

    /// For DATABASE_URL.
    pub fn connection(&self) -> String {
        let folder = self.place.sockets.display().to_string().replace('\\', r"\\").replace('\'', r"\'");
        format!("host='{folder}' user={ROLE} dbname={DATABASE}")
    }

    pub fn data(&self) -> &Path {
        &self.place.data
    }

    fn tools(&self) -> Tools<'_> {
        Tools { binaries: &self.binaries, account: self.account.as_ref(), log: &self.log }
    }
}

/// One entry of a comma-separated list of PostgreSQL's settings.
fn quoted_list_entry(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

/// Whether `postmaster.pid` says that the server of this process accepts connections: line 1 is its pid, line 8 its state.
pub fn postmaster_is_ready(file: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(pid.to_string().as_str()) && lines.nth(6) == Some("ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_ready_line_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postmaster.pid");
        assert!(!postmaster_is_ready(&file, 7));
        fs::write(&file, "7\n/data\n1700000000\n5432\n/run\n\n   123  45\nstarting\n").unwrap();
        assert!(!postmaster_is_ready(&file, 7));
        fs::write(&file, "7\n/data\n1700000000\n5432\n/run\n\n   123  45\nready   \n").unwrap();
        assert!(postmaster_is_ready(&file, 7));
        assert!(!postmaster_is_ready(&file, 8), "another server's file");
    }
}
