//! A second deployment beside a slow first one: the client gets the first content that comes, and every attempt is on record.

use std::time::{Duration, Instant};

use deltallm_tests::{
    Answer, Caller, Event, INPUT_NANO_USD, SpendRow, System, eventually, model_entry, stream_body, wait_until,
};
use serde_json::{Value, json};

const HEDGED: &str = "hedge: { percentile: 95, min_delay: 100ms, max_share_percent: 50 }";

/// A system with the group `pair`, whose deployments are asked in the order in which they stand here. Each has options for the mock
/// upstream in its model's name, so that they differ.
async fn system(deployments: &[&'static str], hedge: &str) -> System {
    let mut builder = System::builder();
    for (tier, options) in deployments.iter().copied().enumerate() {
        builder = builder.model(move |upstream| {
            let name = format!("m mock-opts:{{{options}}}");
            model_entry("pair", &name, upstream, &[&format!("priority: {tier}")])
        });
    }
    let settings = format!("    pair:\n      routing_strategy: priority-based-routing\n      {hedge}\n");
    builder.sections(&format!("router_settings:\n  group_settings:\n{settings}")).start().await
}

/// Lets the gateway learn how quick the first deployment is: what a request says counts above what is in the model's name.
async fn learn(caller: &Caller) {
    for _ in 0..12 {
        let usual = "first_chunk_delay_ms=0,delay_ms=0,status=200,tag=usual";
        let stream = caller.stream_with(&stream_body("pair", usual)).await;
        assert_eq!((stream.status, stream.header("x-deltallm-attempts")), (200, "1"));
        stream.rest().await;
    }
}

struct Answered {
    id: String,
    attempts: String,
    text: String,
    took: Duration,
}

async fn ask(caller: &Caller) -> Answered {
    let began = Instant::now();
    let stream = caller.stream_with(&stream_body("pair", "chunks=3")).await;
    assert_eq!(stream.status, 200);
    let header = |name| stream.header(name).to_owned();
    let (id, attempts) = (header("x-request-id"), header("x-deltallm-attempts"));
    let events = stream.rest().await;
    assert_eq!(events.last(), Some(&Event::Done), "{events:?}");
    let text = events.iter().map(Event::text).collect();
    Answered { id, attempts, text, took: began.elapsed() }
}

/// What is on record: the call, and what was paid beside it.
async fn recorded(system: &System, id: &str, rows: usize) -> (SpendRow, Vec<SpendRow>) {
    let books = system.books().await;
    let found = eventually("the events stand in the database", || async {
        Some(books.of_request(id).await).filter(|found| found.len() >= rows)
    });
    let (calls, beside): (Vec<_>, Vec<_>) = found.await.into_iter().partition(|row| row.key_id.is_some());
    assert_eq!((calls.len(), beside.len()), (1, rows - 1), "{beside:?}");
    (calls.into_iter().next().unwrap(), beside)
}

/// How each attempt ended, whether it was the second of a pair, and its fault.
async fn attempts(system: &System, call: &SpendRow) -> Vec<(String, bool, Value)> {
    let explained = system.dashboard().get(&format!("/api/v1/requests/{}/explain", call.event_id)).await;
    let attempts = explained["attempts"].as_array().unwrap();
    let of = |attempt: &Value| {
        let end = attempt["end"].as_str().unwrap().to_owned();
        (end, attempt["is_hedge"].as_bool().unwrap(), attempt["fault"].clone())
    };
    attempts.iter().map(of).collect()
}

fn end(end: &str, is_hedge: bool) -> (String, bool, Value) {
    (end.to_owned(), is_hedge, Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_deployment_is_overtaken_by_the_next_one() {
    let system = system(&["first_chunk_delay_ms=60000,tag=slow", "tag=quick"], HEDGED).await;
    let (caller, key) = system.caller_with_new_key("hedged").await;
    learn(&caller).await;
    let answered = ask(&caller).await;
    assert_eq!((answered.text.as_str(), answered.attempts.as_str()), (" the model said", "2"));
    assert!(answered.took < Duration::from_secs(10), "{:?}", answered.took);
    let upstream = &system.upstream;
    wait_until("the slow one is left", 1, || async { upstream.tally_of("slow").await.closed_early }).await;

    let (call, beside) = recorded(&system, &answered.id, 2).await;
    assert_eq!((call.outcome.as_str(), call.output_tokens), ("completed", 3));
    let loser = &beside[0];
    assert!(loser.input_tokens > 0 && loser.output_tokens == 0, "its prompt was read: {loser:?}");
    assert_eq!(loser.cost_nano_usd, Some(loser.input_tokens * INPUT_NANO_USD));
    let billed = system.books().await.usage_of_key(&key.id).await.unwrap();
    assert_eq!(billed.0, 13, "the caller made one request");
    assert_eq!(attempts(&system, &call).await, [end("cancelled", false), end("answered", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_deployment_may_still_win() {
    let system = system(&["first_chunk_delay_ms=800,tag=first", "first_chunk_delay_ms=60000,tag=second"], HEDGED).await;
    let (caller, _) = system.caller_with_new_key("hedged").await;
    learn(&caller).await;
    let answered = ask(&caller).await;
    assert_eq!((answered.text.as_str(), answered.attempts.as_str()), (" the model said", "2"));
    let upstream = &system.upstream;
    wait_until("the second one is left", 1, || async { upstream.tally_of("second").await.closed_early }).await;
    let (call, _) = recorded(&system, &answered.id, 2).await;
    assert_eq!(attempts(&system, &call).await, [end("answered", false), end("cancelled", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_share_of_requests_that_is_allowed_is_hedged() {
    let capped = "hedge: { percentile: 95, min_delay: 50ms, max_share_percent: 1 }";
    let system = system(&["first_chunk_delay_ms=1500", "tag=quick"], capped).await;
    let (caller, _) = system.caller_with_new_key("hedged").await;
    learn(&caller).await;
    let (first, second) = (ask(&caller).await, ask(&caller).await);
    assert_eq!((first.attempts.as_str(), second.attempts.as_str()), ("2", "1"));
    assert!(second.took >= Duration::from_millis(1500), "{:?}", second.took);
    assert_eq!(system.upstream.tally_of("quick").await.requests, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_hedged_where_nobody_says_so_and_nothing_unstreamed() {
    let slow = "first_chunk_delay_ms=700";
    let quiet = system(&[slow, "tag=quick"], "num_retries: 1").await;
    let (caller, _) = quiet.caller_with_new_key("quiet").await;
    learn(&caller).await;
    assert_eq!(ask(&caller).await.attempts, "1");
    assert_eq!(quiet.upstream.tally_of("quick").await.requests, 0);

    let hedged = system(&["delay_ms=700", "tag=quick"], HEDGED).await;
    let (caller, _) = hedged.caller_with_new_key("hedged").await;
    learn(&caller).await;
    let answer = caller.chat_with(&json!({ "model": "pair", "messages": [{ "role": "user", "content": "hi" }] })).await;
    assert_eq!((answer.status, answer.header("x-deltallm-attempts")), (200, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_fail_the_request_goes_on_without_the_client_seeing_it() {
    let system = system(&["delay_ms=900,status=500", "status=503,tag=second", "tag=third"], HEDGED).await;
    let (caller, _) = system.caller_with_new_key("hedged").await;
    learn(&caller).await;
    let answered = ask(&caller).await;
    assert_eq!((answered.text.as_str(), answered.attempts.as_str()), (" the model said", "3"));
    let (call, _) = recorded(&system, &answered.id, 1).await;
    let failed = |is_hedge, fault: &str| ("failed".to_owned(), is_hedge, json!(fault));
    let expected = [failed(false, "server"), failed(true, "overloaded"), end("answered", false)];
    assert_eq!(attempts(&system, &call).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_both() {
    let system = system(&["first_chunk_delay_ms=60000,tag=a", "first_chunk_delay_ms=60000,tag=b"], HEDGED).await;
    let (caller, _) = system.caller_with_new_key("leaver").await;
    learn(&caller).await;
    let upstream = &system.upstream;
    let body = stream_body("pair", "");
    let request = caller.post("/v1/chat/completions", &body).header("x-request-id", "leaves-both");
    let waiting = tokio::spawn(request.send());
    wait_until("both are asked", (1, 1), || async {
        (upstream.tally_of("a").await.requests, upstream.tally_of("b").await.requests)
    })
    .await;
    waiting.abort();
    wait_until("both are left", (1, 1), || async {
        (upstream.tally_of("a").await.closed_early, upstream.tally_of("b").await.closed_early)
    })
    .await;
    let (call, beside) = recorded(&system, "leaves-both", 2).await;
    assert_eq!(call.outcome, "client_closed");
    assert!(call.input_tokens > 0 && beside[0].input_tokens > 0, "{call:?} {beside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_dialect_has_one_whole_answer() {
    let system = system(&["first_chunk_delay_ms=60000,tag=slow", "tag=quick,chunks=3"], HEDGED).await;
    let (caller, _) = system.caller_with_new_key("hedged").await;
    learn(&caller).await;
    let body =
        json!({ "model": "pair", "stream": true, "max_tokens": 50, "messages": [{ "role": "user", "content": "hi" }] });
    let answer = Answer::read(caller.post("/v1/messages", &body).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.header("x-deltallm-attempts")), (200, "2"), "{}", answer.text);
    for (event, times) in [("message_start", 1), ("content_block_delta", 3), ("message_stop", 1)] {
        assert_eq!(answer.text.matches(&format!("event: {event}\n")).count(), times, "{event} in {}", answer.text);
    }
    let upstream = &system.upstream;
    wait_until("the slow one is left", 1, || async { upstream.tally_of("slow").await.closed_early }).await;
}
