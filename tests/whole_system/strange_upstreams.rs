//! Upstreams that speak HTTP and not much more: empty answers, redirects, names that nobody knows.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
};

use deltallm_tests::{MODEL, System, UPSTREAM_MODEL, chat_body, eventually, model_entry, wire::RawConnection};
use serde_json::json;

/// A server that answers every request with these bytes and closes. Ends with the test's process.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = vec![0; 65_536];
            let _ = connection.read(&mut request);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    address
}

/// What the upstream sends; status and code that the caller gets, after how many attempts.
const ANSWERS: [(&str, &str, u16, &str, &str); 6] = [
    ("empty-ok", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 502, "upstream_error", "3"),
    ("empty-401", "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", 502, "upstream_error", "1"),
    ("empty-429", "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n", 429, "rate_limit_exceeded", "3"),
    ("empty-503", "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", 503, "upstream_overloaded", "3"),
    (
        "moved",
        "HTTP/1.1 301 Moved\r\nlocation: https://internal.example/\r\ncontent-length: 41\r\n\r\n<a href=\"https://internal.example/\">x</a>",
        502,
        "upstream_error",
        "3",
    ),
    ("cut-error", "HTTP/1.1 500 Oops\r\ncontent-length: 500\r\n\r\n{\"error\":", 502, "upstream_error", "3"),
];

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_sense_are_upstream_errors_and_cost_nothing() {
    let builder = ANSWERS.into_iter().fold(System::builder(), |builder, (name, answer, ..)| {
        builder.model(move |_| model_entry(name, name, server(answer), &[]))
    });
    let system = builder.start().await;
    let (caller, _) = system.caller_with_new_key("strange").await;
    let books = system.books().await;
    for (model, _, status, code, attempts) in ANSWERS {
        let answer = caller.chat_with(&chat_body(model, "")).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{model}: {}", answer.text);
        assert_eq!(answer.header("x-deltallm-attempts"), attempts, "{model}");
        assert!(!answer.text.contains("internal.example"), "{model}: {}", answer.text);
        let request_id = answer.header("x-request-id");
        let row = books.call(request_id).await;
        let rows = books.of_request(request_id).await;
        assert!(rows.iter().all(|row| row.cost_nano_usd == Some(0)), "{model}: {rows:?}");
        assert_eq!((row.cost_nano_usd, row.input_tokens, row.status), (Some(0), 0, i32::from(status)), "{model}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_is_passed_over() {
    let nowhere = |name: &str| {
        let entry = model_entry(name, UPSTREAM_MODEL, SocketAddr::from(([127, 0, 0, 1], 9)), &[]);
        entry.replace("http://127.0.0.1:9", "http://no-such-host.invalid")
    };
    let system = System::builder()
        .model(move |_| nowhere("pair"))
        .model(|upstream| model_entry("pair", UPSTREAM_MODEL, upstream, &[]))
        .start()
        .await;
    let (caller, _) = system.caller_with_new_key("pair").await;
    for _ in 0..12 {
        let answer = caller.chat_with(&chat_body("pair", "")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_long_texts_hide_no_other_call() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("long texts").await;
    let books = system.books().await;
    let long = "x".repeat(3 << 20);
    let messages = json!([{ "role": "user", "content": "hi" }]);
    caller.chat_with(&json!({ "model": MODEL, "user": long, "messages": messages })).await;
    caller.chat_with(&json!({ "model": long, "messages": messages })).await;
    let last = caller.chat_with(&chat_body(MODEL, "")).await;
    assert_eq!(last.status, 200, "{}", last.text);
    let recorded = eventually("all three are on the books", || async {
        let rows = books.all().await;
        (rows.len() >= 3).then_some(rows)
    })
    .await;
    assert_eq!(recorded.len(), 3);
    assert!(recorded.iter().all(|row| row.key_id.is_some_and(|id| id.to_string() == key.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_10_client_gets_a_stream_without_chunk_sizes() {
    let system = System::builder().alone().start().await;
    let mut client = RawConnection::open(system.proxy().api()).await;
    let mut body = chat_body(MODEL, "");
    body["stream"] = true.into();
    let body = body.to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.0\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        deltallm_tests::MASTER_KEY,
        body.len()
    );
    client.send(head.as_bytes()).await;
    let answer = client.read_until("data: [DONE]\n\n").await;
    assert!(!answer.to_lowercase().contains("transfer-encoding"), "{answer}");
    let (_, events) = answer.split_once("\r\n\r\n").unwrap();
    assert!(events.starts_with("data: "), "{events}");
}
