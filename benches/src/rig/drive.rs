//! The order of a bench: start everything, warm up, measure in alternation, write down, end everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use tempfile::TempDir;

use super::affinity::{self, Cores};
use super::postgres::Postgres;
use super::results::{Memory, Results, Samples, ScenarioResult};
use super::scenario::{SCENARIOS, Scenario};
use super::service::Service;
use super::target::Target;
use super::{binaries, machine, nginx, process_stat, proxy_config, round};

/// Measures `DeltaLLM` beside nginx: same work, same core, in turns.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
pub struct BenchArgs {
    /// How often each target is measured; the table shows medians.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Length of each load.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Only these scenarios.
    #[arg(long)]
    scenario: Vec<String>,
    /// With the admin service and PostgreSQL behind the proxy, instead of the proxy alone.
    #[arg(long)]
    full: bool,
    /// Where nginx is; without it, as found in PATH.
    #[arg(long)]
    nginx: Option<PathBuf>,
    /// File for the figures as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Runs the bench and returns the table.
pub fn run_bench(args: &BenchArgs) -> Result<String, String> {
    let scenarios = chosen(&args.scenario)?;
    let cores = affinity::cores()?;
    let (nginx_program, nginx_version) = nginx::find(args.nginx.as_deref())?;
    eprintln!("building …");
    let needed = ["deltallm-benches", "deltallm-proxy", "deltallm-admin"];
    binaries::build_packages(if args.full { &needed } else { &needed[..2] })?;
    let folder = tempfile::Builder::new()
        .prefix("deltallm-bench-")
        .tempdir()
        .map_err(|error| format!("temporary folder: {error}"))?;
    let stage = Stage::set_up(&folder, cores, &nginx_program, args.full)?;
    let idle = stage.memory_kb()?;
    let mut results = Vec::new();
    for scenario in &scenarios {
        eprintln!("measuring {} …", scenario.name);
        results.push(stage.measure(scenario, args, cores)?);
    }
    let after = stage.memory_kb()?;
    let memory = idle
        .into_iter()
        .map(|(name, idle_kb)| (name, Memory { idle_kb, after_load_kb: after.get(name).copied().unwrap_or(0) }));
    let ready_after = stage.deltallm.ready_after().unwrap_or_default();
    let results = Results {
        taken_at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        profile: if args.full { "full" } else { "standalone" },
        rounds: args.rounds,
        seconds: args.seconds,
        machine: machine::describe(),
        versions: BTreeMap::from([("nginx", nginx_version), ("deltallm", env!("CARGO_PKG_VERSION").to_owned())]),
        ready_after_ms: u64::try_from(ready_after.as_millis()).unwrap_or(u64::MAX),
        memory: memory.collect(),
        scenarios: results,
    };
    if let Some(path) = &args.out {
        write(path, &results)?;
    }
    Ok(results.table())
}

/// Everything that runs during a bench; ends with it.
struct Stage {
    direct: Target,
    nginx: Target,
    deltallm: Target,
    _others: Option<(Service, Postgres)>,
    _upstream: Service,
}

impl Stage {
    fn set_up(folder: &TempDir, cores: Cores, nginx_program: &Path, is_full: bool) -> Result<Self, String> {
        let folder = folder.path();
        let upstream = affinity::on_core(cores.load, || {
            let mut command = Command::new(binaries::path("mock-upstream")?);
            command.args(["--keep", "0"]);
            Service::start("mock-upstream", command, folder)
        })?;
        let upstream_address = upstream.address("addr")?;
        let (nginx, nginx_address) =
            affinity::on_core(cores.target, || nginx::start(nginx_program, folder, upstream_address))?;
        let start = if is_full { proxy_config::start_full } else { proxy_config::start_alone };
        let proxy = start(folder, upstream_address, cores)?;
        Ok(Self {
            direct: Target { name: "direct", address: upstream_address, key: None, service: None },
            nginx: Target { name: "nginx", address: nginx_address, key: None, service: Some(nginx) },
            deltallm: Target {
                name: "deltallm",
                address: proxy.service.address("api")?,
                key: Some(proxy.key),
                service: Some(proxy.service),
            },
            _others: proxy.others,
            _upstream: upstream,
        })
    }

    fn measure(&self, scenario: &Scenario, args: &BenchArgs, cores: Cores) -> Result<ScenarioResult, String> {
        let mut samples: BTreeMap<&'static str, Samples> = BTreeMap::new();
        for target in [&self.nginx, &self.deltallm] {
            // Pools fill, pages are touched; not counted.
            round::cost(target, scenario, cores, 1)?;
        }
        for index in 0..args.rounds {
            // Whoever goes second finds warmer caches: take turns.
            let mut targets = [&self.nginx, &self.deltallm];
            if index % 2 == 1 {
                targets.reverse();
            }
            for target in targets {
                let cost = round::cost(target, scenario, cores, args.seconds)?;
                samples.entry(target.name).or_default().costs.push(cost);
            }
            for target in [&self.direct, targets[0], targets[1]] {
                let latency = round::latency(target, scenario, cores, args.seconds)?;
                samples.entry(target.name).or_default().latencies.push(latency);
            }
        }
        Ok(ScenarioResult::new(scenario, &samples))
    }

    fn memory_kb(&self) -> Result<BTreeMap<&'static str, u64>, String> {
        let services = [&self.nginx, &self.deltallm].into_iter();
        services
            .filter_map(|target| target.service.as_ref().map(|service| (target.name, service.pid())))
            .map(|(name, pid)| Ok((name, process_stat::memory_kb(pid)?)))
            .collect()
    }
}

fn chosen(names: &[String]) -> Result<Vec<Scenario>, String> {
    if names.is_empty() {
        return Ok(SCENARIOS.to_vec());
    }
    let find = |name: &String| {
        let known = SCENARIOS.iter().find(|scenario| scenario.name == name).copied();
        known.ok_or_else(|| {
            let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            format!("no scenario `{name}`; there are {}", names.join(", "))
        })
    };
    names.iter().map(find).collect()
}

fn write(path: &Path, results: &Results) -> Result<(), String> {
    let mut text = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    text.push('\n');
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
