//! The figures of a run: medians over its rounds, as a table for people and JSON for the record.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::machine::Machine;
use super::round::{Cost, Latency};
use super::scenario::{Scenario, Unit};

/// Everything a run found out.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Seconds since 1970.
    pub taken_at: u64,
    /// `standalone` or `full`.
    pub profile: &'static str,
    pub rounds: u32,
    pub seconds: u64,
    pub machine: Machine,
    pub versions: BTreeMap<&'static str, String>,
    pub ready_after_ms: u64,
    pub memory: BTreeMap<&'static str, Memory>,
    pub scenarios: Vec<ScenarioResult>,
}

/// Proportional set size of a target's processes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    pub idle_kb: u64,
    pub after_load_kb: u64,
}

/// The figures of one scenario.
#[derive(Debug, Serialize)]
pub struct ScenarioResult {
    pub name: &'static str,
    pub unit: Unit,
    pub targets: BTreeMap<&'static str, Figures>,
    /// `DeltaLLM`'s CPU as a percentage of nginx's: 250 = 2.5 times.
    pub ratio_to_nginx_percent: u64,
}

/// Medians of one target.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    pub cpu_ns_per_unit: u64,
    pub cpu_ns_lowest: u64,
    pub cpu_ns_highest: u64,
    pub requests_per_second: u64,
    pub added_p50_us: u64,
    pub added_p99_us: u64,
}

/// What was measured of one target, round by round.
#[derive(Debug, Default)]
pub struct Samples {
    pub costs: Vec<Cost>,
    pub latencies: Vec<Latency>,
}

impl Samples {
    /// Medians; latency is what `direct` does not have.
    pub fn figures(&self, direct: &Self) -> Figures {
        let cpu = |cost: &Cost| cost.cpu_ns_per_unit;
        let added = |of: fn(&Latency) -> u64| {
            median(self.latencies.iter().map(of)).saturating_sub(median(direct.latencies.iter().map(of)))
        };
        Figures {
            cpu_ns_per_unit: median(self.costs.iter().map(cpu)),
            cpu_ns_lowest: self.costs.iter().map(cpu).min().unwrap_or(0),
            cpu_ns_highest: self.costs.iter().map(cpu).max().unwrap_or(0),
            requests_per_second: median(self.costs.iter().map(|cost| cost.requests_per_second)),
            added_p50_us: added(|latency| latency.p50_us),
            added_p99_us: added(|latency| latency.p99_us),
        }
    }
}

impl ScenarioResult {
    /// Puts the figures of a scenario together.
    pub fn new(scenario: &Scenario, samples: &BTreeMap<&'static str, Samples>) -> Self {
        let nothing = Samples::default();
        let direct = samples.get("direct").unwrap_or(&nothing);
        let measured = samples.iter().filter(|(_, samples)| !samples.costs.is_empty());
        let targets: BTreeMap<_, _> = measured.map(|(name, samples)| (*name, samples.figures(direct))).collect();
        let cpu = |name| targets.get(name).map_or(0, |figures: &Figures| figures.cpu_ns_per_unit);
        let ratio_to_nginx_percent = cpu("deltallm").saturating_mul(100) / cpu("nginx").max(1);
        Self { name: scenario.name, unit: scenario.unit, targets, ratio_to_nginx_percent }
    }
}

impl Results {
    /// The table for people.
    pub fn table(&self) -> String {
        let mut table = format!(
            "{:<14}{:<10}{:>22}{:>22}{:>8}{:>12}{:>14}{:>14}\n",
            "scenario",
            "target",
            "CPU µs per unit",
            "lowest–highest",
            "ratio",
            "requests/s",
            "p50 added µs",
            "p99 added µs"
        );
        for scenario in &self.scenarios {
            for (name, figures) in scenario.targets.iter().rev() {
                let ratio = match *name {
                    "nginx" => "1.00".to_owned(),
                    _ => hundredths(scenario.ratio_to_nginx_percent),
                };
                let cpu = format!("{} / {}", tenths_us(figures.cpu_ns_per_unit), scenario.unit.text());
                let range = format!("{}–{}", tenths_us(figures.cpu_ns_lowest), tenths_us(figures.cpu_ns_highest));
                // Writing to a String cannot fail.
                let _ = writeln!(
                    table,
                    "{:<14}{name:<10}{cpu:>22}{range:>22}{ratio:>8}{:>12}{:>14}{:>14}",
                    scenario.name, figures.requests_per_second, figures.added_p50_us, figures.added_p99_us
                );
            }
        }
        for (name, memory) in self.memory.iter().rev() {
            let _ = writeln!(
                table,
                "memory of {name}: {} kB idle, {} kB after the load",
                memory.idle_kb, memory.after_load_kb
            );
        }
        let _ = writeln!(table, "deltallm ready after {} ms", self.ready_after_ms);
        table
    }
}

/// The middle value; of an even number, the lower of the two in the middle.
fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// 35_240 ns → `35.2`.
fn tenths_us(nanos: u64) -> String {
    let tenths = nanos.saturating_add(50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// 231 → `2.31`.
fn hundredths(percent: u64) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_read_them() {
        assert_eq!(tenths_us(35_240), "35.2");
        assert_eq!(tenths_us(2_160), "2.2");
        assert_eq!(hundredths(105), "1.05");
        assert_eq!(median([9, 1, 5].into_iter()), 5);
        assert_eq!(median(std::iter::empty()), 0);
    }

    #[test]
    fn added_latency_is_what_the_upstream_alone_does_not_take() {
        let latency = |p50_us, p99_us| Samples { costs: vec![], latencies: vec![Latency { p50_us, p99_us }] };
        let figures = latency(250, 900).figures(&latency(150, 400));
        assert_eq!((figures.added_p50_us, figures.added_p99_us), (100, 500));
    }
}
