//! What the figures were taken on: enough to read them, nothing that names the machine.

use std::fs;

use serde::Serialize;

/// The machine in short.
#[derive(Debug, Serialize)]
pub struct Machine {
    cpu: String,
    cores: usize,
    memory_mb: u64,
    kernel: String,
}

/// Reads it from `/proc`; what is not there stays empty.
pub fn describe() -> Machine {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    // Without what the builder of the kernel added to its number.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let memory_kb = value(&memory, "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or(0);
    Machine {
        cpu: value(&cpu_info, "model name"),
        cores: cpu_info.lines().filter(|line| line.starts_with("processor")).count(),
        memory_mb: memory_kb / 1_024,
        kernel: release.split('-').next().unwrap_or_default().trim().to_owned(),
    }
}
