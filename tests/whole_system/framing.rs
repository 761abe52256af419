//! Requests that two servers could read differently are refused by the first.

use deltallm_tests::System;
use deltallm_tests::wire::RawConnection;

/// Heads after the request line; `{key}` and `{host}` are filled in. None may reach the upstream.
const AMBIGUOUS: [(&str, &str); 11] = [
    (
        "length and chunks",
        "host: {host}\r\nauthorization: Bearer {key}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n",
    ),
    ("two lengths", "host: {host}\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\ncontent-length: 1\r\n"),
    ("length list", "host: {host}\r\nauthorization: Bearer {key}\r\ncontent-length: {length}, {length}\r\n"),
    ("signed length", "host: {host}\r\nauthorization: Bearer {key}\r\ncontent-length: +{length}\r\n"),
    ("other coding", "host: {host}\r\nauthorization: Bearer {key}\r\ntransfer-encoding: gzip, chunked\r\n"),
    ("identity coding", "host: {host}\r\nauthorization: Bearer {key}\r\ntransfer-encoding: identity, chunked\r\n"),
    ("no host", "authorization: Bearer {key}\r\ncontent-length: {length}\r\n"),
    ("two hosts", "host: {host}\r\nhost: other\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\n"),
    (
        "two keys",
        "host: {host}\r\nauthorization: Bearer {key}\r\nauthorization: Bearer sk-x\r\ncontent-length: {length}\r\n",
    ),
    ("folded header", "host: {host}\r\nauthorization: Bearer {key}\r\nx-a: 1\r\n 2\r\ncontent-length: {length}\r\n"),
    ("blank before colon", "host: {host}\r\nauthorization: Bearer {key}\r\ncontent-length : {length}\r\n"),
];

const BODY: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_requests_are_refused() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("framing").await;
    let api = system.proxy().api();
    // The same request, unambiguous, is a good one: what follows is refused for its framing alone.
    assert_eq!(caller.post_bytes("/v1/chat/completions", BODY).send().await.unwrap().status().as_u16(), 200);
    let mut failures = Vec::new();
    for (name, head) in AMBIGUOUS {
        let head = head.replace("{host}", &api.to_string()).replace("{key}", caller.key());
        let head = head.replace("{length}", &BODY.len().to_string());
        let mut connection = RawConnection::open(api).await;
        connection.send(format!("POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n{BODY}").as_bytes()).await;
        let (status, text) = connection.read_status().await;
        // Closing without a word is as good a refusal where the head cannot be read at all.
        if status != 400 && !text.is_empty() {
            failures.push(format!("{name}: {status}"));
        }
    }
    let reached = system.upstream.ledger(0).await.total.requests;
    assert!(failures.is_empty() && reached == 1, "{failures:?}; {reached} of 1 went upstream");
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_heads_are_refused() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("heads").await;
    let api = system.proxy().api();
    let large = format!("x-large: {}\r\n", "a".repeat(70 * 1024));
    let many: Vec<String> = (0..150).map(|index| format!("x-{index}: 1\r\n")).collect();
    for (name, more) in [("70 KiB of headers", large), ("150 headers", many.concat())] {
        let mut connection = RawConnection::open(api).await;
        let key = caller.key();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {key}\r\n\
             content-length: {}\r\n{more}\r\n{BODY}",
            BODY.len()
        );
        connection.send(head.as_bytes()).await;
        assert_eq!(connection.read_status().await.0, 431, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_alive_serves_many_calls_on_one_connection() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("keep-alive").await;
    let api = system.proxy().api();
    let mut connection = RawConnection::open(api).await;
    for number in 0..20 {
        // A refusal in between must not spoil the connection for the next call.
        let key = if number % 5 == 4 { "sk-wrong" } else { caller.key() };
        let wanted = if number % 5 == 4 { 401 } else { 200 };
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {key}\r\n\
             content-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        connection.send(request.as_bytes()).await;
        let answer = connection.read_until("}}").await;
        let status = answer.split_whitespace().nth(1).unwrap_or_default();
        assert_eq!(status, wanted.to_string(), "call {number}: {answer}");
        if answer.to_ascii_lowercase().contains("connection: close") {
            assert_eq!(wanted, 401, "an answered call keeps its connection");
            connection = RawConnection::open(api).await;
        }
    }
}
