use deltallm_shared::{
    ids::DeploymentId,
    money::NanoUsd,
    routing::{Canary, Fault, RoutingSettings, SkipReason, Strategy},
};

use super::*;

fn deployment(name: &str) -> SimulatedDeployment {
    SimulatedDeployment {
        id: DeploymentId::from_text(name),
        name: name.to_owned(),
        weight: 1,
        priority: 0,
        tags: Vec::new(),
        rpm: None,
        tpm: None,
        parallel: None,
        first_token: Times { mean_ms: 200, p95_ms: 400 },
        total: Times { mean_ms: 1_000, p95_ms: 2_000 },
        failures: Vec::new(),
        price: Some(NanoUsd(1_000)),
    }
}

fn failing(name: &str, fault: Fault, percent: u8) -> SimulatedDeployment {
    let failures = Failures { fault, percent, after_ms: 20, retry_after_ms: None, from_ms: 0, until_ms: None };
    SimulatedDeployment { failures: vec![failures], ..deployment(name) }
}

/// 6000 requests in ten minutes.
fn steady() -> SyntheticTraffic {
    SyntheticTraffic {
        requests_per_minute: 600,
        duration_ms: 600_000,
        stream_percent: 50,
        sessions: 0,
        tokens: 500,
        tagged_percent: 0,
        tags: Vec::new(),
    }
}

fn scenario(deployments: Vec<SimulatedDeployment>) -> Scenario {
    Scenario {
        settings: RoutingSettings::default(),
        deployments,
        traffic: Traffic::Synthetic(steady()),
        seed: 7,
        samples: 20,
    }
}

fn run(scenario: &Scenario) -> Outcome {
    simulate(scenario).unwrap()
}

#[test]
fn one_of_two_that_fails_every_fifth_time_is_not_seen_by_clients() {
    for fault in [Fault::Server, Fault::Connect, Fault::Overloaded, Fault::FirstByteTimeout, Fault::RateLimit] {
        let outcome = run(&scenario(vec![failing("sick", fault, 20), deployment("well")]));
        assert_eq!((outcome.client_errors, &outcome.errors), (0, &Vec::new()), "{fault:?}");
        assert_eq!(outcome.answered, outcome.requests);
        assert!(outcome.deployments[0].failures > 0, "{fault:?}");
        assert!(outcome.attempts[2] > 0 && outcome.attempts[1] > outcome.attempts[2], "{:?}", outcome.attempts);
    }
}

#[test]
fn nor_under_any_strategy() {
    for (strategy, name) in Strategy::NAMES {
        let mut scenario = scenario(vec![failing("sick", Fault::Server, 20), deployment("well")]);
        scenario.settings.strategy = Some(strategy);
        scenario.traffic = Traffic::Synthetic(SyntheticTraffic { sessions: 50, ..steady() });
        let outcome = run(&scenario);
        assert_eq!(outcome.client_errors, 0, "{name} {:?}", outcome.errors);
    }
}

#[test]
fn without_retries_clients_see_it() {
    let mut scenario = scenario(vec![failing("sick", Fault::Server, 20), deployment("well")]);
    scenario.settings.num_retries = Some(0);
    let outcome = run(&scenario);
    assert!(outcome.client_errors > 0);
    assert_eq!(outcome.errors, [ErrorCount { reason: "server".into(), count: outcome.client_errors }]);
    assert_eq!(outcome.answered + outcome.client_errors, outcome.requests);
}

#[test]
fn an_outage_sets_aside_until_it_is_over() {
    let mut sick = failing("sick", Fault::Connect, 100);
    (sick.failures[0].from_ms, sick.failures[0].until_ms) = (60_000, Some(180_000));
    let outcome = run(&scenario(vec![sick, deployment("well")]));
    let sick = &outcome.deployments[0];
    assert_eq!(outcome.client_errors, 0);
    assert!(sick.pause_count >= 2 && sick.failures < 30, "{sick:?}");
    assert!(sick.pauses.iter().all(|pause| pause.fault == Fault::Connect && pause.from_ms < 181_000), "{sick:?}");
    assert!(sick.share_ppm > 250_000, "it comes back: {sick:?}");
}

