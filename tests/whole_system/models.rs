//! Models made, changed and removed in the admin API, as a caller sees them.

use deltallm_tests::{MASTER_KEY, System, UPSTREAM_MODEL, chat_body, model_entry, wait_until};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn made_model_answers_and_removed_model_does_not() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("models").await;
    let dashboard = system.dashboard();
    let draft = json!({ "model_name": "house-model", "provider": "mock", "upstream_model": "echo" });
    let made = dashboard.call(Method::POST, "/api/v1/models", Some(&draft)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json["source"], "database");

    let body = json!({ "model": "house-model", "messages": [{ "role": "user", "content": "repeat this" }] });
    wait_until("the new model answers", 200, || async { caller.chat_with(&body).await.status }).await;
    let answer = caller.chat_with(&body).await;
    assert!(answer.content().contains("repeat this"), "{}", answer.text);
    assert_eq!(answer.header("x-deltallm-provider"), "mock");

    let path = format!("/api/v1/models/{}", made.json["id"].as_str().unwrap());
    let removed = dashboard.call(Method::DELETE, &path, None).await;
    assert!((200..300).contains(&removed.status), "{} {}", removed.status, removed.text);
    wait_until("the removed model is unknown", (404, "model_not_found".to_owned()), || async {
        let answer = caller.chat_with(&body).await;
        (answer.status, answer.code().to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_file_are_shown_and_cannot_be_removed() {
    let system = System::builder().without_proxy().start().await;
    let dashboard = system.dashboard();
    let listed = dashboard.get("/api/v1/models").await;
    let models = listed["data"].as_array().unwrap();
    let of_file = models.iter().find(|model| model["model_name"] == "renamed").expect("the file's model is listed");
    assert_eq!((&of_file["source"], &of_file["provider"]), (&json!("config"), &json!("openai")));
    assert_eq!(of_file["upstream_model"], deltallm_tests::UPSTREAM_MODEL);
    assert_eq!(of_file["has_api_key"], true);
    let path = format!("/api/v1/models/{}", of_file["id"].as_str().unwrap());
    let refused = dashboard.call(Method::DELETE, &path, None).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn address_set_through_the_api_may_not_be_inside_the_network() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("egress").await;
    let upstream = system.upstream.address();
    let dashboard = system.dashboard();
    let bases = [
        format!("http://{upstream}/v1"),
        format!("http://localhost:{}/v1", upstream.port()),
        format!("http://[::ffff:127.0.0.1]:{}/v1", upstream.port()),
        format!("http://2130706433:{}/v1", upstream.port()),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for (number, api_base) in bases.iter().enumerate() {
        let name = format!("inside-{number}");
        let draft = json!({ "model_name": name, "provider": "openai", "upstream_model": "m",
                            "api_base": api_base, "api_key": "sk-x" });
        let made = dashboard.call(Method::POST, "/api/v1/models", Some(&draft)).await;
        if made.status == 400 {
            continue;
        }
        // Where it is taken, the proxy must not dial it.
        assert_eq!(made.status, 201, "{api_base}: {}", made.text);
        let body = json!({ "model": name, "messages": [{ "role": "user", "content": "hi" }] });
        wait_until("the new model is known", false, || async { caller.chat_with(&body).await.status == 404 }).await;
        let answer = caller.chat_with(&body).await;
        assert!(answer.status >= 400, "{api_base} was dialled: {}", answer.text);
    }
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0, "an address inside the network was dialled");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_cannot_choose_where_a_call_goes() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("redirect").await;
    let sentinel = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/v1", sentinel.local_addr().unwrap());
    let body = json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": "hi" }], "api_base": elsewhere, "base_url": elsewhere,
                       "api_key": "sk-x", "custom_llm_provider": "openai", "metadata": { "api_base": elsewhere } });
    let post = caller.post("/v1/chat/completions?api_base=http://127.0.0.1:1", &body);
    let post = post.header("x-api-base", &elsewhere).header("x-forwarded-host", "127.0.0.1:1");
    post.send().await.unwrap();
    let dialled = tokio::time::timeout(std::time::Duration::from_millis(300), sentinel.accept()).await;
    assert!(dialled.is_err(), "the caller chose the upstream");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_file_is_served_without_a_restart_and_a_broken_one_changes_nothing() {
    let system = System::builder().alone().start().await;
    let caller = system.caller(MASTER_KEY);
    let status = async |model: &str| caller.chat_with(&chat_body(model, "")).await.status;
    assert_eq!(status("added").await, 404);
    let added = model_entry("added", UPSTREAM_MODEL, system.upstream.address(), &[]);
    system.rewrite_config(&[added], "");
    wait_until("the added model answers", 200, || async { status("added").await }).await;
    system.rewrite_config(&[], "keyz: []\n");
    wait_until("the log says why", true, || async { system.logs().contains("did you mean `keys`?") }).await;
    assert_eq!(status("added").await, 200, "the old configuration stays in use");
}
