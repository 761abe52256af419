//! A request's way: who is asked after whom, how often, when again, and what its caller may change of it.

use std::time::{Duration, Instant};

use deltallm_tests::{Caller, Deployment, MASTER_KEY, Reading, System, eventually, plain_body, wait_until};
use serde_json::{Value, json};

/// Waits of a test's length, and an order that a test can name; everything else as it is by default.
const QUICK: &str = "  routing_strategy: priority-based-routing\n  retry_after: 20ms\n";

/// A system without database, and its administrator as the caller.
async fn system(deployments: Vec<Deployment>, settings: &str) -> (System, Caller) {
    let settings = format!("router_settings:\n{QUICK}{settings}");
    let system = System::builder().alone().deployments(deployments).sections(&settings).start().await;
    let caller = system.caller(MASTER_KEY);
    (system, caller)
}

fn deployment(group: &str, options: &str) -> Deployment {
    Deployment::new(group, options)
}

async fn requests_of(system: &System, tag: &str) -> u64 {
    system.upstream.tally_of(tag).await.requests
}

/// The tags of the newest requests at the upstream, oldest first: each deployment's options name one.
async fn asked(system: &System, last: usize) -> Vec<String> {
    let recent = system.upstream.ledger(last).await.recent;
    let tag = |body: Vec<u8>| {
        let body = String::from_utf8_lossy(&body).into_owned();
        let (_, rest) = body.split_once("tag=").unwrap();
        rest.split(['}', ',']).next().unwrap().to_owned()
    };
    recent.iter().map(|received| tag(received.body())).collect()
}

