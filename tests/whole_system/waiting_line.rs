//! A group that is full: a line where it has one, a 429 where it has none.

use std::time::{Duration, Instant};

use deltallm_tests::{Caller, Deployment, MASTER_KEY, Reading, System, plain_body, wait_until};
use futures_util::future::join_all;

async fn system(deployment: Deployment, settings: &str) -> (System, Caller) {
    let settings = format!("router_settings:\n  retry_after: 20ms\n  max_retry_wait: 100ms\n{settings}");
    let system = System::builder().alone().deployments([deployment]).sections(&settings).start().await;
    let caller = system.caller(MASTER_KEY);
    (system, caller)
}

fn one_at_a_time(options: &str) -> Deployment {
    Deployment::new("narrow", &format!("chunks=1,tag=narrow,{options}")).with("max_parallel_requests: 1")
}

async fn open(system: &System) -> u64 {
    system.upstream.ledger(0).await.open
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_waits_where_there_is_a_line() {
    let (system, caller) = system(one_at_a_time("delay_ms=150"), "  queue: { max_wait: 20s }\n").await;
    let caller = &caller;
    let readings = join_all((0..6).map(|nth| async move {
        if nth % 2 == 0 { caller.ask("narrow").await } else { caller.ask_streamed("narrow").await }
    }))
    .await;
    for reading in &readings {
        assert_eq!((reading.status, reading.attempts, reading.is_whole), (200, 1, true), "{reading:?}");
    }
    assert_eq!(system.upstream.tally_of("narrow").await.completed, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_line_who_finds_no_room_is_told_at_once() {
    let (system, caller) = system(one_at_a_time("delay_ms=3000"), "").await;
    let first = tokio::spawn({
        let caller = caller.clone();
        async move { caller.ask("narrow").await }
    });
    wait_until("the first is under way", 1, || open(&system)).await;
    let start = Instant::now();
    let second = caller.ask("narrow").await;
    assert_eq!((second.status, second.code.as_str()), (429, "rate_limit_exceeded"), "{second:?}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(caller.ask("narrow").await.status, 200, "and then there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_a_429_when_its_time_is_over() {
    let (system, caller) = system(one_at_a_time("delay_ms=5000"), "  queue: { max_wait: 500ms }\n").await;
    let first = tokio::spawn({
        let caller = caller.clone();
        async move { caller.ask("narrow").await }
    });
    wait_until("the first is under way", 1, || open(&system)).await;
    let start = Instant::now();
    let second = caller.ask("narrow").await;
    assert_eq!((second.status, second.code.as_str()), (429, "rate_limit_exceeded"), "{second:?}");
    let waited = start.elapsed();
    assert!((450..3000).contains(&waited.as_millis()), "{waited:?}");
    assert_eq!(first.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_the_line_leaves_its_place() {
    let (system, caller) = system(one_at_a_time("delay_ms=1000"), "  queue: { max_wait: 30s, max_waiting: 1 }\n").await;
    let ask = || {
        let caller = caller.clone();
        tokio::spawn(async move { caller.ask("narrow").await })
    };
    let first = ask();
    wait_until("the first is under way", 1, || open(&system)).await;
    let leaver = ask();
    let waiting = || async {
        let text = reqwest::get(format!("http://{}/metrics", system.proxy().ops())).await.unwrap();
        let text = text.text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("deltallm_queue_waiting"));
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default().to_owned()
    };
    wait_until("somebody waits", "1".to_owned(), waiting).await;
    leaver.abort();
    wait_until("nobody waits", "0".to_owned(), waiting).await;
    let next = caller.ask("narrow").await;
    assert_eq!((next.status, next.attempts), (200, 1), "{next:?}");
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(system.upstream.tally_of("narrow").await.requests, 2, "nobody asked for the one who left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_gives_its_place_to_the_next() {
    let (system, caller) = system(one_at_a_time("delay_ms=60000,fail_first=1"), "  queue: { max_wait: 20s }\n").await;
    let leaver = tokio::spawn(caller.post("/v1/chat/completions", &plain_body("narrow")).send());
    wait_until("the first is under way", 1, || open(&system)).await;
    leaver.abort();
    wait_until("the provider is left", 1, || async { system.upstream.tally_of("narrow").await.closed_early }).await;
    let request = caller.post("/v1/chat/completions", &plain_body("narrow")).header("x-deltallm-timeout", "3");
    let next = Reading::of(request).await;
    assert_eq!(next.code, "upstream_timeout", "it was let in, and the provider is slow: {next:?}");
    assert_eq!(system.upstream.tally_of("narrow").await.requests, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_of_a_minute_are_a_limit() {
    let limited = Deployment::new("narrow", "chunks=1,tag=narrow").with("rpm: 2");
    let (system, caller) = system(limited, "").await;
    for _ in 0..2 {
        assert_eq!(caller.ask("narrow").await.status, 200);
    }
    let third = caller.ask("narrow").await;
    assert_eq!((third.status, third.code.as_str()), (429, "rate_limit_exceeded"), "{third:?}");
    assert_eq!(system.upstream.tally_of("narrow").await.requests, 2);
}
