//! A process of ours: started, waited for until it says `ready`, ended by its own id.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take from its start to its `ready` line.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a process that has children may take to end them.
const FAREWELL: Duration = Duration::from_secs(5);

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    has_children: bool,
    addresses: BTreeMap<String, SocketAddr>,
    log_path: PathBuf,
    ready_after: Duration,
}

impl Service {
    /// Starts `command` and waits for its line `ready <name> key=address …`.
    /// What it writes goes to `<log_folder>/<name>.log`.
    pub fn start(name: &str, command: Command, log_folder: &Path) -> Result<Self, String> {
        Self::start_within(name, command, log_folder, START_TIMEOUT)
    }

    /// As [`Service::start`], with another patience.
    pub fn start_within(name: &str, command: Command, log_folder: &Path, patience: Duration) -> Result<Self, String> {
        let begun = Instant::now();
        let mut service = Self::spawn(name, command, log_folder, true)?;
        let stdout = service.child.stdout.take().ok_or("no standard output")?;
        let log_path = service.log_path.clone();
        let (ready, waiting) = mpsc::channel();
        // Reads on after the ready line: a full pipe would stop the process.
        std::thread::spawn(move || {
            let mut log = File::options().append(true).open(log_path).ok();
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line.starts_with("ready ") {
                    // Gone when nobody waits any more.
                    let _ = ready.send(line.clone());
                }
                if let Some(log) = log.as_mut() {
                    let _ = writeln!(log, "{line}");
                }
            }
        });
        let line = waiting
            .recv_timeout(patience)
            .map_err(|_| format!("{name} did not say `ready`; its log:\n{}", service.log()))?;
        service.addresses = addresses(&line)?;
        service.ready_after = begun.elapsed();
        Ok(service)
    }

    /// Starts a process that says nothing when it is ready and has children (nginx, PostgreSQL).
    pub fn start_silent(name: &str, command: Command, log_folder: &Path) -> Result<Self, String> {
        Self::spawn(name, command, log_folder, false)
    }

    fn spawn(name: &str, mut command: Command, log_folder: &Path, is_stdout_read: bool) -> Result<Self, String> {
        let log_path = log_folder.join(format!("{name}.log"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .map_err(|error| format!("log of {name}: {error}"))?;
        let log_too = log.try_clone().map_err(|error| format!("log of {name}: {error}"))?;
        let stdout = if is_stdout_read { Stdio::piped() } else { Stdio::from(log_too) };
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{name} does not start ({}): {error}", command.get_program().display()))?;
        let ready_after = Duration::ZERO;
        let (name, addresses, has_children) = (name.to_owned(), BTreeMap::new(), !is_stdout_read);
        Ok(Self { name, child, has_children, addresses, log_path, ready_after })
    }

    /// The address the process named `key` in its ready line.
    pub fn address(&self, key: &str) -> Result<SocketAddr, String> {
        let address = self.addresses.get(key).copied();
        address.ok_or_else(|| format!("{} named no address `{key}`", self.name))
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process to its ready line.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Everything the process wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log_path).unwrap_or_default()
    }

    /// Sends a signal and does not wait.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| format!("{} has no process id", self.name))?;
        kill_process(pid, signal).map_err(|error| format!("signal to {}: {error}", self.name))
    }

    /// Whether the process has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end of the process, at most this long.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                Ok(None) => return Err(format!("{} is still running; its log:\n{}", self.name, self.log())),
                Err(error) => return Err(format!("waiting for {}: {error}", self.name)),
            }
        }
    }

    /// SIGTERM, then waits.
    pub fn stop(&mut self, patience: Duration) -> Result<ExitStatus, String> {
        self.signal(Signal::TERM)?;
        self.wait(patience)
    }

    /// SIGKILL, then waits: what a crash or the out-of-memory killer does.
    pub fn kill(&mut self) -> Result<(), String> {
        self.child.kill().map_err(|error| format!("killing {}: {error}", self.name))?;
        self.child.wait().map(drop).map_err(|error| format!("waiting for {}: {error}", self.name))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Killing a parent would leave its children behind: let it end them first.
        if self.has_children && self.is_running() {
            let _ = self.stop(FAREWELL);
        }
        // An ended process cannot be killed again, which is what is wanted.
        let _ = self.kill();
    }
}

/// `ready <service> api=127.0.0.1:1 ops=127.0.0.1:2` → its addresses by key.
fn addresses(line: &str) -> Result<BTreeMap<String, SocketAddr>, String> {
    let pairs = line.split_whitespace().skip(2);
    pairs
        .map(|pair| {
            let (key, address) = pair.split_once('=').ok_or_else(|| format!("`{pair}` in `{line}`"))?;
            let address = address.parse().map_err(|error| format!("`{pair}` in `{line}`: {error}"))?;
            Ok((key.to_owned(), address))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn folder() -> Result<tempfile::TempDir, String> {
        tempfile::tempdir().map_err(|error| error.to_string())
    }

    #[test]
    fn the_ready_line_names_the_addresses() -> Result<(), String> {
        let folder = folder()?;
        let command = shell("echo starting; echo ready thing api=127.0.0.1:81 ops=[::1]:82; exec sleep 30");
        let mut service = Service::start("thing", command, folder.path())?;
        assert_eq!(service.address("api").map(|a| a.port()), Ok(81));
        assert_eq!(service.address("ops").map(|a| a.port()), Ok(82));
        assert!(service.address("other").is_err());
        assert!(service.is_running());
        assert!(service.stop(Duration::from_secs(5)).is_ok_and(|status| !status.success()));
        Ok(())
    }

    #[test]
    fn a_process_that_ends_at_once_shows_its_log() -> Result<(), String> {
        let folder = folder()?;
        let failed = Service::start("thing", shell("echo no key given >&2; exit 1"), folder.path());
        assert!(failed.is_err_and(|error| error.contains("no key given")));
        Ok(())
    }
}
