//! Settings of routing: of the file, of the database, one above the other; and what the proxies are told of them.

use deltallm_shared::{
    control::{ConfigMessage, Entity, EntityKind},
    routing::Strategy,
};
use serde_json::{Value, json};

use crate::harness::{Admin, admin::Start, cluster::Database, wait_until};

const FILE: &str = "
model_list:
  - { model_name: a, deltallm_params: { model: mock/echo } }
  - { model_name: a, deltallm_params: { model: mock/lorem } }
  - { model_name: b, deltallm_params: { model: mock/echo }, model_info: { tags: [new] } }
  - { model_name: vendor/c, deltallm_params: { model: mock/echo } }
router_settings:
  routing_strategy: least-busy
  num_retries: 4
  fallbacks: [ { a: [b] }, { '*': [b] } ]
  model_group_alias: { second: b }
";

async fn admin() -> (Admin, Database) {
    let database = Database::create().await;
    (Start::on(&database.url()).config(FILE).up().await, database)
}

async fn put(admin: &Admin, path: &str, body: Value) -> Value {
    admin.call("PUT", path, Some(body)).await.expect(200)
}

#[tokio::test]
async fn the_database_stands_above_the_file_and_a_group_above_the_router() {
    let (admin, _database) = admin().await;
    let before = admin.get("/api/v1/routing").await.expect(200);
    let router = &before["router"];
    assert_eq!((&router["source"], &router["settings"]["num_retries"]), (&json!("config"), &json!(4)));
    assert_eq!((&router["deployments"], &router["database"]), (&json!(4), &Value::Null));
    let groups: Vec<_> = before["groups"].as_array().unwrap().iter().map(|group| &group["model_name"]).collect();
    assert_eq!(groups, ["a", "b", "vendor/c"]);
    assert_eq!((&before["groups"][0]["deployments"], &before["groups"][0]["source"]), (&json!(2), &json!("config")));
    assert_eq!(before["groups"][1]["source"], "default");
    assert_eq!(before["groups"][1]["effective"]["fallbacks"], json!(["b"]), "the star's");
    assert_eq!(before["strategies"].as_array().unwrap().len(), Strategy::NAMES.len());

    let router = put(&admin, "/api/v1/routing", json!({"num_retries": 1, "timeout_ms": 30_000})).await;
    assert_eq!((&router["source"], &router["database"]["num_retries"]), (&json!("database"), &json!(1)));
    assert_eq!(
        (&router["settings"]["num_retries"], &router["settings"]["strategy"]),
        (&json!(1), &json!("least-busy"))
    );
    let group = put(&admin, "/api/v1/routing/groups/a", json!({"strategy": "round-robin", "fallbacks": []})).await;
    let effective = &group["effective"];
    assert_eq!(
        (&effective["strategy"], &effective["num_retries"], &effective["fallbacks"], &effective["cooldown_time_ms"]),
        (&json!("round-robin"), &json!(1), &json!([]), &json!(30_000))
    );
    assert_eq!(admin.get("/api/v1/routing/groups/a").await.expect(200), group);

    // The whole policy is replaced, and its absence is the file's word.
    let group = put(&admin, "/api/v1/routing/groups/a", json!({"num_retries": 0})).await;
    assert_eq!(
        (&group["effective"]["strategy"], &group["effective"]["fallbacks"]),
        (&json!("least-busy"), &json!(["b"]))
    );
    for _ in 0..2 {
        admin.delete("/api/v1/routing/groups/a").await.expect(204);
        admin.delete("/api/v1/routing").await.expect(204);
    }
    assert_eq!(admin.get("/api/v1/routing").await.expect(200), before);
}

#[tokio::test]
async fn a_name_with_a_slash_is_a_group_like_any_other() {
    let (admin, _database) = admin().await;
    let path = "/api/v1/routing/groups/vendor%2Fc";
    assert_eq!(put(&admin, path, json!({"num_retries": 0})).await["model_name"], "vendor/c");
    assert_eq!(admin.get(path).await.expect(200)["settings"]["num_retries"], 0);
    admin.delete(path).await.expect(204);
    assert_eq!(admin.get(path).await.expect(200)["source"], "default");
}

