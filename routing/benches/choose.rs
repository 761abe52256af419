//! What a choice costs, from the statistics of each deployment to the decision: `cargo bench -p deltallm-routing`.
//!
//! Each figure is the best of many rounds, in nanoseconds of one thread. The target is 3 µs with 100 deployments, for every strategy.
//! *busy*: every tenth deployment is set aside or limited, as in a bad hour, and a canary is on trial.
#![expect(clippy::unwrap_used, reason = "a bench whose inputs do not fit is no bench")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use deltallm_routing::{
    affinity::{PrefixTable, Prefixes},
    candidate::{Ask, Candidate},
    choose::choose,
    seed::mix,
    stats::{DeploymentStats, Ending, Limits},
    tick::Tick,
    trace,
};
use deltallm_shared::{
    ids::DeploymentId,
    routing::{Canary, CircuitPolicy, EffectiveRouting, Fault, RoutingSettings, Strategy},
};

const ROUNDS: u32 = 200;
const CHOICES: u32 = 200;
const TARGET_NS: u128 = 3_000;

/// The best round of `work`, in nanoseconds for each of its `units`.
fn best(units: u32, mut work: impl FnMut()) -> u128 {
    let mut shortest = u128::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        work();
        shortest = shortest.min(started.elapsed().as_nanos());
    }
    shortest / u128::from(units)
}

/// A deployment as the proxy keeps it.
struct Deployment {
    identity: u64,
    stats: DeploymentStats,
    limits: Limits,
}

const START: Tick = Tick(1_000_000_000_000);

/// Deployments that have answered for a minute.
fn deployments(count: u64, is_bad_hour: bool) -> Vec<Deployment> {
    let policy = CircuitPolicy::default();
    let of = |index: u64| {
        let stats = DeploymentStats::default();
        for second in 0..60 {
            let now = START.after(Duration::from_secs(second));
            let begun = stats.begin(now, 500);
            let total = Duration::from_millis(800 + index * 10);
            let ending = match index % 10 {
                3 if is_bad_hour => Ending::Failed { fault: Fault::Server, retry_after: None },
                7 if is_bad_hour => {
                    Ending::Failed { fault: Fault::RateLimit, retry_after: Some(Duration::from_mins(5)) }
                }
                _ => Ending::Answered { first_token: Some(total / 4), total, tokens: 500 },
            };
            stats.end(now.after(total), begun, ending, &policy);
        }
        for _ in 0..index % 7 {
            let _under_way = stats.begin(START.after(Duration::from_mins(1)), 500);
        }
        let limits = Limits { rpm: Some(1_000), tpm: Some(1_000_000), parallel: Some(100) };
        Deployment { identity: mix(index), stats, limits }
    };
    (0..count).map(of).collect()
}

fn fill(deployments: &[Deployment], now: Tick, candidates: &mut Vec<Candidate>) {
    candidates.clear();
    candidates.extend((0_u32..).zip(deployments).map(|(index, deployment)| Candidate {
        identity: deployment.identity,
        weight: 1 + index % 5,
        priority: index % 3,
        price_nano_usd: Some(i64::from(index % 11) * 1_000),
        has_tags: true,
        is_canary: index == 5,
        stats: deployment.stats.view(now, &deployment.limits, 500),
        ..Candidate::default()
    }));
}

fn main() {
    let now = START.after(Duration::from_secs(61));
    let mut worst = 0;
    println!("{:<24} {:>8} {:>8} {:>8} {:>8}", "ns a choice", "1", "10", "100", "100 busy");
    for (name, label) in Strategy::NAMES {
        let canary = Canary { deployment_id: None, tag: None, percent: 5, max_error_percent: 20, min_requests: 20 };
        let calm = EffectiveRouting::of(&RoutingSettings { strategy: Some(name), ..RoutingSettings::default() });
        let trial = EffectiveRouting { canary: Some(canary), ..calm.clone() };
        let figures = [(1, false), (10, false), (100, false), (100, true)].map(|(count, is_bad_hour)| {
            let deployments = deployments(count, is_bad_hour);
            let routing = if is_bad_hour { &trial } else { &calm };
            let mut candidates = Vec::with_capacity(100);
            let mut turn = 0;
            best(CHOICES, || {
                for _ in 0..CHOICES {
                    turn += 1;
                    let ask = Ask {
                        now,
                        seed: mix(turn),
                        turn,
                        streams: true,
                        tokens: 500,
                        session: Some(mix(turn)),
                        warm: Some(mix(turn % count)),
                        is_first: true,
                        may_retry: true,
                        ..Ask::default()
                    };
                    fill(&deployments, now, &mut candidates);
                    black_box(choose(routing, &mut candidates, &ask));
                }
            })
        });
        worst = worst.max(*figures.iter().max().unwrap());
        println!("{label:<24} {:>8} {:>8} {:>8} {:>8}", figures[0], figures[1], figures[2], figures[3]);
    }
    println!("worst {worst} ns; target {TARGET_NS} ns: {}", if worst <= TARGET_NS { "held" } else { "MISSED" });
    beside(now);
}

/// What else a choice may bring with it.
fn beside(now: Tick) {
    let deployments = deployments(100, true);
    let mut candidates = Vec::with_capacity(100);
    let filled = best(CHOICES, || {
        for _ in 0..CHOICES {
            fill(&deployments, now, &mut candidates);
            black_box(&candidates);
        }
    });
    let ask = Ask { now, is_first: true, ..Ask::default() };
    let decision = choose(&EffectiveRouting::default(), &mut candidates, &ask);
    let id = DeploymentId::from_text("one");
    let explained = best(CHOICES, || {
        for _ in 0..CHOICES {
            let asked =
                trace::Asked { model: "m", strategy: Strategy::CostBased, fallback: None, at: Duration::default() };
            black_box(trace::explain(asked, &candidates, &ask, decision.index(), |_| id));
        }
    });
    println!("of it, 100 candidates from their statistics: {filled} ns; beside it, a trace of 100: {explained} ns");

    let prompt = vec![b'x'; 64 * 1024];
    let table = PrefixTable::new([1, 2], PrefixTable::SLOTS);
    let hashed = best(10, || {
        for _ in 0..10 {
            black_box(table.prefixes(&prompt));
        }
    });
    let prefixes: Prefixes = table.prefixes(&prompt);
    let remembered = best(10, || {
        for _ in 0..10 {
            table.remember(&prefixes, 7, now);
            black_box(table.warm(&prefixes, now));
        }
    });
    println!("prefix of 64 KiB: {hashed} ns to hash, {remembered} ns to remember and find");
}
