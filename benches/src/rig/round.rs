//! One measurement: a load on one target, and what its process paid for it.

use std::process::Command;
use std::time::Duration;

use super::affinity::{self, Cores};
use super::binaries;
use super::process_stat;
use super::scenario::{Scenario, Unit};
use super::target::Target;
use crate::load::LoadReport;

/// Time for a target to finish what it does after the last answer (journal, counters), so that
/// the work is in the bill.
const AFTERWORK: Duration = Duration::from_millis(150);

/// What a closed-loop load cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub cpu_ns_per_unit: u64,
    pub requests_per_second: u64,
}

/// What a low, even load took.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub p50_us: u64,
    pub p99_us: u64,
}

/// As fast as the connections go, for `seconds`.
pub fn cost(target: &Target, scenario: &Scenario, cores: Cores, seconds: u64) -> Result<Cost, String> {
    let pid = target.service.as_ref().ok_or("no process to measure")?.pid();
    let before_us = process_stat::cpu_us(pid)?;
    let report = load(target, scenario, cores, seconds, None)?;
    std::thread::sleep(AFTERWORK);
    let cpu_us = process_stat::cpu_us(pid)?.saturating_sub(before_us);
    let units = match scenario.unit {
        Unit::Request => report.requests,
        Unit::Chunk => report.chunks,
    };
    Ok(Cost {
        cpu_ns_per_unit: cpu_us.saturating_mul(1_000) / units.max(1),
        requests_per_second: report.requests_per_second,
    })
}

/// At the scenario's low rate: the whole answer, or the first byte of a stream.
pub fn latency(target: &Target, scenario: &Scenario, cores: Cores, seconds: u64) -> Result<Latency, String> {
    let report = load(target, scenario, cores, seconds, Some(scenario.latency_rate))?;
    let quantiles = if scenario.is_stream { report.first_byte } else { report.latency };
    Ok(Latency { p50_us: quantiles.p50_us, p99_us: quantiles.p99_us })
}

fn load(
    target: &Target,
    scenario: &Scenario,
    cores: Cores,
    seconds: u64,
    rate: Option<u64>,
) -> Result<LoadReport, String> {
    let mut command = Command::new(binaries::path("load")?);
    command.args(["--target", &target.url(), "--seconds", &seconds.to_string()]);
    command.args(["--body-bytes", &scenario.body_bytes.to_string()]);
    command.args(["--model", scenario.model]);
    command.args(["--connections", &scenario.connections.to_string()]);
    if scenario.is_stream {
        command.arg("--stream");
    }
    if let Some(options) = scenario.mock_opts {
        command.args(["--mock-opts", options]);
    }
    if let Some(key) = &target.key {
        command.args(["--key", key]);
    }
    if let Some(rate) = rate {
        command.args(["--rate", &rate.to_string()]);
    }
    let output =
        affinity::on_core(cores.load, || command.output().map_err(|error| format!("load does not start: {error}")))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let report: LoadReport =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("report of the load: {error}"))?;
    if report.is_clean() {
        return Ok(report);
    }
    Err(format!(
        "{} did not answer everything in {}: {} of {} ok, statuses {:?}, cut short {}, errors {:?}",
        target.name,
        scenario.name,
        report.ok,
        report.requests,
        report.statuses,
        report.truncated,
        report.transport_errors
    ))
}
