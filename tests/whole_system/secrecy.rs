//! What no answer, header, log or metric may show.

use deltallm_tests::{Answer, MASTER_KEY, System, UPSTREAM_KEY, model_entry};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_neither_upstream_nor_secret() {
    let system =
        System::builder().model(|upstream| model_entry("leaky", "leaky", upstream, &["timeout: 1s"])).start().await;
    let (caller, key) = system.caller_with_new_key("secrecy").await;
    let port = system.upstream.address().port().to_string();
    let faults = [
        "status=401",
        "status=403",
        "status=404",
        "status=429",
        "status=500",
        "reset_before_headers=1",
        "delay_ms=5000",
        "reset_after_chunks=1",
        "close_after_chunks=1",
        "error_after_chunks=1",
    ];
    for fault in faults {
        for is_stream in [false, true] {
            let body = json!({ "model": "leaky", "stream": is_stream, "messages": [{ "role": "user", "content": "hi" }],
                               "user": format!("mock-opts:{{{fault}}}") });
            let sent = caller.post("/v1/chat/completions", &body).send().await;
            let sent = sent.unwrap_or_else(|error| panic!("{fault}, stream {is_stream}: {error:?}"));
            let (headers, text) = (format!("{:?}", sent.headers()), sent.text().await.unwrap_or_default());
            for secret in [port.as_str(), UPSTREAM_KEY, &UPSTREAM_KEY[..16], MASTER_KEY, "req_mock"] {
                assert!(!text.contains(secret), "{fault}, stream {is_stream}: `{secret}` in {text}");
                assert!(!headers.contains(secret), "{fault}, stream {is_stream}: `{secret}` in {headers}");
            }
        }
    }
    let logs = system.logs();
    for secret in [UPSTREAM_KEY, MASTER_KEY, &key.key] {
        assert!(!logs.contains(secret), "a log shows a secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_calls_and_show_no_key() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("metrics").await;
    for _ in 0..3 {
        assert_eq!(caller.chat("chunks=2").await.status, 200);
    }
    let url = format!("http://{}/metrics", system.proxy().ops());
    let metrics = Answer::read(reqwest::get(url).await.unwrap()).await;
    assert_eq!(metrics.status, 200);
    for name in [
        "deltallm_requests_total",
        "deltallm_request_duration_seconds",
        "deltallm_gateway_overhead_seconds",
        "deltallm_in_flight_requests",
        "deltallm_tokens_total",
        "deltallm_spend_usd_total",
        "deltallm_upstream_attempts_total",
        "deltallm_journal_records",
        "deltallm_config_version",
    ] {
        assert!(metrics.text.contains(name), "{name} is missing in\n{}", metrics.text);
    }
    assert!(!metrics.text.contains(&key.key) && !metrics.text.contains(&key.id));
    // The public port shows none of this.
    assert_eq!(caller.get("/metrics").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_never_shows_a_stored_secret() {
    let system = System::start().await;
    let (_, key) = system.caller_with_new_key("stored").await;
    let dashboard = system.dashboard();
    for path in ["/api/v1/keys", "/api/v1/models", "/api/v1/requests", &format!("/api/v1/keys/{}", key.id)] {
        let text = dashboard.get(path).await.to_string();
        for secret in [key.key.as_str(), UPSTREAM_KEY, MASTER_KEY] {
            assert!(!text.contains(secret), "{path} shows a secret");
        }
    }
}
