//! Runs a command against a running system: `with-system pytest …`.
//!
//! The command finds in its environment `OPENAI_BASE_URL` and `OPENAI_API_KEY` as any client
//! expects them, `DELTALLM_TEST_GATEWAY` (the same without `/v1`), `DELTALLM_TEST_PROVIDERS` (those
//! that have models: `chat-<provider>` and so on), `DELTALLM_TEST_UPSTREAM_URL` (the mock's ledger),
//! `DELTALLM_TEST_BLOCKED_KEY` and `DELTALLM_TEST_NARROW_KEY` (may use `renamed` only). The models
//! `faulty-…` are for tests that make the upstream fail: a deployment that failed too often is left
//! alone for a while.
#![expect(clippy::expect_used, reason = "a harness that cannot do its work ends at once")]

use std::process::{Command, ExitCode};

use deltallm_tests::{System, model_entry, providers};
use reqwest::Method;
use serde_json::json;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("with-system: say which command to run");
        return ExitCode::FAILURE;
    };
    let faulty = ["faulty-429", "faulty-500", "faulty-stream"];
    let builder = faulty
        .into_iter()
        .fold(System::builder(), |builder, name| builder.model(move |upstream| model_entry(name, name, upstream, &[])));
    // Clients are asked how they take errors; how long the gateway waits for a provider is asked elsewhere.
    let settings = "router_settings:\n  retry_after: 10ms\n  max_retry_wait: 100ms\n";
    let system = builder.model(providers::entries).sections(settings).start().await;
    let (_, key) = system.caller_with_new_key("sdk").await;
    let (_, blocked) = system.caller_with_new_key("blocked").await;
    let block = format!("/api/v1/keys/{}/block", blocked.id);
    system.dashboard().call(Method::POST, &block, None).await;
    let narrow = system.dashboard().create_key_with(&json!({ "name": "narrow", "models": ["renamed"] })).await;
    system.wait_for_key(&system.caller(&narrow.key)).await;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("OPENAI_BASE_URL", format!("http://{}/v1", system.proxy().api()))
        .env("OPENAI_API_KEY", key.key)
        .env("DELTALLM_TEST_GATEWAY", format!("http://{}", system.proxy().api()))
        .env("DELTALLM_TEST_PROVIDERS", providers::names())
        .env("DELTALLM_TEST_UPSTREAM_URL", format!("http://{}", system.upstream.address()))
        .env("DELTALLM_TEST_DASHBOARD", system.dashboard().base())
        .env("DELTALLM_TEST_BLOCKED_KEY", blocked.key)
        .env("DELTALLM_TEST_NARROW_KEY", narrow.key);
    let status = tokio::task::spawn_blocking(move || command.status()).await;
    let status = status.expect("the command can be waited for").expect("the command starts");
    u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from)
}