#[tokio::test]
async fn what_cannot_be_names_its_field() {
    let (admin, _database) = admin().await;
    let stranger = "01890000-0000-7000-8000-000000000000";
    for (settings, field) in [
        (json!({"strategy": "best"}), "strategy"),
        (json!({"num_retries": 21}), "num_retries"),
        (json!({"num_retries": -1}), "num_retries"),
        (json!({"fallbacks": ["a"]}), "fallbacks"),
        (json!({"fallbacks": ["b", "second"]}), "fallbacks"),
        (json!({"fallbacks": ["a\nb"]}), "fallbacks"),
        (json!({"default_fallbacks": ["b"]}), "default_fallbacks"),
        (json!({"hedge": {"max_share_percent": 101}}), "hedge.max_share_percent"),
        (json!({"hedge": {"share": 1}}), "hedge.share"),
        (json!({"mirror": {"model": "a", "percent": 1}}), "mirror.model"),
        (json!({"canary": {"percent": 5}}), "canary"),
        (json!({"canary": {"deployment_id": stranger, "percent": 5}}), "canary.deployment_id"),
        (json!({"active_check": {"interval_ms": 5}}), "active_check.interval_ms"),
        (json!({"fallback": []}), "fallback"),
    ] {
        let reply = admin.call("PUT", "/api/v1/routing/groups/a", Some(settings.clone())).await;
        assert_eq!(reply.status, 400, "{settings}: {}", reply.text);
        reply.refused(400, "invalid_request_error", Some(field));
    }
    let reply = admin.call("PUT", "/api/v1/routing/groups/second", Some(json!({}))).await;
    reply.refused(400, "invalid_request_error", Some("model_name"));
    admin.get("/api/v1/routing/groups/nobody").await.refused(404, "not_found", None);
    assert_eq!(admin.get("/api/v1/routing/groups/a").await.expect(200)["source"], "config", "nothing was stored");
}

#[tokio::test]
async fn what_may_become_true_is_a_warning() {
    let (admin, _database) = admin().await;
    let early = put(&admin, "/api/v1/routing/groups/tomorrow", json!({"fallbacks": ["second", "later"]})).await;
    assert_eq!(early["settings"]["fallbacks"], json!(["b", "later"]), "another name stands for its group");
    let warnings = early["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].as_str().unwrap().contains("`tomorrow`") && warnings[1].as_str().unwrap().contains("`later`"));
    let canary = json!({"canary": {"tag": "new", "percent": 5}});
    assert_eq!(put(&admin, "/api/v1/routing/groups/b", canary.clone()).await["warnings"], json!([]));
    assert_eq!(put(&admin, "/api/v1/routing/groups/a", canary).await["warnings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_proxies_hear_of_each_policy() {
    let (admin, _database) = admin().await;
    put(&admin, "/api/v1/routing", json!({"num_retries": 1})).await;
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { snapshot, .. } = stream.message().await else { panic!("no snapshot") };
    let [policy] = snapshot.routing_policies.as_slice() else { panic!("{:?}", snapshot.routing_policies) };
    assert_eq!((policy.model_name.as_deref(), policy.settings.num_retries), (None, Some(1)));

    let mut id = None;
    for strategy in ["round-robin", "least-busy"] {
        put(&admin, "/api/v1/routing/groups/a", json!({"strategy": strategy})).await;
        let ConfigMessage::Upsert { change: Entity::RoutingPolicy(policy), .. } = stream.change().await else {
            panic!()
        };
        assert_eq!(policy.model_name.as_deref(), Some("a"));
        assert_eq!(policy.settings.strategy.map(Strategy::name), Some(strategy));
        assert_eq!(*id.get_or_insert(policy.id), policy.id, "a policy is replaced, not doubled");
    }
    admin.delete("/api/v1/routing/groups/a").await.expect(204);
    let ConfigMessage::Delete { entity, id: gone, .. } = stream.change().await else { panic!() };
    assert_eq!((entity, Some(gone)), (EntityKind::RoutingPolicy, id.map(|id| id.0)));
}

#[tokio::test]
async fn a_policy_of_a_newer_version_keeps_nothing_else_from_the_proxies() {
    let (admin, database) = admin().await;
    put(&admin, "/api/v1/routing/groups/a", json!({"num_retries": 1})).await;
    put(&admin, "/api/v1/routing/groups/b", json!({"num_retries": 1})).await;
    let newer = "UPDATE routing_policy SET settings = '{\"clairvoyance\": true}' WHERE model_name = 'b'";
    database.connect().await.batch_execute(newer).await.unwrap();
    // Kept snapshots are read again by a service that starts.
    drop(admin);
    let admin = Start::on(&database.url()).config(FILE).up().await;
    let ConfigMessage::Snapshot { snapshot, .. } = admin.config_stream(0).await.message().await else { panic!() };
    let models: Vec<_> = snapshot.routing_policies.iter().map(|policy| policy.model_name.as_deref()).collect();
    assert_eq!(models, [Some("a")]);
    assert!(admin.log().contains("clairvoyance"), "the log says which");
}

#[tokio::test]
async fn a_change_of_the_file_is_seen() {
    let (admin, _database) = admin().await;
    admin.rewrite_config(&FILE.replace("num_retries: 4", "num_retries: 3"));
    let retries = async || admin.get("/api/v1/routing").await.expect(200)["router"]["settings"]["num_retries"].clone();
    wait_until("the file is read again", || async { retries().await == 3 }).await;
}
