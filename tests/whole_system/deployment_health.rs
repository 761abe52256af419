//! What speaks against a deployment and what does not, and how one that was set aside comes back.

use deltallm_tests::{
    Caller, Deployment, MASTER_KEY, MODEL, Reading, System, chat_body, eventually, plain_body, wait_until,
};
use serde_json::json;

async fn system(deployments: Vec<Deployment>, settings: &str) -> (System, Caller) {
    let settings =
        format!("router_settings:\n  routing_strategy: priority-based-routing\n  retry_after: 20ms\n{settings}");
    let system = System::builder().alone().deployments(deployments).sections(&settings).start().await;
    let caller = system.caller(MASTER_KEY);
    (system, caller)
}

async fn requests_of(system: &System, tag: &str) -> u64 {
    system.upstream.tally_of(tag).await.requests
}

fn end(reading: &Reading) -> (u16, &str, u32) {
    (reading.status, reading.code.as_str(), reading.attempts)
}

/// A metric's value, all its labels together.
async fn metric(system: &System, name: &str, label: &str) -> u64 {
    let answer = reqwest::get(format!("http://{}/metrics", system.proxy().ops())).await.unwrap();
    let text = answer.text().await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_mistake_sets_nobody_aside() {
    let deployments = vec![
        Deployment::new("pair", "chunks=4,tag=first").tier(1),
        Deployment::new("pair", "chunks=4,tag=second").tier(2),
    ];
    let (system, caller) = system(deployments, "  allowed_fails: 1\n  min_requests: 2\n  max_error_percent: 1\n").await;
    for options in ["status=400", "status=413", "status=422", "status=400,code=context_length_exceeded"] {
        for _ in 0..4 {
            let mistake = caller.ask_with(&chat_body("pair", options)).await;
            assert!((400..500).contains(&mistake.status), "{options}: {mistake:?}");
            assert_eq!(mistake.attempts, 1, "{options}: {mistake:?}");
        }
        let reading = caller.ask("pair").await;
        assert_eq!(end(&reading), (200, "", 1), "after {options}: {reading:?}");
    }
    assert_eq!(requests_of(&system, "second").await, 0, "everybody is served by the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_goes_to_the_next_and_is_reported() {
    let mut deployments = Vec::new();
    // One key each: what is said of a key holds wherever it is used.
    for (index, status) in [401, 403, 404, 401, 403, 404].into_iter().enumerate() {
        let group = format!("g{index}");
        let key = |name: &str| format!("api_key: sk-{name}-{index}");
        let bad = Deployment::new(&group, &format!("status={status},tag=bad{index}"));
        deployments.push(bad.with(&key("bad")).tier(1));
        let good = Deployment::new(&group, &format!("chunks=4,tag=good{index}"));
        deployments.push(good.with(&key("good")).tier(2));
    }
    let (system, caller) = system(deployments, "").await;
    assert_eq!(metric(&system, "deltallm_deployment_alerts_total", "").await, 0);
    for index in 0..6 {
        let group = format!("g{index}");
        let reading = if index < 3 { caller.ask(&group).await } else { caller.ask_streamed(&group).await };
        assert_eq!(end(&reading), (200, "", 2), "{group}: {reading:?}");
        assert_eq!(reading.text, " the model said that");
    }
    let alerts = |label: &'static str| metric(&system, "deltallm_deployment_alerts_total", label);
    assert_eq!((alerts("auth").await, alerts("not_found").await), (4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_fails_is_set_aside_and_comes_back_by_a_probe() {
    let deployments = vec![
        Deployment::new("pair", "chunks=4,tag=weak,status=500,fail_first=3").tier(1),
        Deployment::new("pair", "chunks=4,tag=strong").tier(2),
    ];
    let (system, caller) = system(deployments, "  allowed_fails: 2\n  cooldown_time: 3s\n").await;
    for _ in 0..2 {
        assert_eq!(end(&caller.ask("pair").await), (200, "", 2), "both are asked");
    }
    for _ in 0..10 {
        assert_eq!(end(&caller.ask("pair").await), (200, "", 1), "the weak one is set aside");
    }
    assert_eq!(requests_of(&system, "weak").await, 2);
    // Its first probe fails; the client does not see it.
    eventually("the weak one is probed", || async {
        let reading = caller.ask("pair").await;
        assert_eq!((reading.status, reading.code.as_str()), (200, ""), "{reading:?}");
        (reading.attempts == 2).then_some(())
    })
    .await;
    assert_eq!(requests_of(&system, "weak").await, 3);
    for _ in 0..10 {
        assert_eq!(end(&caller.ask("pair").await), (200, "", 1), "it is set aside for longer");
    }
    assert_eq!(requests_of(&system, "weak").await, 3);
    let strong = caller.ask("pair").await.deployment;
    eventually("the next probe brings it back", || async {
        let reading = caller.ask("pair").await;
        assert_eq!(end(&reading), (200, "", 1), "{reading:?}");
        (reading.deployment != strong).then_some(())
    })
    .await;
    for _ in 0..5 {
        assert_ne!(caller.ask("pair").await.deployment, strong, "the first tier serves again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_deployment_is_always_asked() {
    let deployments = vec![Deployment::new("only", "chunks=4,tag=only,status=500,fail_first=12")];
    let (system, caller) = system(deployments, "  num_retries: 0\n  allowed_fails: 1\n  cooldown_time: 1h\n").await;
    for nth in 1..=12 {
        let reading = caller.ask("only").await;
        assert_eq!(end(&reading), (502, "upstream_error", 1), "request {nth}: {reading:?}");
        assert_eq!(requests_of(&system, "only").await, nth);
    }
    assert_eq!(end(&caller.ask("only").await), (200, "", 1), "it works again, and no cooldown stands in its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_deployment_rests_for_as_long_as_its_provider_said() {
    let deployments = vec![
        Deployment::new("pair", "chunks=4,tag=limited,status=429,retry_after=3,fail_first=1").tier(1),
        Deployment::new("pair", "chunks=4,tag=free").tier(2),
    ];
    let (system, caller) = system(deployments, "").await;
    assert_eq!(end(&caller.ask("pair").await), (200, "", 2));
    let free = caller.ask("pair").await.deployment;
    for _ in 0..10 {
        let reading = caller.ask("pair").await;
        assert_eq!((end(&reading), reading.deployment.as_str()), ((200, "", 1), free.as_str()), "{reading:?}");
    }
    assert_eq!(requests_of(&system, "limited").await, 1);
    eventually("it is asked again when its time is over", || async {
        (caller.ask("pair").await.deployment != free).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_say_nothing_about_the_provider() {
    let deployments = vec![
        Deployment::new("pair", "chunks=100,gap_ms=50,tag=first").tier(1),
        Deployment::new("pair", "chunks=4,tag=second").tier(2),
    ];
    let (system, caller) = system(deployments, "  allowed_fails: 1\n").await;
    let mut body = plain_body("pair");
    body["stream"] = json!(true);
    for nth in 1..=4 {
        let mut stream = caller.stream_with(&body).await;
        stream.next_texts(1).await;
        drop(stream);
        let left = || async { system.upstream.tally_of("first").await.closed_early };
        wait_until("the provider is left", nth, left).await;
    }
    assert_eq!(requests_of(&system, "second").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_does_not_suffer_from_anothers_faults() {
    let deployments = vec![Deployment::new("bad", "status=500")];
    let (_system, caller) = system(deployments, "  num_retries: 0\n  allowed_fails: 1\n").await;
    for _ in 0..5 {
        assert_eq!(caller.ask("bad").await.status, 502);
        assert_eq!(end(&caller.ask(MODEL).await), (200, "", 1));
    }
}
