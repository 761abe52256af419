//! Virtual keys: what they open, and how fast they stop opening it.

use std::time::{Duration, Instant};

use deltallm_tests::{MODEL, System};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn revoked_key_is_refused_within_a_second() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("short lived").await;
    assert_eq!(caller.chat("chunks=1").await.status, 200);

    system.dashboard().revoke_key(&key.id).await;
    let revoked = Instant::now();
    let refusal = loop {
        let answer = caller.chat("chunks=1").await;
        if answer.status != 200 {
            break answer;
        }
        assert!(revoked.elapsed() < Duration::from_secs(1), "still taken after {:?}", revoked.elapsed());
    };
    assert_eq!((refusal.status, refusal.code()), (401, "invalid_api_key"), "{}", refusal.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_key_is_refused_until_it_is_unblocked() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("blocked").await;
    let post = |what: &str| format!("/api/v1/keys/{}/{what}", key.id);
    let dashboard = system.dashboard();

    dashboard.call(reqwest::Method::POST, &post("block"), None).await;
    deltallm_tests::wait_until("the key is blocked", (401, "key_blocked".to_owned()), || async {
        let answer = caller.chat("chunks=1").await;
        (answer.status, answer.code().to_owned())
    })
    .await;
    dashboard.call(reqwest::Method::POST, &post("unblock"), None).await;
    deltallm_tests::wait_until("the key works again", 200, || async { caller.chat("chunks=1").await.status }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_key_is_named_as_such() {
    let system = System::start().await;
    let body = json!({ "name": "expired", "expires_at": "2020-01-01T00:00:00Z" });
    let answer = system.dashboard().call(reqwest::Method::POST, "/api/v1/keys", Some(&body)).await;
    // A key that is born expired may be refused at birth.
    if answer.status == 400 {
        return;
    }
    assert_eq!(answer.status, 201, "{}", answer.text);
    let caller = system.caller(answer.json["key"].as_str().unwrap());
    deltallm_tests::wait_until("the key is expired", (401, "expired_api_key".to_owned()), || async {
        let answer = caller.chat("chunks=1").await;
        (answer.status, answer.code().to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_opens_only_its_models() {
    let system = System::start().await;
    let key = system.dashboard().create_key_with(&json!({ "name": "narrow", "models": ["renamed"] })).await;
    let caller = system.caller(&key.key);
    system.wait_for_key(&caller).await;

    let refusal = caller.chat("chunks=1").await;
    assert_eq!((refusal.status, refusal.code()), (403, "model_not_allowed"), "{}", refusal.text);
    let body = json!({ "model": "renamed", "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(caller.chat_with(&body).await.status, 200);
    let listed = caller.get("/v1/models").await;
    let names: Vec<_> = listed.json["data"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!(names, [json!("renamed")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_usual_place_for_a_key_works() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("places").await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/v1/chat/completions", system.proxy().api());
    let body = json!({ "model": MODEL, "messages": [{ "role": "user", "content": "hi" }] });
    for header in ["x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"] {
        let sent = client.post(&url).header(header, &key.key).json(&body).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 200, "{header}");
    }
    // Without the version in the path, too.
    let sent = caller.post("/chat/completions", &body).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 200);
    // The upstream gets the gateway's key in the place of the caller's.
    let received = system.upstream.ledger(5).await.recent;
    for request in received {
        let text = format!("{:?}", request.headers);
        assert!(!text.contains(&key.key), "the caller's key went upstream: {text}");
        assert!(text.contains(deltallm_tests::UPSTREAM_KEY), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_made_at_the_same_time_all_reach_the_proxy() {
    let system = System::start().await;
    let dashboard = system.dashboard();
    for round in 0..5 {
        let names: Vec<String> = (0..12).map(|index| format!("burst {round} {index}")).collect();
        let made = futures_util::future::join_all(names.iter().map(|name| dashboard.create_key(name))).await;
        for key in made {
            system.wait_for_key(&system.caller(&key.key)).await;
        }
    }
}
