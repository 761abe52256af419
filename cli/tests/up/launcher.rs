//! A real launcher with real PostgreSQL on a home of its own; proxy and admin are small scripts where a test is not about them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Says that it is ready, notes start and stop in a file, and waits.
const SERVICE: &str = r#"#!/bin/bash
name=$(basename "$0")
echo "$name start" >> "$DELTALLM_HOME/events"
trap 'echo "$name stop" >> "$DELTALLM_HOME/events"; exit 0' TERM
echo $$ > "$DELTALLM_HOME/$name.pid"
env > "$DELTALLM_HOME/$name.env"
echo "ready $name"
while :; do sleep 0.05; done
"#;

const LIMIT: Duration = Duration::from_mins(2);

/// A folder with the launcher and its services, and a home.
pub struct Installation {
    folder: TempDir,
}

/// A launcher that was started.
pub struct Launcher {
    child: Child,
    lines: Receiver<String>,
    pub output: String,
}

impl Installation {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The account that root lends to PostgreSQL has to come through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let installation = Self { folder };
        fs::copy(env!("CARGO_BIN_EXE_deltallm"), installation.path("deltallm")).unwrap();
        installation.write_service("deltallm-proxy", SERVICE);
        installation.write_service("deltallm-admin", SERVICE);
        installation
    }

    /// The services as they were built beside the launcher.
    pub fn with_real_services() -> Self {
        let installation = Self::new();
        let built = Path::new(env!("CARGO_BIN_EXE_deltallm")).parent().unwrap();
        for name in ["deltallm-proxy", "deltallm-admin"] {
            let program = built.join(name);
            assert!(program.is_file(), "{} is missing: cargo build --workspace --bins", program.display());
            fs::copy(program, installation.path(name)).unwrap();
        }
        installation
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub fn in_home(&self, name: &str) -> String {
        fs::read_to_string(self.home().join(name)).unwrap_or_default()
    }

    pub fn secret(&self, name: &str) -> String {
        let text = self.in_home("secrets.env");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name} is not in {text}")).to_owned()
    }

    pub fn write_service(&self, name: &str, script: &str) {
        fs::write(self.path(name), script).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// `deltallm up` with free ports and nothing of the caller's settings.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.path("deltallm"));
        command.arg("up").env_clear().current_dir(self.folder.path());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("DELTALLM_HOME", self.home());
        for variable in ["DELTALLM_LISTEN", "DELTALLM_ADMIN_LISTEN", "DELTALLM_OPS_LISTEN", "DELTALLM_INTERNAL_LISTEN"]
        {
            command.env(variable, "127.0.0.1:0");
        }
        command
    }

    pub fn start(&self) -> Launcher {
        let mut launcher = Launcher::spawn(self.command());
        launcher.wait_for("Ctrl-C stops it.");
        launcher
    }

    /// One value from the embedded database, with its errors.
    pub fn query(&self, sql: &str) -> Result<String, String> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-At", "-U", "deltallm", "-d", "deltallm", "-c", sql]).arg("-h").arg(self.home().join("run"));
        let answer = psql.output().expect("psql is needed: apt-get install postgresql-client");
        if answer.status.success() {
            Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&answer.stderr).into_owned())
        }
    }

    pub fn postmaster(&self) -> Pid {
        let text = self.in_home("pg/postmaster.pid");
        pid(text.lines().next().unwrap())
    }

    pub fn service_pid(&self, name: &str) -> Pid {
        pid(self.in_home(&format!("{name}.pid")).trim())
    }
}

impl Launcher {
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let errors = sender.clone();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| errors.send(line))
        });
        Self { child, lines, output: String::new() }
    }

    /// Reads on until a line holds the text.
    pub fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + LIMIT;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.output.push_str(&line);
            self.output.push('\n');
            if line.contains(text) {
                return;
            }
        }
        panic!("`{text}` never came:\n{}", self.output);
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_until("the launcher ends", || self.child.try_wait().unwrap().is_some());
        self.output.extend(self.lines.iter().map(|line| line + "\n"));
        self.child.wait().unwrap()
    }

    /// SIGTERM, and exit code 0.
    pub fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.output);
        std::mem::take(&mut self.output)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // Of a failed test: what it started ends with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end, for starts that fail.
pub fn refused(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(1), "{text}");
    text
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "not within {} s: {what}", LIMIT.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the process still runs; one that has ended and waits to be collected does not.
pub fn is_running(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap()).unwrap()
}