#[test]
fn weights_are_reproduced() {
    for strategy in [Strategy::SimpleShuffle, Strategy::RoundRobin, Strategy::SessionAffinity] {
        let weighted = |(name, weight): (&str, u32)| SimulatedDeployment { weight, ..deployment(name) };
        let mut scenario = scenario([("a", 1), ("b", 3), ("c", 6)].map(weighted).to_vec());
        scenario.settings.strategy = Some(strategy);
        scenario.traffic = Traffic::Synthetic(SyntheticTraffic { sessions: 1_000_000, ..steady() });
        let outcome = run(&scenario);
        for (deployment, due) in outcome.deployments.iter().zip([100_000_u64, 300_000, 600_000]) {
            assert!(deployment.share_ppm.abs_diff(due) < 30_000, "{strategy:?} {deployment:?}");
        }
    }
}

#[test]
fn the_same_seed_has_the_same_outcome() {
    let mut scenario = scenario(vec![failing("sick", Fault::Server, 30), deployment("well")]);
    let first = run(&scenario);
    assert_eq!(first, run(&scenario));
    scenario.seed += 1;
    assert_ne!(first, run(&scenario));
}

#[test]
fn figures_add_up() {
    let outcome = run(&scenario(vec![deployment("a"), deployment("b")]));
    assert!(outcome.requests.abs_diff(6_000) < 300, "{}", outcome.requests);
    assert_eq!(outcome.spend, NanoUsd(i64::try_from(outcome.answered).unwrap() * 1_000));
    let attempts: u64 = outcome.deployments.iter().map(|deployment| deployment.attempts).sum();
    assert_eq!((attempts, outcome.attempts[1]), (outcome.requests, outcome.requests));
    assert!((700_000..1_100_000).contains(&outcome.total.p50_us), "{:?}", outcome.total);
    assert!(outcome.total.p95_us.abs_diff(2_000_000) < 100_000, "{:?}", outcome.total);
    assert!(outcome.first_content.p95_us.abs_diff(400_000) < 40_000, "{:?}", outcome.first_content);
    assert_eq!(outcome.choices.len(), 20);
    assert!(outcome.choices.iter().all(|sample| sample.choice.candidates.len() == 2));
}

#[test]
fn the_quicker_one_has_more_and_the_cheaper_one_all() {
    let slow = SimulatedDeployment { total: Times { mean_ms: 4_000, p95_ms: 8_000 }, ..deployment("slow") };
    let mut scenario = scenario(vec![slow, deployment("quick")]);
    scenario.settings.strategy = Some(Strategy::LatencyBased);
    let outcome = run(&scenario);
    let share = outcome.deployments[1].share_ppm;
    assert!((650_000..980_000).contains(&share), "{share}");
    scenario.deployments[0].price = Some(NanoUsd(999));
    scenario.settings.strategy = Some(Strategy::CostBased);
    assert_eq!(run(&scenario).deployments[0].share_ppm, 1_000_000);
}

#[test]
fn limits_are_kept_and_refusals_counted() {
    let limited = SimulatedDeployment { rpm: Some(100), ..deployment("limited") };
    let outcome = run(&scenario(vec![limited]));
    assert!(outcome.deployments[0].attempts < 1_150, "{:?}", outcome.deployments);
    assert_eq!(outcome.errors, [ErrorCount { reason: "at_capacity".into(), count: outcome.client_errors }]);
    assert_eq!(outcome.attempts[0], outcome.client_errors);
}

