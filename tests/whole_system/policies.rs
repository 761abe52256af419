//! Policies that are changed while requests run, and requests that are explained afterwards.

use deltallm_tests::{Deployment, System, eventually, wait_until};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_changed_live_and_every_request_says_how_it_went() {
    let deployments =
        vec![Deployment::new("main", "status=503,tag=main"), Deployment::new("spare", "chunks=2,tag=spare")];
    let settings = "router_settings:\n  num_retries: 0\n  allowed_fails: 1000\n  min_requests: 1000\n";
    let system = System::builder().deployments(deployments).sections(settings).start().await;
    let (caller, _) = system.caller_with_new_key("live").await;
    let dashboard = system.dashboard();
    assert_eq!(caller.ask("main").await.status, 503, "nobody stands in");

    let path = "/api/v1/routing/groups/main";
    let policy = json!({ "fallbacks": ["spare"] });
    assert_eq!(dashboard.call(Method::PUT, path, Some(&policy)).await.status, 200);
    wait_until("the proxy has heard of the policy", true, || async { caller.ask("main").await.status == 200 }).await;
    let reading = caller.ask("main").await;
    assert_eq!((reading.model.as_str(), reading.fallback.as_str(), reading.attempts), ("spare", "general", 2));

    let explain = format!("/api/v1/requests/{}/explain", reading.request_id);
    let found = eventually("the request can be explained", || async {
        let answer = dashboard.call(Method::GET, &explain, None).await;
        (answer.status == 200).then_some(answer.json)
    })
    .await;
    let attempts = found["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{found}");
    assert_eq!((&attempts[0]["status"], &attempts[0]["fault"]), (&json!(503), &json!("overloaded")));
    assert_eq!((&attempts[1]["model"], &attempts[1]["end"]), (&json!("spare"), &json!("answered")));
    assert_eq!(found["choices"][1]["fallback"], "general");
    assert!(!found["summary"].as_str().unwrap().is_empty());

    assert_eq!(dashboard.call(Method::DELETE, path, None).await.status, 204);
    wait_until("the policy is the file's again", true, || async { caller.ask("main").await.status == 503 }).await;
}
