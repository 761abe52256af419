//! Bodies of every size and framing arrive as they were sent.

use bytes::Bytes;
use deltallm_tests::wire::{self, FRAMINGS, RawConnection};
use deltallm_tests::{MODEL, System, UPSTREAM_MODEL};

/// A chat completion of an exact size.
fn body_of(size: usize) -> Bytes {
    let head = format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":""#);
    let tail = r#""}]}"#;
    let filling = "All work and no play. ".bytes().cycle().take(size - head.len() - tail.len());
    let body: Vec<u8> = head.bytes().chain(filling).chain(tail.bytes()).collect();
    Bytes::from(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn body_of_any_size_arrives_whole() {
    const KB: usize = 1_000;
    const MB: usize = 1_000 * KB;
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("sizes").await;
    for framing in FRAMINGS {
        for size in [KB, 100 * KB, 2 * MB, 49 * MB] {
            let body = body_of(size);
            let api = system.proxy().api();
            let (status, answer) = wire::post(api, "/v1/chat/completions", caller.key(), body.clone(), framing).await;
            assert_eq!(status, 200, "{size} bytes, {framing:?}: {}", String::from_utf8_lossy(&answer));
            let received = system.upstream.last_received().await;
            assert_eq!(received.body_bytes, size, "{framing:?}");
            assert!(received.body() == body, "{size} bytes, {framing:?}: changed on the way");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn body_beyond_the_limit_is_refused() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("too large").await;
    // 51 MiB: beyond fifty in either counting.
    let body = body_of(51 * 1024 * 1024);
    for framing in FRAMINGS {
        let api = system.proxy().api();
        let (status, answer) = wire::post(api, "/v1/chat/completions", caller.key(), body.clone(), framing).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(status, 413, "{framing:?}: {text}");
        assert!(text.contains("request_too_large"), "{framing:?}: {text}");
    }
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_waits_for_a_continue_gets_it() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("continue").await;
    let body = body_of(20_000);
    let api = system.proxy().api();
    let mut connection = RawConnection::open(api).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        caller.key(),
        body.len()
    );
    connection.send(head.as_bytes()).await;
    let (status, _) = connection.read_status().await;
    assert_eq!(status, 100);
    connection.send(&body).await;
    let (status, text) = connection.read_status().await;
    assert_eq!(status, 200, "{text}");
    assert!(system.upstream.last_received().await.body() == body);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_with_a_wrong_key_gets_no_continue() {
    let system = System::builder().alone().start().await;
    let api = system.proxy().api();
    let mut connection = RawConnection::open(api).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer sk-wrong\r\n\
         content-length: 1000000\r\nexpect: 100-continue\r\n\r\n"
    );
    connection.send(head.as_bytes()).await;
    assert_eq!(connection.read_status().await.0, 401, "the key is judged before the body is read");
}

/// What a parser would change: blanks, order, escapes, numbers beyond 64 bits.
const ODD_BODY: &str = concat!(
    "{ \"zeta\" : 1.0E+2 ,\n\t\"model\": \"gpt-4o-mini\" , \"messages\":[ {\"content\":\"\\u00e9\\/é \\ud83d\\ude00\",",
    " \"role\" : \"user\", \"unknown_in_message\":{ \"b\":1,\"a\":2 }} ],\"big\":123456789012345678901234567890,",
    "\"tiny\":1e-400, \"temperature\":0.70, \"nothing\" :null,\"x\":\"</script>\",\"nested\":[[],{}, [ {} ]]  }"
);

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_pass_byte_for_byte() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("bytes").await;
    let sent = caller.post_bytes("/v1/chat/completions", ODD_BODY).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 200, "{}", sent.text().await.unwrap_or_default());
    let received = system.upstream.last_received().await.body();
    assert_eq!(String::from_utf8_lossy(&received), ODD_BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_name_of_a_renamed_model_is_replaced() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("renamed").await;
    let body = ODD_BODY.replace(MODEL, "renamed");
    let sent = caller.post_bytes("/v1/chat/completions", body).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 200, "{}", sent.text().await.unwrap_or_default());
    let received = system.upstream.last_received().await.body();
    assert_eq!(String::from_utf8_lossy(&received), ODD_BODY.replace(MODEL, UPSTREAM_MODEL));
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_passes_byte_for_byte() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("answers").await;
    let body = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
    for chunked in [0, 1] {
        let path = format!("/v1/chat/completions?chunked={chunked}");
        let through = caller.post_bytes("/v1/chat/completions", body).send().await.unwrap();
        let through = through.text().await.unwrap();
        let direct = deltallm_tests::Caller::new(system.upstream.address(), "sk-none");
        let direct = direct.post_bytes(&path, body).send().await.unwrap().text().await.unwrap();
        assert_eq!(without_id(&through), without_id(&direct));
    }
}

/// Number and second of the answer differ from call to call.
fn without_id(answer: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(answer).unwrap();
    let (id, created) = (value["id"].take().to_string(), value["created"].take().to_string());
    answer.replace(&id, "ID").replace(&created, "CREATED")
}
