//! What goes wrong at the provider, and what the caller is told.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use deltallm_tests::{Answer, Caller, System, SystemBuilder, model_entry};
use serde_json::json;

/// What the upstream does, what the caller gets. Each has its own model, so that none suffers from
/// the cooldown another has earned.
const FAULTS: [(&str, &str, u16, &str); 11] = [
    ("refuses-our-key", "status=401", 502, "upstream_error"),
    ("forbids-us", "status=403", 502, "upstream_error"),
    ("knows-no-model", "status=404", 502, "upstream_error"),
    ("limits-us", "status=429,retry_after=7", 429, "rate_limit_exceeded"),
    ("bad-request", "status=400", 400, "invalid_request_error"),
    ("too-long", "status=400,code=context_length_exceeded", 400, "context_length_exceeded"),
    ("bad-content", "status=400,code=content_policy_violation", 400, "content_policy_violation"),
    ("broken", "status=500", 502, "upstream_error"),
    ("overloaded", "status=503", 503, "upstream_overloaded"),
    ("resets", "reset_before_headers=1", 502, "upstream_error"),
    ("slow", "delay_ms=20000", 504, "upstream_timeout"),
];

fn with_models(names: impl IntoIterator<Item = &'static str>) -> SystemBuilder {
    names.into_iter().fold(System::builder(), |builder, name| {
        builder.model(move |upstream| model_entry(name, name, upstream, &["timeout: 2s", "stream_timeout: 2s"]))
    })
}

async fn call(caller: &Caller, model: &str, options: &str, is_stream: bool) -> Answer {
    let body = json!({ "model": model, "stream": is_stream, "messages": [{ "role": "user", "content": "hi" }],
                       "user": format!("mock-opts:{{{options}}}") });
    caller.chat_with(&body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn upstream_faults_have_stable_codes() {
    let system = with_models(FAULTS.map(|fault| fault.0)).start().await;
    let (caller, _) = system.caller_with_new_key("faults").await;
    let mut failures = Vec::new();
    for (model, options, status, code) in FAULTS {
        for is_stream in [false, true] {
            let answer = call(&caller, model, options, is_stream).await;
            // What was tried in vain before may have put the deployment aside.
            let is_cooled = is_stream && (answer.status, answer.code()) == (503, "no_healthy_deployment");
            if (answer.status, answer.code()) != (status, code) && !is_cooled {
                let got = format!("{} {}", answer.status, answer.text);
                failures.push(format!("{model} (stream: {is_stream}): wanted {status} {code}, got {got}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let limited = call(&caller, "limits-us", "status=429,retry_after=7", false).await;
    assert!(limited.status == 503 || !limited.header("retry-after").is_empty(), "{:?}", limited.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_upstream_is_an_upstream_error() {
    // A port that was free a moment ago and where nobody listens.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let system = System::builder().model(move |_: SocketAddr| model_entry("nobody", "m", free, &[])).start().await;
    let (caller, _) = system.caller_with_new_key("unreachable").await;
    let answer = call(&caller, "nobody", "", false).await;
    assert_eq!((answer.status, answer.code()), (502, "upstream_error"), "{}", answer.text);
    assert!(!answer.text.contains(&free.port().to_string()), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_mistake_is_not_tried_again() {
    let system = with_models(["strict"]).start().await;
    let (caller, _) = system.caller_with_new_key("strict").await;
    call(&caller, "strict", "status=400,tag=mistake", false).await;
    assert_eq!(system.upstream.tally_of("mistake").await.requests, 1);
}
