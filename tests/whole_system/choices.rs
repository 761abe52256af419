//! Who is chosen where several could serve: weights, tiers, tags, sessions, trials.

use std::collections::{BTreeMap, BTreeSet};

use deltallm_tests::{Caller, Deployment, MASTER_KEY, Reading, System, plain_body};
use serde_json::json;

async fn system(deployments: Vec<Deployment>, settings: &str) -> (System, Caller) {
    let settings = format!("router_settings:\n  retry_after: 20ms\n{settings}");
    let system = System::builder().alone().deployments(deployments).sections(&settings).start().await;
    let caller = system.caller(MASTER_KEY);
    (system, caller)
}

/// Two deployments of `pair`, and what each has of its own.
fn pair(one: impl Fn(Deployment) -> Deployment, two: impl Fn(Deployment) -> Deployment) -> Vec<Deployment> {
    vec![one(Deployment::new("pair", "chunks=1,tag=one")), two(Deployment::new("pair", "chunks=1,tag=two"))]
}

async fn requests_of(system: &System, tag: &str) -> u64 {
    system.upstream.tally_of(tag).await.requests
}

async fn ask_with_header(caller: &Caller, name: &str, value: &str) -> Reading {
    Reading::of(caller.post("/v1/chat/completions", &plain_body("pair")).header(name, value)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_say_who_gets_how_much() {
    let deployments = pair(|one| one.with("weight: 3"), |two| two.with("weight: 1"));
    let (system, caller) = system(deployments, "  routing_strategy: simple-shuffle\n").await;
    for _ in 0..240 {
        assert_eq!(caller.ask("pair").await.status, 200);
    }
    // 180 of 240 with a deviation of less than 7: ten are never away by 42.
    let one = requests_of(&system, "one").await;
    assert!((138..=222).contains(&one), "three of four are {one} of 240");
    assert_eq!(one + requests_of(&system, "two").await, 240);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_strategy_serves_and_uses_more_than_one() {
    for strategy in ["simple-shuffle", "round-robin", "least-busy", "latency-based-routing", "usage-based-routing-v2"] {
        let (system, caller) = system(pair(|one| one, |two| two), &format!("  routing_strategy: {strategy}\n")).await;
        for _ in 0..20 {
            let readings = futures_util::future::join_all((0..4).map(|_| caller.ask("pair"))).await;
            assert!(readings.iter().all(|reading| (reading.status, reading.attempts) == (200, 1)), "{strategy}");
        }
        let (one, two) = (requests_of(&system, "one").await, requests_of(&system, "two").await);
        assert!(one > 0 && two > 0 && one + two == 80, "{strategy}: {one} and {two}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_tier_serves_where_the_first_cannot() {
    let deployments = vec![
        Deployment::new("pair", "chunks=1,tag=one").tier(1),
        Deployment::new("pair", "chunks=1,tag=two").tier(1),
        Deployment::new("pair", "chunks=1,tag=late").tier(2),
    ];
    let (first_tier, caller) = system(deployments, "  routing_strategy: priority-based-routing\n").await;
    for _ in 0..20 {
        assert_eq!(caller.ask("pair").await.attempts, 1);
    }
    assert_eq!(requests_of(&first_tier, "late").await, 0);
    let deployments = vec![
        Deployment::new("pair", "chunks=1,tag=one,status=500").tier(1),
        Deployment::new("pair", "chunks=1,tag=two,status=500").tier(1),
        Deployment::new("pair", "chunks=1,tag=late").tier(2),
    ];
    let (failing_tier, caller) = system(deployments, "  routing_strategy: priority-based-routing\n").await;
    let reading = caller.ask("pair").await;
    assert_eq!((reading.status, reading.attempts), (200, 3), "{reading:?}");
    for tag in ["one", "two", "late"] {
        assert_eq!(requests_of(&failing_tier, tag).await, 1, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_narrow_the_choice() {
    let deployments = pair(|one| one.tagged("eu").tagged("fast"), |two| two.tagged("us").tagged("fast"));
    let (system, caller) = system(deployments, "  enable_tag_filtering: true\n").await;
    for _ in 0..10 {
        assert_eq!(ask_with_header(&caller, "x-deltallm-tags", "eu").await.status, 200);
        assert_eq!(ask_with_header(&caller, "x-deltallm-tags", "fast, eu").await.status, 200);
    }
    assert_eq!((requests_of(&system, "one").await, requests_of(&system, "two").await), (20, 0));
    for _ in 0..10 {
        let mut body = plain_body("pair");
        body["tags"] = json!(["us"]);
        assert_eq!(caller.ask_with(&body).await.status, 200);
        let mut body = plain_body("pair");
        body["metadata"] = json!({ "tags": ["us"] });
        assert_eq!(caller.ask_with(&body).await.status, 200);
    }
    assert_eq!((requests_of(&system, "one").await, requests_of(&system, "two").await), (20, 20));
    // Nobody has both.
    let reading = ask_with_header(&caller, "x-deltallm-tags", "eu,us").await;
    assert!(reading.status >= 400 && !reading.code.is_empty(), "{reading:?}");
    assert_eq!(requests_of(&system, "one").await + requests_of(&system, "two").await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_where_it_began() {
    let (system, caller) = system(pair(|one| one, |two| two), "  routing_strategy: session-affinity\n").await;
    let mut of_session: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for _ in 0..6 {
        for session in 0..16 {
            let session = format!("session-{session}");
            let reading = ask_with_header(&caller, "x-deltallm-session-id", &session).await;
            assert_eq!(reading.status, 200, "{reading:?}");
            of_session.entry(session).or_default().insert(reading.deployment);
        }
    }
    assert!(of_session.values().all(|deployments| deployments.len() == 1), "{of_session:?}");
    let used: BTreeSet<_> = of_session.values().flatten().collect();
    assert_eq!(used.len(), 2, "16 sessions are not all at the same deployment");
    let seen = system.upstream.last_received().await;
    assert_eq!(seen.header("x-deltallm-session-id"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_on_where_its_deployment_fails() {
    let deployments =
        vec![Deployment::new("pair", "chunks=1,tag=one,status=500"), Deployment::new("pair", "chunks=1,tag=two")];
    let (_system, caller) = system(deployments, "  routing_strategy: session-affinity\n").await;
    for _ in 0..8 {
        let reading = ask_with_header(&caller, "x-deltallm-session-id", "the-same").await;
        assert_eq!(reading.status, 200, "{reading:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_gets_its_share_and_no_more() {
    let deployments = pair(|one| one, |two| two.tagged("new"));
    let (system, caller) = system(deployments, "  canary: { tag: new, percent: 20 }\n").await;
    for _ in 0..200 {
        assert_eq!(caller.ask("pair").await.status, 200);
    }
    // 40 of 200 with a deviation of less than 6.
    let on_trial = requests_of(&system, "two").await;
    assert!((8..=72).contains(&on_trial), "a fifth is {on_trial} of 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_fails_ends_by_itself_and_no_client_sees_it() {
    let deployments = vec![
        Deployment::new("pair", "chunks=1,tag=one"),
        Deployment::new("pair", "chunks=1,tag=two,status=500").tagged("new"),
    ];
    let settings = "  allowed_fails: 1000
  min_requests: 1000
  canary: { tag: new, percent: 50, max_error_percent: 20, min_requests: 5 }
";
    let (system, caller) = system(deployments, settings).await;
    for _ in 0..60 {
        let reading = caller.ask("pair").await;
        assert_eq!(reading.status, 200, "{reading:?}");
    }
    let on_trial = requests_of(&system, "two").await;
    assert!((5..=8).contains(&on_trial), "{on_trial} requests before the trial ended");
    for _ in 0..40 {
        assert_eq!(caller.ask("pair").await.attempts, 1);
    }
    assert_eq!(requests_of(&system, "two").await, on_trial);
}
