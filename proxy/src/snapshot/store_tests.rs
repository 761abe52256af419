//! What requests see after each kind of message.

use deltallm_shared::{
    config::check_text,
    control::{TeamRecord, UserRecord},
    crypto::SaltKey,
};

use super::*;

fn store(yaml: &str) -> (Store, Arc<Live>) {
    let salt = SaltKey::new(&Secret::from("a salt key for these tests only")).unwrap();
    let file = check_text(yaml, std::path::Path::new("config.yaml"), &|_: &str| None).unwrap();
    let live = Arc::new(Live::default());
    let keyring = Keyring { hasher: salt.key_hasher(), secret_box: salt.secret_box() };
    (Store::new(Arc::clone(&live), keyring, Arc::new(file)), live)
}

fn key(store: &Store, text: &str) -> KeyRecord {
    KeyRecord {
        id: KeyId::new(),
        hash: store.keyring.hasher.hash(text),
        name: text.to_owned(),
        team_id: None,
        user_id: None,
        models: None,
        expires_at: None,
        blocked: false,
    }
}

fn knows(live: &Live, store: &Store, text: &str) -> bool {
    live.keys.pin().contains_key(&store.keyring.hasher.hash(text))
}

fn record(model_name: &str) -> DeploymentRecord {
    serde_json::from_value(serde_json::json!({
        "id": DeploymentId::new(), "model_name": model_name, "provider": "vllm", "upstream_model": "m", "api_base": "http://192.0.2.1/v1",
    }))
    .unwrap()
}

#[test]
fn the_files_models_and_keys_are_there_before_any_stream() {
    let (store, live) = store("keys: [ { name: a, key: sk-0123456789abcdefghij } ]");
    assert!(live.snapshot.load().models.contains_key("mock/echo"));
    assert!(knows(&live, &store, "sk-0123456789abcdefghij"));
}

#[test]
fn a_snapshot_replaces_what_was_streamed_and_keeps_the_file() {
    let (mut store, live) = store("keys: [ { name: a, key: sk-0123456789abcdefghij } ]");
    let (first, second) = (key(&store, "sk-first"), key(&store, "sk-second"));
    let snapshot = |keys, deployments| ConfigSnapshot { keys, deployments, ..ConfigSnapshot::default() };
    store.apply(ConfigMessage::Snapshot { version: 1, snapshot: snapshot(vec![first], vec![record("m")]) });
    assert!(knows(&live, &store, "sk-first") && live.snapshot.load().models.contains_key("m"));
    store.apply(ConfigMessage::Snapshot { version: 2, snapshot: snapshot(vec![second], vec![]) });
    assert!(!knows(&live, &store, "sk-first") && knows(&live, &store, "sk-second"));
    assert!(knows(&live, &store, "sk-0123456789abcdefghij"));
    assert!(!live.snapshot.load().models.contains_key("m"));
    assert_eq!(store.version(), 2);
}

#[test]
fn changes_apply_one_by_one() {
    let (mut store, live) = store("");
    let mut changed = key(&store, "sk-old");
    let id = changed.id;
    store.apply(ConfigMessage::Upsert { version: 1, change: Entity::Key(changed.clone()) });
    changed.hash = store.keyring.hasher.hash("sk-new");
    store.apply(ConfigMessage::Upsert { version: 2, change: Entity::Key(changed) });
    assert!(!knows(&live, &store, "sk-old") && knows(&live, &store, "sk-new"), "a rotated key leaves nothing behind");
    store.apply(ConfigMessage::Delete { version: 3, entity: EntityKind::Key, id: id.0 });
    assert!(!knows(&live, &store, "sk-new"));
    let team = TeamRecord { id: TeamId::new(), name: "t".into(), organization_id: None, models: None, blocked: true };
    let user = UserRecord { id: UserId::new(), blocked: true };
    store.apply(ConfigMessage::Upsert { version: 4, change: Entity::Team(team.clone()) });
    store.apply(ConfigMessage::Upsert { version: 5, change: Entity::User(user.clone()) });
    assert!(live.snapshot.load().teams[&team.id].blocked && live.snapshot.load().users[&user.id].blocked);
    assert!(!store.apply(ConfigMessage::Heartbeat { version: 9 }));
}

#[test]
fn a_credential_of_another_salt_key_takes_out_its_deployment_only() {
    let (mut store, live) = store("");
    let mut sealed = record("sealed");
    let other = SaltKey::new(&Secret::from("quite another salt key here")).unwrap().secret_box();
    sealed.sealed_api_key = Some(other.seal(&Secret::from("sk-x"), &sealed.id.to_string()).unwrap());
    store.apply(ConfigMessage::Upsert { version: 1, change: Entity::Deployment(sealed) });
    store.apply(ConfigMessage::Upsert { version: 2, change: Entity::Deployment(record("open")) });
    let snapshot = live.snapshot.load();
    assert!(!snapshot.models.contains_key("sealed") && snapshot.models.contains_key("open"));
}

#[test]
fn an_alias_is_another_name_of_its_group() {
    let (_store, live) = store("router_settings: { model_group_alias: { e: mock/echo } }");
    let snapshot = live.snapshot.load();
    assert!(Arc::ptr_eq(&snapshot.models["e"], &snapshot.models["mock/echo"]));
}
