//! What a proxy sees of the configuration, and how soon.

use std::time::{Duration, Instant};

use deltallm_shared::control::{ConfigMessage, Entity, EntityKind};
use serde_json::json;

use crate::harness::{
    Admin,
    admin::{Start, key_hash, secret_box},
};

/// A revoked key must stop working within a second everywhere; the stream may take a part of it.
const AT_ONCE: Duration = Duration::from_millis(800);

#[tokio::test]
async fn a_keys_life_is_seen_in_order_and_at_once() {
    let (admin, _) = Admin::start().await;
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { version: start, snapshot } = stream.message().await else { panic!("no snapshot") };
    assert!(snapshot.keys.is_empty());

    let started = Instant::now();
    let made = admin.post("/api/v1/keys", json!({"name": "k", "models": ["m"]})).await.expect(201);
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let ConfigMessage::Upsert { version, change: Entity::Key(record) } = stream.change().await else { panic!() };
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(version, start + 1);
    assert_eq!(record.hash, key_hash(made["key"].as_str().unwrap()));
    assert_eq!(record.models.as_deref(), Some(["m".to_owned()].as_slice()));
    assert!(!record.blocked);

    let started = Instant::now();
    admin.post(&format!("{path}/block"), json!({})).await.expect(200);
    let ConfigMessage::Upsert { version, change: Entity::Key(record) } = stream.change().await else { panic!() };
    assert!(record.blocked && version == start + 2);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());

    let started = Instant::now();
    admin.delete(&path).await.expect(204);
    let ConfigMessage::Delete { version, entity, id } = stream.change().await else { panic!() };
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!((version, entity, id.to_string().as_str()), (start + 3, EntityKind::Key, made["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_proxy_that_comes_back_gets_what_it_missed() {
    let (admin, _) = Admin::start().await;
    for number in 0..5 {
        admin.post("/api/v1/teams", json!({"name": format!("team {number}")})).await.expect(201);
    }
    let ConfigMessage::Snapshot { version, snapshot } = admin.config_stream(0).await.message().await else { panic!() };
    assert_eq!(snapshot.teams.len(), 5);
    let mut stream = admin.config_stream(version - 2).await;
    for expected in [version - 1, version] {
        let ConfigMessage::Upsert { version: seen, change: Entity::Team(_) } = stream.message().await else { panic!() };
        assert_eq!(seen, expected);
    }
    let mut stream = admin.config_stream(version).await;
    assert_eq!(stream.message().await, ConfigMessage::Heartbeat { version });
    // A version that never was, as after a restored backup, is answered with everything.
    let mut stream = admin.config_stream(version + 100).await;
    assert!(matches!(stream.message().await, ConfigMessage::Snapshot { .. }));
}

#[tokio::test]
async fn a_pruned_log_is_answered_with_a_snapshot() {
    let (admin, database) = Admin::start().await;
    for number in 0..4 {
        admin.post("/api/v1/teams", json!({"name": format!("team {number}")})).await.expect(201);
    }
    let ConfigMessage::Snapshot { version, .. } = admin.config_stream(0).await.message().await else { panic!() };
    database.connect().await.execute("DELETE FROM config_change WHERE version < $1", &[&version]).await.unwrap();
    assert!(matches!(admin.config_stream(version - 2).await.message().await, ConfigMessage::Snapshot { .. }));
    assert!(matches!(admin.config_stream(version - 1).await.message().await, ConfigMessage::Upsert { .. }));
}

#[tokio::test]
async fn any_replica_tells_of_every_write() {
    let (one, database) = Admin::start().await;
    let two = Start::on(&database.url()).up().await;
    let mut stream = two.config_stream(0).await;
    assert!(matches!(stream.message().await, ConfigMessage::Snapshot { .. }));
    let started = Instant::now();
    one.post("/api/v1/organizations", json!({"name": "Acme"})).await.expect(201);
    let ConfigMessage::Upsert { change: Entity::Organization(record), .. } = stream.change().await else { panic!() };
    assert_eq!(record.name, "Acme");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn versions_have_no_gaps_however_many_write_at_once() {
    let (admin, _) = Admin::start().await;
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { version: start, .. } = stream.message().await else { panic!() };
    let writers = (0..40).map(|number| admin.post("/api/v1/keys", json!({"name": format!("k{number}")})));
    let writing = futures_util::future::join_all(writers);
    let reading = async {
        for expected in start + 1..=start + 40 {
            let ConfigMessage::Upsert { version, .. } = stream.change().await else { panic!() };
            assert_eq!(version, expected);
        }
    };
    let (replies, ()) = tokio::join!(writing, reading);
    assert!(replies.iter().all(|reply| reply.status == 201));
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let (admin, _) = Admin::start().await;
    let _idle = admin.config_stream(0).await;
    let mut busy = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { version: start, .. } = busy.message().await else { panic!() };
    let made = admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    for number in 0..50 {
        // Long enough in all to fill a socket's buffers.
        let models: Vec<String> = (0..200).map(|model| format!("{number} {model} {}", "x".repeat(150))).collect();
        admin.patch(&path, json!({"models": models})).await.expect(200);
    }
    for expected in start + 1..=start + 51 {
        let ConfigMessage::Upsert { version, .. } = busy.change().await else { panic!() };
        assert_eq!(version, expected);
    }
}

#[tokio::test]
async fn the_stream_beats_while_nothing_happens() {
    let (admin, _) = Admin::start().await;
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { version, .. } = stream.message().await else { panic!() };
    let started = Instant::now();
    assert_eq!(stream.message().await, ConfigMessage::Heartbeat { version });
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn provider_keys_travel_sealed_and_open_only_in_their_place() {
    let (admin, database) = Admin::start().await;
    let draft = json!({"model_name": "m", "provider": "openai", "upstream_model": "gpt-4o-mini", "api_key": "sk-of-the-provider"});
    let made = admin.post("/api/v1/models", draft).await.expect(201);
    let mut stream = admin.config_stream(0).await;
    let line = stream.line().await.unwrap();
    assert!(!line.contains("sk-of-the-provider"));
    let ConfigMessage::Snapshot { snapshot, .. } = serde_json::from_str(&line).unwrap() else { panic!() };
    let record = &snapshot.deployments[0];
    let sealed = record.sealed_api_key.as_ref().unwrap();
    assert_eq!(secret_box().open(sealed, &record.id.to_string()).unwrap().expose(), "sk-of-the-provider");
    assert!(secret_box().open(sealed, "another deployment").is_err());
    let stored: String =
        database.connect().await.query_one("SELECT d::text FROM deployment d", &[]).await.unwrap().get(0);
    assert!(!stored.contains("sk-of-the-provider"));
    assert!(!made.to_string().contains("sk-of-the-provider") && made["has_api_key"] == true);
    assert!(!admin.log().contains("sk-of-the-provider"));
}

#[tokio::test]
async fn what_proxies_need_not_know_makes_no_version() {
    let (admin, _) = Admin::start().await;
    let made = admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let ConfigMessage::Snapshot { version: before, .. } = admin.config_stream(0).await.message().await else {
        panic!()
    };
    admin.patch(&path, json!({"metadata": {"a": 1}})).await.expect(200);
    let ConfigMessage::Snapshot { version: after, .. } = admin.config_stream(0).await.message().await else { panic!() };
    assert_eq!(before, after);
}
