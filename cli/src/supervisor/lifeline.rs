//! Ties a child's life to the launcher's: a launcher that dies, even by `kill -9`, leaves nothing behind.

use std::{os::unix::process::CommandExt, process::Command};

use rustix::process::Signal;

/// Gives the child a process group of its own, so that Ctrl-C in the terminal reaches the launcher alone and the order of
/// stopping is ours; and lets the kernel send it `signal` when the launcher dies (Linux).
pub fn tie(command: &mut Command, signal: Signal) {
    command.process_group(0);
    #[cfg(target_os = "linux")]
    die_with_parent(command, signal);
    // macOS has no such signal: there the next start stops what an earlier one left.
    #[cfg(not(target_os = "linux"))]
    let _ = signal;
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command, signal: Signal) {
    let launcher = rustix::process::getpid();
    let ask_for_signal = move || {
        rustix::process::set_parent_process_death_signal(Some(signal))?;
        // The launcher may have died before the request: then no signal would ever come.
        if rustix::process::getppid() == Some(launcher) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    #[expect(unsafe_code, reason = "runs between fork and exec: it makes two system calls and allocates nothing")]
    // SAFETY: `prctl` and `getppid` are async-signal-safe, and an `Errno` turns into an `io::Error` without allocating.
    unsafe {
        command.pre_exec(ask_for_signal);
    }
}