#[test]
fn a_bad_request_is_the_callers() {
    let outcome = run(&scenario(vec![failing("a", Fault::BadRequest, 10), failing("b", Fault::BadRequest, 10)]));
    assert!(outcome.client_errors > 0);
    assert!(outcome.deployments.iter().all(|deployment| deployment.pause_count == 0));
    assert_eq!(outcome.attempts[1], outcome.requests);
}

#[test]
fn a_slow_one_is_given_up_in_time() {
    let slow = SimulatedDeployment { total: Times { mean_ms: 5_000, p95_ms: 5_000 }, ..deployment("slow") };
    let mut scenario = scenario(vec![slow]);
    scenario.settings.timeout_ms = Some(1_000);
    let outcome = run(&scenario);
    assert_eq!(outcome.errors[0].reason, "deadline");
    scenario.settings.first_byte_timeout_ms = Some(100);
    assert_eq!(run(&scenario).errors[0].reason, "first_byte_timeout");
}

#[test]
fn a_canary_that_fails_is_returned() {
    let mut sick = failing("new", Fault::Server, 60);
    sick.tags = vec!["new".into()];
    let mut scenario = scenario(vec![deployment("old"), sick]);
    let canary =
        Canary { deployment_id: None, tag: Some("new".into()), percent: 10, max_error_percent: 20, min_requests: 20 };
    scenario.settings.canary = Some(canary);
    let outcome = run(&scenario);
    assert!(outcome.deployments[1].is_canary_returned);
    assert!(outcome.deployments[1].attempts < 40, "{:?}", outcome.deployments[1]);
    assert_eq!(outcome.client_errors, 0);
    let last = &outcome.choices.last().unwrap().choice.candidates;
    assert!(last.iter().any(|candidate| candidate.skipped == Some(SkipReason::CanaryReturned)));
    // One that is well has its share to the end.
    scenario.deployments[1].failures.clear();
    let share = run(&scenario).deployments[1].share_ppm;
    assert!((80_000..120_000).contains(&share), "{share}");
}

#[test]
fn recorded_requests_are_replayed_in_order() {
    let mut scenario = scenario(vec![deployment("a")]);
    let of = |at_ms| Arrival { at_ms, tokens: 10, streams: true, ..Arrival::default() };
    scenario.traffic = Traffic::Recorded { arrivals: vec![of(500), of(0), of(250)] };
    let outcome = run(&scenario);
    assert_eq!((outcome.requests, outcome.answered), (3, 3));
}

#[test]
fn what_is_too_much_is_said() {
    let usual = scenario(vec![deployment("a")]);
    let of = |requests_per_minute| Traffic::Synthetic(SyntheticTraffic { requests_per_minute, ..steady() });
    let error = |scenario: &Scenario| simulate(scenario).unwrap_err().to_string();
    assert_eq!(
        error(&Scenario { traffic: of(100_000), ..usual.clone() }),
        "1000000 requests; a simulation has at most 100000"
    );
    let many = (0..1_000).map(|index| deployment(&index.to_string())).collect();
    assert!(error(&Scenario { deployments: many, ..usual.clone() }).contains("over 1000 deployments"));
    assert!(error(&Scenario { deployments: Vec::new(), ..usual.clone() }).contains("at least one"));
    let settings = RoutingSettings { num_retries: Some(1_000), ..RoutingSettings::default() };
    assert!(error(&Scenario { settings, ..usual.clone() }).contains("settings.num_retries"));
    let sick = vec![failing("a", Fault::Server, 101)];
    assert!(error(&Scenario { deployments: sick, ..usual }).contains("more than 100 percent"));
}

#[test]
fn a_scenario_is_short_to_write() {
    let scenario: Scenario = serde_json::from_str(
        r#"{"deployments":[{"id":"00000000-0000-0000-0000-000000000001","name":"a"}],
            "traffic":{"kind":"synthetic","requests_per_minute":60,"duration_ms":60000}}"#,
    )
    .unwrap();
    assert_eq!((scenario.samples, scenario.deployments[0].weight), (20, 1));
    assert!(run(&scenario).requests > 30);
}
