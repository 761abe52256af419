//! Replicas hear of each other's deployments through Redis, and do without it; deployments that nobody asks are looked after.

use std::time::{Duration, Instant};

use deltallm_tests::{
    Caller, Lane, MASTER_KEY, Proxy, Redis, System, SystemBuilder, eventually, model_entry, wait_until,
};
use serde_json::{Value, json};

/// The group of the stories; one deployment, and nothing that brings it back but what is told.
const GROUP: &str = "shared";
const ROUTING: &str = "router_settings: { num_retries: 0, allowed_fails: 3, cooldown_time: 300 }\n";

fn replicas(redis: &std::net::SocketAddr) -> SystemBuilder {
    let sections = format!("  redis_url: redis://{redis}\n{ROUTING}");
    System::builder().alone().model(|upstream| model_entry(GROUP, GROUP, upstream, &[])).sections(&sections)
}

async fn chat(caller: &Caller, options: &str) -> u16 {
    let body = json!({ "model": GROUP, "messages": [{ "role": "user", "content": "hi" }],
                       "user": format!("mock-opts:{{{options}}}") });
    caller.chat_with(&body).await.status
}

async fn fail_often(caller: &Caller) {
    for _ in 0..3 {
        assert_eq!(chat(caller, "status=500").await, 502);
    }
}

async fn ops(proxy: &Proxy, path: &str) -> String {
    let answer = reqwest::get(format!("http://{}{path}", proxy.ops())).await.unwrap();
    answer.text().await.unwrap()
}

/// What a replica says of the group's deployment.
async fn report(proxy: &Proxy) -> Value {
    let reports: Value = serde_json::from_str(&ops(proxy, "/debug/deployments").await).unwrap();
    let of_group = reports["data"].as_array().unwrap().iter().find(|report| report["model"] == GROUP);
    of_group.unwrap().clone()
}

async fn state(proxy: &Proxy) -> String {
    report(proxy).await["state"].as_str().unwrap().to_owned()
}

