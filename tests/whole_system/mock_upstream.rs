//! The mock upstream itself: a witness has to be trusted before it is asked.

use bytes::Bytes;
use deltallm_tests::wire::{self, FRAMINGS};
use deltallm_tests::{Caller, Event, System, Upstream, wait_until};

fn start() -> (Upstream, tempfile::TempDir, Caller) {
    System::build();
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(folder.path());
    let caller = Caller::new(upstream.address(), "sk-any");
    (upstream, folder, caller)
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_keeps_every_body_as_it_came() {
    let (upstream, _folder, _) = start();
    let filling = "x".repeat(3_000_000);
    let body = Bytes::from(format!(r#"{{ "model" : "m","odd":1.0E+2,"messages":["{filling}"]}}"#));
    for framing in FRAMINGS {
        let path = "/v1/chat/completions";
        let (status, _) = wire::post(upstream.address(), path, "sk-any", body.clone(), framing).await;
        assert_eq!(status, 200, "{framing:?}");
        let received = upstream.last_received().await;
        assert!(received.body() == body, "{framing:?}");
        assert_eq!(received.header("authorization"), Some("Bearer sk-any"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_leaves_is_noticed() {
    let (upstream, _folder, caller) = start();
    for options in ["chunks=1000,gap_ms=10", "chunks=9,stall_after_chunks=2", "delay_ms=60000"] {
        let options = format!("{options},tag=left");
        let stream = tokio::time::timeout(std::time::Duration::from_millis(300), async {
            caller.stream(&options).await.next_texts(1).await
        });
        // The slow head never comes, which is another way to leave.
        let _ = stream.await;
    }
    wait_until("three answers were left early", 3, || async { upstream.tally_of("left").await.closed_early }).await;
    assert_eq!(upstream.tally_of("left").await.completed, 0);
    assert_eq!(upstream.ledger(0).await.open, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_what_they_say() {
    let (upstream, _folder, caller) = start();
    let body = serde_json::json!({ "model": "m", "user": "mock-opts:{reset_before_headers=1}" });
    assert!(caller.post("/v1/chat/completions", &body).send().await.is_err());
    for fault in ["reset_after_chunks=2", "close_after_chunks=2"] {
        let events = caller.stream(fault).await.rest().await;
        let text: String = events.iter().map(Event::text).collect();
        assert_eq!(text, " the model", "{fault}");
        assert_ne!(events.last(), Some(&Event::Done), "{fault}");
    }
    let refusal = caller.chat("status=429,retry_after=7").await;
    assert_eq!((refusal.status, refusal.header("retry-after")), (429, "7"));
    assert_eq!(caller.chat("status=500,fail_first=1,tag=once").await.status, 500);
    assert_eq!(caller.chat("status=500,fail_first=1,tag=once").await.status, 200);
    assert_eq!(upstream.ledger(0).await.total.broken, 3);
}
