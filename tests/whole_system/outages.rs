//! The admin service or the database is down: calls go on, and nothing is lost.

use deltallm_tests::{System, eventually, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn proxy_serves_and_starts_while_the_admin_service_is_down() {
    let mut system = System::start().await;
    let (caller, _) = system.caller_with_new_key("survivor").await;
    assert_eq!(caller.chat("chunks=1").await.status, 200);

    let admin_was_at = system.stop_admin();
    for _ in 0..10 {
        assert_eq!(caller.chat("chunks=1").await.status, 200, "the running proxy serves on");
    }
    system.restart_proxy_without_admin(admin_was_at.1);
    let caller = system.caller(caller.key());
    for _ in 0..10 {
        let answer = caller.chat("chunks=1").await;
        assert_eq!(answer.status, 200, "a new proxy starts from what was last known: {}", answer.text);
    }

    system.restart_admin(admin_was_at);
    let books = system.books().await;
    wait_until("all 21 calls stand in the database", 21, || async { books.all().await.len() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_outage_loses_no_event() {
    let mut system = System::start().await;
    let (caller, _) = system.caller_with_new_key("patient").await;
    assert_eq!(caller.chat("chunks=1").await.status, 200);
    let books = system.books().await;
    wait_until("the first call stands in the database", 1, || async { books.all().await.len() }).await;

    system.stop_database();
    for _ in 0..25 {
        assert_eq!(caller.chat("chunks=1").await.status, 200, "calls do not need the database");
    }
    system.start_database();

    let books = system.books().await;
    wait_until("all 26 calls stand in the database", 26, || async { books.all().await.len() }).await;
    assert_eq!(books.rejected_count().await, 0);
    // And the system is whole again: a new key reaches the proxy.
    let (caller, _) = system.caller_with_new_key("afterwards").await;
    assert_eq!(caller.chat("chunks=1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_service_says_that_it_is_not_ready_while_the_database_is_down() {
    let mut system = System::builder().without_proxy().start().await;
    let dashboard = system.dashboard();
    let ready = || async { dashboard.call(reqwest::Method::GET, "/health/readiness", None).await.status };
    assert_eq!(ready().await, 200);
    system.stop_database();
    wait_until("not ready without the database", 503, ready).await;
    assert_eq!(dashboard.call(reqwest::Method::GET, "/health/liveness", None).await.status, 200);
    system.start_database();
    wait_until("ready with the database back", 200, ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_alone_serves_from_its_file() {
    let keys = "keys:\n  - { name: team-a, key: sk-from-the-file-52ab97d0, models: [gpt-4o-mini] }\n";
    let system = System::builder().alone().sections(keys).start().await;
    let caller = system.caller("sk-from-the-file-52ab97d0");
    let answer = eventually("the key of the file is taken", || async {
        Some(caller.chat("chunks=2").await).filter(|answer| answer.status == 200)
    })
    .await;
    assert_eq!(answer.content(), " the model");
    assert_eq!(system.caller("sk-not-in-the-file-52ab97d0").chat("").await.status, 401);
}