/// What a reading says of success: status, code, attempts.
fn end(reading: &Reading) -> (u16, &str, u32) {
    (reading.status, reading.code.as_str(), reading.attempts)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_is_tried_again_where_nobody_else_is() {
    let hiccup = |name: &str, fault: &str| deployment(name, &format!("chunks=4,tag={name},fail_first=1,{fault}"));
    let deployments = vec![
        hiccup("a", "status=500"),
        hiccup("b", "reset_before_headers=1"),
        hiccup("c", "status=503"),
        hiccup("d", "status=409"),
        hiccup("e", "status=429"),
        hiccup("f", "status=408"),
    ];
    let (system, caller) = system(deployments, "").await;
    for group in ["a", "b", "c", "d", "e", "f"] {
        let reading = caller.ask(group).await;
        assert_eq!(end(&reading), (200, "", 2), "{group}: {reading:?}");
        assert_eq!((reading.text.as_str(), reading.fallback.as_str()), (" the model said that", ""));
        assert_eq!(requests_of(&system, group).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_word_on_when_to_come_again_is_kept() {
    let limited = |name: &str, when: &str| deployment(name, &format!("tag={name},fail_first=1,status=429,{when}"));
    let deployments = vec![
        limited("soon", "retry_after=1"),
        limited("millis", "retry_after_ms=700"),
        limited("late", "retry_after=60"),
        limited("late-streamed", "retry_after=60"),
    ];
    let (system, caller) = system(deployments, "").await;
    for (group, least) in [("soon", 1000), ("millis", 700)] {
        let start = Instant::now();
        let reading = caller.ask(group).await;
        assert_eq!(end(&reading), (200, "", 2), "{group}: {reading:?}");
        assert!(start.elapsed() >= Duration::from_millis(least), "{group} was asked again too soon");
    }
    let start = Instant::now();
    for (group, reading) in
        [("late", caller.ask("late").await), ("late-streamed", caller.ask_streamed("late-streamed").await)]
    {
        assert_eq!(end(&reading), (429, "rate_limit_exceeded", 1), "{reading:?}");
        let seconds: u64 = reading.retry_after.parse().unwrap();
        assert!((55..=60).contains(&seconds), "{group}: {reading:?}");
        assert_eq!(requests_of(&system, group).await, 1);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "a minute is more than a client is kept waiting for");
}

#[tokio::test(flavor = "multi_thread")]
async fn untried_ones_come_first_then_fallbacks_then_the_same_again() {
    let broken = |group: &str, tag: &str| deployment(group, &format!("status=500,tag={tag}"));
    let deployments = vec![
        broken("main", "m1").tier(1),
        broken("main", "m2").tier(2),
        broken("spare", "s1").tier(1),
        broken("spare", "s2").tier(2),
        broken("last", "l1"),
    ];
    let (system, caller) = system(deployments, "  fallbacks: [ { main: [spare, last] } ]\n").await;
    let reading = caller.ask("main").await;
    assert_eq!(end(&reading), (502, "upstream_error", 5), "three of the group, one of each fallback: {reading:?}");
    let order = asked(&system, 10).await;
    assert_eq!(order, ["m1", "m2", "s1", "s2", "l1"]);
    // Where fewer are untried than the budget has attempts, it is the last group's turn again.
    let mut body = plain_body("main");
    body["num_retries"] = json!(6);
    body["fallbacks"] = json!(["last"]);
    let reading = caller.ask_with(&body).await;
    assert_eq!(end(&reading), (502, "upstream_error", 8), "{reading:?}");
    let order = asked(&system, 8).await;
    assert_eq!(order[..3], ["m1", "m2", "l1"], "{order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_has_no_fallbacks_of_its_own_beyond_the_budget() {
    let deployments = vec![
        deployment("a", "status=500,tag=a"),
        deployment("b", "status=500,tag=b"),
        deployment("c", "chunks=4,tag=c"),
    ];
    let (system, caller) = system(deployments, "  num_retries: 0\n  fallbacks: [ { a: [b] }, { b: [a] } ]\n").await;
    let reading = caller.ask("a").await;
    assert_eq!(end(&reading), (502, "upstream_error", 2), "{reading:?}");
    assert_eq!((requests_of(&system, "a").await, requests_of(&system, "b").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_deadline_holds_for_all_attempts_together() {
    let deployments = vec![
        deployment("slow", "delay_ms=60000,tag=slow"),
        deployment("failing", "status=500,delay_ms=400,tag=failing"),
        deployment("trickle", "chunks=1000,gap_ms=100,tag=trickle"),
    ];
    let (system, caller) = system(deployments, "  num_retries: 10\n  fallbacks: [ { slow: [failing] } ]\n").await;
    for group in ["slow", "failing"] {
        for is_stream in [false, true] {
            let mut body = plain_body(group);
            body["stream"] = json!(is_stream);
            body["timeout"] = json!(1.5);
            let start = Instant::now();
            let reading = caller.ask_with(&body).await;
            let took = start.elapsed();
            assert!(took >= Duration::from_millis(1400) || group == "failing", "{group}: {took:?} {reading:?}");
            assert!(took < Duration::from_secs(4), "{group}: {took:?} {reading:?}");
            assert_eq!((reading.status, reading.code.as_str()), (504, "upstream_timeout"), "{group}: {reading:?}");
        }
    }
    let request = caller.post("/v1/chat/completions", &{
        let mut body = plain_body("trickle");
        body["stream"] = json!(true);
        body
    });
    let start = Instant::now();
    let reading = Reading::of(request.header("x-deltallm-timeout", "1.5")).await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!((reading.status, reading.code.as_str()), (200, "upstream_timeout"), "{reading:?}");
    wait_until("nobody is asked any more", 0, || async { system.upstream.ledger(0).await.open }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_falls_back_until_its_content_went_out() {
    let mut deployments = Vec::new();
    let faults = ["reset_after_chunks=0", "close_after_chunks=0", "error_after_chunks=0", "stall_after_chunks=0"];
    for (index, fault) in faults.iter().enumerate() {
        deployments.push(deployment(&format!("g{index}"), &format!("chunks=4,tag=bad{index},{fault}")).tier(1));
        deployments.push(deployment(&format!("g{index}"), &format!("chunks=4,tag=good{index}")).tier(2));
    }
    let (system, caller) = system(deployments, "  first_byte_timeout: 2s\n  chunk_timeout: 2s\n").await;
    for (index, fault) in faults.iter().enumerate() {
        let group = format!("g{index}");
        let reading = caller.ask_streamed(&group).await;
        assert_eq!(end(&reading), (200, "", 2), "{fault}: {reading:?}");
        assert_eq!((reading.text.as_str(), reading.is_whole), (" the model said that", true), "{fault}");
        assert_eq!(reading.body.matches(r#""role":"assistant""#).count(), 1, "one beginning: {}", reading.body);

        // The same group by the other dialect: the deployment that failed once is not set aside yet.
        let body = json!({ "model": group, "max_tokens": 100, "stream": true,
                           "messages": [{ "role": "user", "content": "Say something." }] });
        let answer = Reading::of(caller.post("/v1/messages", &body)).await;
        let beginnings = answer.body.matches("event: message_start").count();
        let ends = answer.body.matches("event: message_stop").count();
        assert_eq!((answer.status, answer.attempts, beginnings, ends), (200, 2, 1, 1), "{fault}: {}", answer.body);
        assert!(!answer.body.contains("event: error"), "{fault}: {}", answer.body);
        for word in [" the", " model", " said", " that"] {
            assert_eq!(answer.body.matches(&format!(r#""text":"{word}""#)).count(), 1, "{fault}: {}", answer.body);
        }
        assert_eq!(requests_of(&system, &format!("bad{index}")).await, 2, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_does_not_fit_and_content_that_is_refused_have_fallbacks_of_their_own() {
    let refuse = |group: &str, code: &str| deployment(group, &format!("status=400,code={code},tag={group}"));
    let deployments = vec![
        refuse("short", "context_length_exceeded"),
        refuse("short-alone", "context_length_exceeded"),
        refuse("strict", "content_policy_violation"),
        refuse("strict-alone", "content_policy_violation"),
        refuse("mistaken", "invalid_value"),
        deployment("long", "chunks=4,tag=long"),
        deployment("lenient", "chunks=4,tag=lenient"),
        deployment("general", "chunks=4,tag=general"),
    ];
    let settings = "  context_window_fallbacks: [ { short: [long] } ]
  content_policy_fallbacks: [ { strict: [lenient] } ]
  default_fallbacks: [general]
";
    let (system, caller) = system(deployments, settings).await;
    for (group, kind, served) in [("short", "context_window", "long"), ("strict", "content_policy", "lenient")] {
        for reading in [caller.ask(group).await, caller.ask_streamed(group).await] {
            assert_eq!(end(&reading), (200, "", 2), "{group}: {reading:?}");
            assert_eq!((reading.fallback.as_str(), reading.model.as_str()), (kind, served));
        }
    }
    // What no other model can mend goes to none.
    for (group, code) in
        [("short", "context_length_exceeded"), ("strict", "content_policy_violation"), ("mistaken", "invalid_value")]
    {
        let mut body = plain_body(group);
        body["disable_fallbacks"] = json!(group != "mistaken");
        let reading = caller.ask_with(&body).await;
        assert_eq!(end(&reading), (400, code, 1), "{group}: {reading:?}");
    }
    assert_eq!(requests_of(&system, "general").await, 0);
    // Another group may have a larger window, or other rules, also where only general fallbacks are named.
    for group in ["short-alone", "strict-alone"] {
        let reading = caller.ask(group).await;
        assert_eq!(end(&reading), (200, "", 2), "{group}: {reading:?}");
        assert_eq!((reading.fallback.as_str(), reading.model.as_str()), ("general", "general"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_to_the_next_deployment_as_it_came() {
    for fault in ["status=500", "reset_before_headers=1"] {
        let deployments =
            vec![deployment("ears", &format!("tag=deaf,{fault}")).tier(1), deployment("ears", "tag=hearing").tier(2)];
        let (system, caller) = system(deployments, "").await;
        let sound: Vec<u8> = (0..300_000_u32).map(|place| u8::try_from(place * 7 % 251).unwrap()).collect();
        let boundary = "deltallm-test-boundary-0c1e";
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nears\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
        );
        let form = [head.as_bytes(), &sound, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let answer = Reading::of(caller.post_form("/v1/audio/transcriptions", &content_type, form)).await;
        assert_eq!(end(&answer), (200, "", 2), "{fault}: {answer:?}");
        let seen = system.upstream.ledger(2).await.recent;
        for received in &seen {
            let body = received.body();
            let is_whole = body.windows(sound.len()).any(|window| window == sound);
            assert!(is_whole, "{fault}: {} bytes arrived", body.len());
        }
        assert_eq!((requests_of(&system, "deaf").await, requests_of(&system, "hearing").await), (1, 1), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_its_request_waits_is_not_asked_for_again() {
    let system = System::builder().deployments([deployment("busy", "tag=busy,status=429,retry_after=3")]).start().await;
    let (caller, _) = system.caller_with_new_key("impatient").await;
    let id = "req-of-an-impatient-client";
    let request = caller.post("/v1/chat/completions", &plain_body("busy")).header("x-request-id", id);
    let sent = tokio::spawn(request.send());
    wait_until("the first attempt was refused", 1, || async { system.upstream.tally_of("busy").await.refused }).await;
    sent.abort();
    let books = system.books().await;
    let row = eventually("the call stands in the database", || async { books.of_request(id).await.pop() }).await;
    assert_eq!((row.outcome.as_str(), row.attempts), ("client_closed", 1), "{row:?}");
    assert_eq!(requests_of(&system, "busy").await, 1);
}

/// A body with more in it.
fn body_with(model: &str, more: &Value) -> Value {
    let mut body = plain_body(model);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_changes_the_way_of_its_own_request() {
    let deployments = vec![
        deployment("bad", "status=500,tag=bad"),
        deployment("usual", "chunks=4,tag=usual"),
        deployment("chosen", "chunks=4,tag=chosen"),
    ];
    let settings = "  allowed_fails: 1000\n  max_error_percent: 100\n  fallbacks: [ { bad: [usual] } ]\n";
    let (system, caller) = system(deployments, settings).await;
    let served = |reading: &Reading| (reading.status, reading.model.clone(), reading.attempts);
    let ok = |model: &str, attempts| (200, model.to_owned(), attempts);
    assert_eq!(served(&caller.ask("bad").await), ok("usual", 2));

    // In the body.
    let fields = json!({ "fallbacks": ["chosen"], "num_retries": 0, "timeout": 30, "tags": [],
                         "metadata": { "mine": "stays" } });
    assert_eq!(served(&caller.ask_with(&body_with("bad", &fields)).await), ok("chosen", 2));
    let seen: Value = serde_json::from_slice(&system.upstream.last_received().await.body()).unwrap();
    for field in ["fallbacks", "num_retries", "timeout", "tags", "disable_fallbacks"] {
        assert!(seen.get(field).is_none(), "`{field}` reached the provider: {seen}");
    }
    let alone = caller.ask_with(&body_with("bad", &json!({ "disable_fallbacks": true, "num_retries": 1 }))).await;
    assert_eq!((alone.status, alone.attempts), (502, 2), "{alone:?}");
    let alone = caller.ask_with(&body_with("bad", &json!({ "disable_fallbacks": true }))).await;
    assert_eq!((alone.status, alone.attempts), (502, 3), "{alone:?}");

    // In headers, which also count above the body.
    let with = |lines: &[(&str, &str)], body: Value| {
        let mut request = caller.post("/v1/chat/completions", &body);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        Reading::of(request)
    };
    let reading = with(&[("x-deltallm-fallbacks", "chosen")], plain_body("bad")).await;
    assert_eq!(served(&reading), ok("chosen", 2));
    let over = body_with("bad", &json!({ "num_retries": 5, "disable_fallbacks": true }));
    let reading = with(&[("x-deltallm-num-retries", "0")], over).await;
    assert_eq!((reading.status, reading.attempts), (502, 1), "{reading:?}");
    let lines = [("x-deltallm-fallbacks", "usual"), ("x-deltallm-num-retries", "1")];
    let reading = with(&lines, body_with("bad", &json!({ "fallbacks": ["chosen"] }))).await;
    assert_eq!(served(&reading), ok("usual", 2));
    let seen = system.upstream.last_received().await;
    assert!(seen.headers.iter().all(|(name, _)| !name.starts_with("x-deltallm-")), "{:?}", seen.headers);

    // What makes no sense is said, and nobody is asked.
    let before = system.upstream.ledger(0).await.total.requests;
    for wrong in [
        json!({ "num_retries": "many" }),
        json!({ "num_retries": 1000 }),
        json!({ "timeout": -1 }),
        json!({ "fallbacks": 7 }),
    ] {
        let reading = caller.ask_with(&body_with("usual", &wrong)).await;
        assert_eq!((reading.status, reading.code.as_str()), (400, "invalid_request_error"), "{wrong}: {reading:?}");
    }
    assert_eq!(system.upstream.ledger(0).await.total.requests, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_fallback_is_a_model_that_its_key_may_use() {
    let keys = "keys:\n  - { name: narrow, key: sk-narrow-91fe04, models: [bad, mine] }\n";
    let deployments = [
        deployment("bad", "status=500,tag=bad"),
        deployment("mine", "chunks=4,tag=mine"),
        deployment("theirs", "chunks=4,tag=theirs"),
    ];
    let settings = format!("router_settings:\n{QUICK}{keys}");
    let system = System::builder().alone().deployments(deployments).sections(&settings).start().await;
    let caller = system.caller("sk-narrow-91fe04");
    system.wait_for_key(&caller).await;
    for field in ["body", "header"] {
        let ask = |name: &str| match field {
            "body" => {
                Reading::of(caller.post("/v1/chat/completions", &body_with("bad", &json!({ "fallbacks": [name] }))))
            }
            _ => {
                let request = caller.post("/v1/chat/completions", &plain_body("bad"));
                Reading::of(request.header("x-deltallm-fallbacks", name))
            }
        };
        let reading = ask("mine").await;
        assert_eq!((reading.status, reading.model.as_str()), (200, "mine"), "{field}: {reading:?}");
        let reading = ask("theirs").await;
        assert!(reading.status >= 400, "{field}: {reading:?}");
    }
    assert_eq!(requests_of(&system, "theirs").await, 0);
}
