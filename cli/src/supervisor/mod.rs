//! Starts services, keeps them running, stops them in order.
//!
//! Everything happens on the main thread: Linux sends a child its parent-death signal when the *thread* that made it ends.
//! Signals and ready lines come in as [`Event`]s over one channel.

mod echo;
mod event;
mod lifeline;
mod log_file;
mod service;

use std::{
    io::{self, Write as _},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

pub use echo::Echo;
pub use event::Event;
pub use log_file::{open_log, tail};
use rustix::process::Signal;
pub use service::{Readiness, Service, StopStep};

use self::{event::Events, service::Running};
use crate::error::UpError;

/// How often conditions are looked at that no event announces.
const POLL: Duration = Duration::from_millis(10);
/// A dead server's process entry may stay for a while and block the next one; so long it is tried again.
const BLOCKED_START_LIMIT: Duration = Duration::from_secs(10);
const BLOCKED_START_PAUSE: Duration = Duration::from_millis(250);
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// One wish to stop may come twice, from the terminal and from `make`; what comes later than that is impatience.
const ONE_WISH: Duration = Duration::from_secs(1);
/// Who ran this long is taken for healthy: its next end counts as the first again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// The children of this launcher.
pub struct Supervisor {
    events: Events,
    running: Vec<Running>,
}

impl Supervisor {
    /// Takes over SIGINT, SIGTERM, SIGHUP and SIGCHLD.
    pub fn new() -> Result<Self, UpError> {
        let events = Events::listen().map_err(|error| UpError::told(format!("cannot listen for signals: {error}")))?;
        Ok(Self { events, running: Vec::new() })
    }

    /// Starts a service without waiting for it.
    pub fn launch(&mut self, mut service: Service) -> Result<(), UpError> {
        lifeline::tie(&mut service.command, service.death_signal);
        let mut running = Running::new(service);
        let outcome = running.spawn(&self.events);
        let outcome = outcome.map_err(|error| cannot_start(&running.service.command, &error));
        self.running.push(running);
        outcome
    }

    /// Waits until a launched service is ready. Its end before that is an error, told with what it logged.
    pub fn await_ready(&mut self, name: &str) -> Result<(), UpError> {
        let begun = Instant::now();
        loop {
            self.next_event(POLL)?;
            let Some(running) = self.running.iter_mut().find(|running| running.service.name == name) else {
                return Err(UpError::told(format!("{name} was never launched")));
            };
            if running.is_ready() {
                return Ok(());
            }
            if let Some(status) = running.reap() {
                if running.is_start_blocked() && begun.elapsed() < BLOCKED_START_LIMIT {
                    self.pause(BLOCKED_START_PAUSE)?;
                    self.respawn(name)?;
                    continue;
                }
                return Err(UpError::told(running.failure(&format!("ended while starting ({status})"))));
            }
            if begun.elapsed() > running.service.ready_limit {
                let limit = running.service.ready_limit.as_secs();
                return Err(UpError::told(running.failure(&format!("is not ready after {limit} s"))));
            }
        }
    }

    /// Keeps everything running until a signal asks to stop.
    pub fn watch(&mut self) {
        loop {
            for running in &mut self.running {
                running.keep_alive(&self.events);
            }
            let due = self.running.iter().filter_map(|running| running.restart_at).min();
            // A second at most, in case the system ever merges two children's signals into one.
            let wait = due.map_or(Duration::from_secs(1), |at| {
                at.saturating_duration_since(Instant::now()).min(Duration::from_secs(1))
            });
            if self.next_event(wait).is_err() {
                return;
            }
        }
    }

    /// Stops the services in the order of `names`. A further signal from the operator goes on to the next, harder step.
    pub fn stop(&mut self, names: &[&str]) {
        for name in names {
            if let Some(at) = self.running.iter().position(|running| running.service.name == *name) {
                let mut running = self.running.swap_remove(at);
                if running.reap().is_none() && running.is_alive() {
                    println!("Stopping {name} …");
                }
                for step in running.service.stop.clone() {
                    if !running.is_alive() {
                        break;
                    }
                    running.signal(step.signal);
                    self.wait_for_end(&mut running, step.limit);
                }
                if running.is_alive() {
                    eprintln!("{name} does not stop by itself; killing it.");
                    running.signal(Signal::KILL);
                    self.wait_for_end(&mut running, Duration::from_secs(5));
                }
            }
        }
    }

    /// Runs a program that does its work and ends, tied to this launcher like the services. A signal to stop ends it at once.
    pub fn run_to_end(&mut self, command: &mut Command, input: &str) -> Result<ExitStatus, UpError> {
        lifeline::tie(command, Signal::KILL);
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| cannot_start(command, &error))?;
        if let Some(mut pipe) = child.stdin.take() {
            // A program that died early does not read; its exit status says more than the broken pipe.
            let _ = pipe.write_all(input.as_bytes());
        }
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) => return Err(UpError::told(format!("cannot wait for a program: {error}"))),
            }
            if let Err(stopped) = self.next_event(Duration::from_secs(1)) {
                let _ = child.kill();
                let _ = child.wait();
                return Err(stopped);
            }
        }
    }

    fn respawn(&mut self, name: &str) -> Result<(), UpError> {
        for running in self.running.iter_mut().filter(|running| running.service.name == name) {
            running.spawn(&self.events).map_err(|error| cannot_start(&running.service.command, &error))?;
        }
        Ok(())
    }

    fn pause(&mut self, length: Duration) -> Result<(), UpError> {
        let end = Instant::now() + length;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.next_event(left)?;
        }
        Ok(())
    }

    /// Takes one event, if one comes in time. `Err` is the signal to stop.
    fn next_event(&mut self, wait: Duration) -> Result<(), UpError> {
        match self.events.next(wait) {
            Some(Event::Stop) => Err(UpError::Stopped),
            Some(Event::Ready { name, line }) => {
                for running in self.running.iter_mut().filter(|running| running.service.name == name) {
                    running.ready_line = Some(line.clone());
                }
                Ok(())
            }
            Some(Event::ChildChanged) | None => Ok(()),
        }
    }

    fn wait_for_end(&mut self, running: &mut Running, limit: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if running.reap().is_some() || !running.is_alive() {
                return;
            }
            let is_stop = matches!(self.events.next(Duration::from_millis(100)), Some(Event::Stop));
            if is_stop && begun.elapsed() > ONE_WISH {
                return;
            }
        }
    }
}

fn cannot_start(command: &Command, error: &io::Error) -> UpError {
    UpError::told(format!("{} cannot be started: {error}", command.get_program().to_string_lossy()))
}
