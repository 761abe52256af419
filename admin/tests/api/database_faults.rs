//! The database away, slow and back.

use std::time::{Duration, Instant};

use deltallm_shared::control::ConfigMessage;
use serde_json::json;

use crate::harness::{
    admin::{Start, send},
    cluster::Database,
    events::{batch, event},
    link::Link,
    wait_until,
};

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_waited_for() {
    let database = Database::create().await;
    let link = Link::to(&database).await;
    link.cut();
    let admin = Start::on(&link.url()).up().await;
    assert_eq!(send(admin.request("GET", "/health/liveness")).await.status, 200);
    admin.get("/health/readiness").await.refused(503, "service_unavailable", None);
    admin.get("/api/v1/keys").await.refused(503, "service_unavailable", None);
    assert!(admin.log().contains("the database is not there yet"), "{}", admin.log());
    link.mend();
    admin.wait_until_ready().await;
    admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
}

#[tokio::test]
async fn a_database_that_goes_and_comes_back_is_survived() {
    let database = Database::create().await;
    let link = Link::to(&database).await;
    let admin = Start::on(&link.url()).up().await;
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { version, .. } = stream.message().await else { panic!() };
    let kept = admin.post("/api/v1/keys", json!({"name": "before"})).await.expect(201);
    assert!(matches!(stream.change().await, ConfigMessage::Upsert { .. }));

    link.cut();
    wait_until("requests are refused", || async { admin.get("/api/v1/keys").await.status == 503 }).await;
    let refused = admin.get("/api/v1/keys").await;
    refused.refused(503, "service_unavailable", None);
    assert_eq!(refused.header("retry-after"), "1");
    admin.get("/health/readiness").await.refused(503, "service_unavailable", None);
    assert_eq!(send(admin.request("GET", "/health/liveness")).await.status, 200);
    // An event that cannot be stored is not acknowledged.
    let call = event();
    admin.post_internal("/internal/v1/events", &batch(std::slice::from_ref(&call))).await.refused(
        503,
        "service_unavailable",
        None,
    );
    // A write behind our back, as another replica's would be.
    database
        .connect()
        .await
        .batch_execute(
            "BEGIN; UPDATE config_version SET version = version + 1;
             INSERT INTO config_change (version, entity, entity_id, op)
             SELECT version, 'key', gen_random_uuid(), 'delete' FROM config_version; COMMIT",
        )
        .await
        .unwrap();
    // The stream goes on beating meanwhile.
    assert_eq!(stream.message().await, ConfigMessage::Heartbeat { version: version + 1 });

    link.mend();
    admin.wait_until_ready().await;
    assert_eq!(admin.get("/api/v1/keys").await.expect(200)["data"][0]["id"], kept["id"]);
    admin.post_internal("/internal/v1/events", &batch(&[call])).await.expect(200);
    assert_eq!(database.number("SELECT count(*) FROM spend_event").await, 1);
    // And the stream, never closed, tells what was missed.
    assert!(matches!(stream.change().await, ConfigMessage::Delete { version: seen, .. } if seen == version + 2));
}

#[tokio::test]
async fn a_frozen_database_is_answered_for_in_time() {
    let database = Database::create().await;
    let link = Link::to(&database).await;
    let admin = Start::on(&link.url()).up().await;
    admin.get("/api/v1/keys").await.expect(200);
    link.stall();
    let started = Instant::now();
    admin.get("/api/v1/keys").await.refused(503, "service_unavailable", None);
    assert!(started.elapsed() < Duration::from_secs(18), "{:?}", started.elapsed());
    admin.get("/health/readiness").await.refused(503, "service_unavailable", None);
    link.mend();
    admin.wait_until_ready().await;
    admin.get("/api/v1/keys").await.expect(200);
}

#[tokio::test]
async fn a_locked_table_is_answered_for_in_time() {
    let database = Database::create().await;
    let admin = Start::on(&database.url()).up().await;
    let mut client = database.connect().await;
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("LOCK TABLE virtual_key IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let started = Instant::now();
    admin.get("/api/v1/keys").await.refused(503, "service_unavailable", None);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    transaction.rollback().await.unwrap();
    admin.get("/api/v1/keys").await.expect(200);
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() {
    let database = Database::create().await;
    let admin = Start::on(&database.url()).up().await;
    let mut stream = admin.config_stream(0).await;
    assert!(matches!(stream.message().await, ConfigMessage::Snapshot { .. }));
    for _ in 0..3 {
        let client = database.connect().await;
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query_one(end, &[]).await.unwrap();
        wait_until("a key can be made", || async {
            admin.post("/api/v1/keys", json!({"name": "k"})).await.status == 201
        })
        .await;
        assert!(matches!(stream.change().await, ConfigMessage::Upsert { .. }));
    }
}