async fn metric(proxy: &Proxy, name: &str) -> String {
    let text = ops(proxy, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_finds_the_others_hear() {
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start(folder.path()).await;
    let system = replicas(&redis.address()).start().await;
    let (one, other) = (system.proxy(), system.spawn_proxy("other"));
    let (to_one, to_other) = (Caller::new(one.api(), MASTER_KEY), Caller::new(other.api(), MASTER_KEY));
    for proxy in [one, &other] {
        wait_until("Redis is heard", "1".to_owned(), || metric(proxy, "deltallm_redis_up")).await;
    }

    fail_often(&to_one).await;
    let found = report(one).await;
    assert_eq!((&found["state"], &found["last_fault"]), (&json!("set_aside"), &json!("server")), "{found}");
    wait_until("the other hears of it", "set_aside".to_owned(), || state(&other)).await;
    let labels = format!("deployment=\"{}\",model=\"{GROUP}\"", found["deployment_id"].as_str().unwrap());
    assert_eq!(metric(&other, &format!("deltallm_deployment_state{{{labels}}}")).await, "2");

    // The last deployment of a group is asked all the same; its answer is news too.
    assert_eq!(chat(&to_other, "chunks=1").await, 200);
    wait_until("the first hears that it is well", "healthy".to_owned(), || state(one)).await;
    assert_eq!(state(&other).await, "healthy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_costs_no_call_its_time_and_is_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start(folder.path()).await;
    let system = replicas(&redis.address()).start().await;
    let (one, other) = (system.proxy(), system.spawn_proxy("other"));
    let to_one = Caller::new(one.api(), MASTER_KEY);
    wait_until("Redis is heard", "1".to_owned(), || metric(one, "deltallm_redis_up")).await;

    redis.freeze();
    wait_until("its silence is seen", "0".to_owned(), || metric(one, "deltallm_redis_up")).await;
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(chat(&to_one, "chunks=1").await, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "fifty calls took {:?}", begun.elapsed());
    fail_often(&to_one).await;
    assert_eq!((state(one).await.as_str(), state(&other).await.as_str()), ("set_aside", "healthy"));

    redis.thaw();
    wait_until("what was found meanwhile is told", "set_aside".to_owned(), || state(&other)).await;
    wait_until("Redis is heard again", "1".to_owned(), || metric(one, "deltallm_redis_up")).await;
    assert!(system.logs().contains("Redis cannot be asked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_redis_or_none_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start(folder.path()).await;
    let mut lane = Lane::closed(redis.address());
    let system = replicas(&lane.address()).start().await;
    let proxy = system.proxy();
    let caller = Caller::new(proxy.api(), MASTER_KEY);
    // Nobody listens: the proxy started and serves.
    assert_eq!(chat(&caller, "chunks=1").await, 200);
    eventually("the refusal is counted", || async {
        metric(proxy, "deltallm_redis_failures_total").await.parse::<u64>().ok().filter(|failures| *failures > 0)
    })
    .await;

    lane.open().await;
    wait_until("it is found when it comes", "1".to_owned(), || metric(proxy, "deltallm_redis_up")).await;
    lane.delay(200);
    wait_until("too slow is as good as none", "0".to_owned(), || metric(proxy, "deltallm_redis_up")).await;
    assert_eq!(chat(&caller, "chunks=1").await, 200);
    lane.delay(0);
    wait_until("it is taken back", "1".to_owned(), || metric(proxy, "deltallm_redis_up")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_can_be_reached_again_is_well_before_anybody_asks_it() {
    let (system, mut lane) = checked("models", "1h", 1).await;
    let proxy = system.proxy();
    let caller = Caller::new(proxy.api(), MASTER_KEY);
    for _ in 0..3 {
        assert_eq!(chat(&caller, "chunks=1").await, 502);
    }
    assert_eq!(report(proxy).await["last_fault"], "connect");
    assert_ne!(state(proxy).await, "healthy");
    lane.open().await;
    wait_until("a check brings it back", "healthy".to_owned(), || state(proxy)).await;
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0, "no model was asked");
    assert_eq!(chat(&caller, "chunks=1").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_call_of_one_token_proves_what_a_list_cannot() {
    let (system, mut lane) = checked("call", "1h", 1).await;
    lane.open().await;
    let proxy = system.proxy();
    let caller = Caller::new(proxy.api(), MASTER_KEY);
    fail_often(&caller).await;
    assert_eq!(report(proxy).await["last_fault"], "server");
    wait_until("a check brings it back", "healthy".to_owned(), || state(proxy)).await;
    let asked: Value = serde_json::from_slice(&system.upstream.last_received().await.body()).unwrap();
    assert_eq!(asked["max_completion_tokens"], 1, "{asked}");
    assert_eq!(metric(proxy, "deltallm_active_checks_total{outcome=\"well\"}").await, "1");
    let spent: f64 = metric(proxy, "deltallm_spend_usd_total").await.parse().unwrap();
    assert!(spent > 0.0, "the probe is on record with its cost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_nobody_answers_costs_nothing() {
    let (system, _lane) = checked("call", "1h", 1).await;
    let proxy = system.proxy();
    fail_often(&Caller::new(proxy.api(), MASTER_KEY)).await;
    // The second one comes two seconds after the first, whose cost would be counted by then.
    let sick = || metric(proxy, "deltallm_active_checks_total{outcome=\"sick\"}");
    wait_until("two checks have found nobody", "2".to_owned(), sick).await;
    let spent: f64 = metric(proxy, "deltallm_spend_usd_total").await.parse().unwrap();
    assert!(spent <= 0.0, "{spent} USD for what was never sent");
}

/// A system whose group is looked after, with a way to its provider that is closed at first.
async fn checked(kind: &str, interval: &str, cooldown_seconds: u32) -> (System, Lane) {
    let provider = std::sync::Arc::new(std::sync::Mutex::new(None));
    let lane = std::sync::Arc::clone(&provider);
    let entry = move |upstream| {
        let closed = Lane::closed(upstream);
        let entry = model_entry(GROUP, GROUP, closed.address(), &[]);
        *lane.lock().unwrap() = Some(closed);
        entry
    };
    let sections = format!(
        "router_settings:
  num_retries: 0
  allowed_fails: 3
  cooldown_time: {cooldown_seconds}
  group_settings: {{ {GROUP}: {{ active_check: {{ kind: {kind}, interval: {interval} }} }} }}
"
    );
    let system = System::builder().alone().model(entry).sections(&sections).start().await;
    let lane = provider.lock().unwrap().take().unwrap();
    (system, lane)
}
