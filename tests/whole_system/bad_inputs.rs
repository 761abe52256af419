//! What a caller may get wrong, and the stable code that says so.

use deltallm_tests::{Answer, System};
use serde_json::{Value, json};

/// A body that is wrong, with the status and the code it deserves.
const BODIES: [(&str, &str, u16, &str); 13] = [
    ("empty", "", 400, "invalid_request_error"),
    ("not JSON", "hello", 400, "invalid_request_error"),
    ("cut JSON", r#"{"model":"gpt-4o-mini","messages":["#, 400, "invalid_request_error"),
    ("two values", r#"{"model":"gpt-4o-mini"} {"model":"x"}"#, 400, "invalid_request_error"),
    ("a list", "[]", 400, "invalid_request_error"),
    ("a text", r#""gpt-4o-mini""#, 400, "invalid_request_error"),
    ("no model", r#"{"messages":[{"role":"user","content":"hi"}]}"#, 400, "invalid_request_error"),
    ("model null", r#"{"model":null,"messages":[{"role":"user","content":"hi"}]}"#, 400, "invalid_request_error"),
    ("model number", r#"{"model":4,"messages":[{"role":"user","content":"hi"}]}"#, 400, "invalid_request_error"),
    ("model empty", r#"{"model":"","messages":[{"role":"user","content":"hi"}]}"#, 400, "invalid_request_error"),
    (
        "stream text",
        r#"{"model":"gpt-4o-mini","stream":"yes","messages":[{"role":"user","content":"hi"}]}"#,
        400,
        "invalid_request_error",
    ),
    ("unknown model", r#"{"model":"gpt-nine","messages":[{"role":"user","content":"hi"}]}"#, 404, "model_not_found"),
    (
        "model of many lines",
        r#"{"model":"a\nb\u0000","messages":[{"role":"user","content":"hi"}]}"#,
        404,
        "model_not_found",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_have_stable_codes() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("wrong bodies").await;
    let mut failures = Vec::new();
    for (name, body, status, code) in BODIES {
        let sent = caller.post_bytes("/v1/chat/completions", body).send().await.unwrap();
        let answer = Answer::read(sent).await;
        if (answer.status, answer.code()) != (status, code) || !is_error_body(&answer.json) {
            failures.push(format!("{name}: wanted {status} {code}, got {} {}", answer.status, answer.text));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0, "none of them went upstream");
}

#[tokio::test(flavor = "multi_thread")]
async fn second_model_in_a_body_opens_nothing() {
    let system = System::start().await;
    let key = system.dashboard().create_key_with(&json!({ "name": "narrow", "models": ["renamed"] })).await;
    let caller = system.caller(&key.key);
    system.wait_for_key(&caller).await;
    for body in [
        r#"{"model":"renamed","model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"model":"gpt-4o-mini","model":"renamed","messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"model":"renamed","mod\u0065l":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#,
    ] {
        let answer = Answer::read(caller.post_bytes("/v1/chat/completions", body).send().await.unwrap()).await;
        assert!(matches!(answer.status, 400 | 403), "{body}: {} {}", answer.status, answer.text);
    }
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_do_no_harm() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("hostile").await;
    let deep = format!("{{\"model\":\"gpt-4o-mini\",\"messages\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let not_utf8 = [b"{\"model\":\"gpt-4o-mini\",\"messages\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    let long_name = format!("{{\"model\":\"{}\"}}", "x".repeat(1_000_000));
    for (name, body) in [("deep", deep.into_bytes()), ("not UTF-8", not_utf8), ("long name", long_name.into())] {
        let sent = caller.post_bytes("/v1/chat/completions", body).send().await.unwrap();
        let answer = Answer::read(sent).await;
        assert!((400..500).contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        assert!(is_error_body(&answer.json), "{name}: {}", answer.text);
        assert!(answer.text.len() < 4_000, "{name}: the input is not thrown back: {} bytes", answer.text.len());
    }
    assert_eq!(caller.chat("chunks=1").await.status, 200, "the proxy is well");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_and_paths_have_stable_codes() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("paths").await;
    for key in ["", "sk-", "sk-wrong", "' OR '1'='1", "nonsense", &"sk-x".repeat(1_000)] {
        let answer = system.caller(key).chat("").await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_api_key"), "{key}: {}", answer.text);
        assert!(is_error_body(&answer.json), "{}", answer.text);
    }
    for path in ["/v1/nothing", "/", "/v1/chat/completions/more", "/v1/../v1/models"] {
        let sent = caller.post_bytes(path, "{}").send().await.unwrap();
        let answer = Answer::read(sent).await;
        assert!(matches!(answer.status, 404 | 405), "{path}: {} {}", answer.status, answer.text);
        assert!(is_error_body(&answer.json), "{path}: {}", answer.text);
    }
    let answer = caller.get("/v1/chat/completions").await;
    assert!(matches!(answer.status, 404 | 405), "{} {}", answer.status, answer.text);
    assert!(is_error_body(&answer.json), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_key_is_a_missing_key_on_every_endpoint() {
    let system = System::builder().alone().start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["/v1/chat/completions", "/v1/embeddings"] {
        let url = format!("http://{}{path}", system.proxy().api());
        let answer = Answer::read(client.post(url).body("{}").send().await.unwrap()).await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_api_key"), "{path}: {}", answer.text);
    }
    let models = format!("http://{}/v1/models", system.proxy().api());
    assert_eq!(client.get(models).send().await.unwrap().status().as_u16(), 401);
}

/// Contract: `{"error":{"message","type","param","code"}}`, always.
fn is_error_body(body: &Value) -> bool {
    let Some(error) = body["error"].as_object() else { return false };
    ["message", "type", "param", "code"].iter().all(|name| error.contains_key(*name))
        && error["message"].as_str().is_some_and(|message| !message.is_empty())
        && error["type"].is_string()
        && error["code"].is_string()
}
