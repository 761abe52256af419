//! One supervised service: how it is started and stopped, and its process while it runs.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::Sender,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    Event, FIRST_BACKOFF, HEALTHY_AFTER, MAX_BACKOFF,
    event::Events,
    log_file::{open_log, tail},
};
use crate::postgres::postmaster_is_ready;

/// How a service says that it is ready.
#[derive(Clone, Debug)]
pub enum Readiness {
    /// Prints a line that starts with `ready ` on standard output.
    StdoutLine,
    /// Writes it into PostgreSQL's `postmaster.pid`.
    PostmasterFile(PathBuf),
}

/// One attempt to stop a service.
#[derive(Clone, Copy, Debug)]
pub struct StopStep {
    pub signal: Signal,
    /// So long it has until the next, harder attempt; after the last one it is killed.
    pub limit: Duration,
}

/// What to run and how.
pub struct Service {
    pub name: &'static str,
    /// All but its input and outputs.
    pub command: Command,
    pub log: PathBuf,
    pub readiness: Readiness,
    pub ready_limit: Duration,
    /// What the kernel sends it when the launcher dies.
    pub death_signal: Signal,
    pub stop: Vec<StopStep>,
}

/// A service and its process, past or present.
pub struct Running {
    pub service: Service,
    pub ready_line: Option<String>,
    /// When the next process is due, after one has died.
    pub restart_at: Option<Instant>,
    child: Option<Child>,
    started: Instant,
    log_start: u64,
    backoff: Duration,
}

impl Running {
    pub fn new(service: Service) -> Self {
        Self {
            service,
            ready_line: None,
            restart_at: None,
            child: None,
            started: Instant::now(),
            log_start: 0,
            backoff: FIRST_BACKOFF,
        }
    }

    /// Starts a new process. Its log goes straight to the file.
    pub fn spawn(&mut self, events: &Events) -> io::Result<()> {
        let (log, start) = open_log(&self.service.log).map_err(io::Error::other)?;
        let waits_for_line = matches!(self.service.readiness, Readiness::StdoutLine);
        let stdout = if waits_for_line { Stdio::piped() } else { log.try_clone()?.into() };
        self.service.command.stdin(Stdio::null()).stdout(stdout).stderr(log.try_clone()?);
        self.ready_line = None;
        self.restart_at = None;
        self.started = Instant::now();
        self.log_start = start;
        let mut child = self.service.command.spawn()?;
        if let Some(stdout) = child.stdout.take() {
            read_stdout(self.service.name, stdout, log, events.sender());
        }
        self.child = Some(child);
        Ok(())
    }

    pub fn is_alive(&self) -> bool {
        self.child.is_some()
    }

    pub fn is_ready(&self) -> bool {
        match (&self.service.readiness, &self.child) {
            (_, None) => false,
            (Readiness::StdoutLine, Some(_)) => self.ready_line.is_some(),
            (Readiness::PostmasterFile(file), Some(child)) => postmaster_is_ready(file, child.id()),
        }
    }

    /// The exit status of a process that has ended since the last look.
    pub fn reap(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok().flatten()?;
        self.child = None;
        Some(status)
    }

    /// Whether the process gave up because a dead predecessor still holds its place: PostgreSQL's lock file names a process
    /// that has ended but is not yet collected by its parent.
    pub fn is_start_blocked(&self) -> bool {
        matches!(self.service.readiness, Readiness::PostmasterFile(_))
            && tail(&self.service.log, self.log_start).contains("postmaster.pid")
    }

    /// A message for the operator, with the end of the log.
    pub fn failure(&self, what: &str) -> String {
        let (name, log) = (self.service.name, &self.service.log);
        let said = tail(log, self.log_start);
        let said = if said.is_empty() { String::new() } else { format!("\n{}", said.trim_end()) };
        format!("{name} {what}.{said}\nThe whole log: {}", log.display())
    }

    /// One look at a service that ought to run: notes its death, and starts it again once its time has come.
    pub fn keep_alive(&mut self, events: &Events) {
        if let Some(status) = self.reap() {
            let is_first = self.started.elapsed() >= HEALTHY_AFTER;
            self.backoff = if is_first { FIRST_BACKOFF } else { self.backoff };
            let pause = self.backoff.as_secs_f32();
            eprintln!("{}", self.failure(&format!("ended ({status}) and is started again in {pause:.1} s")));
            self.schedule_restart();
        }
        if self.restart_at.is_some_and(|at| at <= Instant::now()) {
            let name = self.service.name;
            match self.spawn(events) {
                Ok(()) => eprintln!("{name} was started again."),
                Err(error) => {
                    eprintln!("{name} cannot be started: {error}");
                    self.schedule_restart();
                }
            }
        }
    }

    fn schedule_restart(&mut self) {
        self.restart_at = Some(Instant::now() + self.backoff);
        self.backoff = (self.backoff * 2).min(MAX_BACKOFF);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().and_then(|child| Pid::from_raw(i32::try_from(child.id()).ok()?));
        if let Some(pid) = pid {
            // An error means that it has just ended, which the next look sees.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Waits for the ready line, then keeps whatever else is printed.
fn read_stdout(name: &'static str, stdout: ChildStdout, mut log: File, events: Sender<Event>) {
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            if line.starts_with("ready ") {
                let _ = events.send(Event::Ready { name, line: line.clone() });
            }
            let _ = writeln!(log, "{line}");
        }
    });
}
