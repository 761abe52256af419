//! Which core a process runs on: a child inherits the affinity of the thread that starts it.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores a bench uses: one for what is measured, one for everything else.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    pub target: usize,
    pub load: usize,
}

/// Takes two of the cores this process may use.
pub fn cores() -> Result<Cores, String> {
    let allowed = sched_getaffinity(None).map_err(|error| format!("affinity: {error}"))?;
    let mut usable = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    match (usable.next(), usable.next()) {
        (Some(target), Some(load)) => Ok(Cores { target, load }),
        _ => Err("the bench needs two cores: one for the target, one for the load".to_owned()),
    }
}

/// Runs `start` so that every process it starts stays on `core`.
pub fn on_core<T>(core: usize, start: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let before = sched_getaffinity(None).map_err(|error| format!("affinity: {error}"))?;
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).map_err(|error| format!("affinity to core {core}: {error}"))?;
    let started = start();
    sched_setaffinity(None, &before).map_err(|error| format!("affinity back: {error}"))?;
    started
}
