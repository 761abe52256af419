//! What requests see after each kind of message.

use deltallm_shared::{
    config::check_text,
    control::{TeamRecord, UserRecord},
    credential::CredentialKind,
    crypto::SaltKey,
    secret::Secret,
    time_text::Timestamp,
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
    store.apply(ConfigMessage::Upsert { version: 1, change: Entity::Deployment(Box::new(sealed)) });
    store.apply(ConfigMessage::Upsert { version: 2, change: Entity::Deployment(Box::new(record("open"))) });
    let snapshot = live.snapshot.load();
    assert!(!snapshot.models.contains_key("sealed") && snapshot.models.contains_key("open"));
}

#[test]
fn an_alias_is_another_name_of_its_group() {
    let (_store, live) = store("router_settings: { model_group_alias: { e: mock/echo } }");
    let snapshot = live.snapshot.load();
    assert!(Arc::ptr_eq(&snapshot.models["e"], &snapshot.models["mock/echo"]));
}

fn named(store: &Store, name: &str, id: CredentialId, key: &str) -> CredentialRecord {
    let values = CredentialValues::api_key(Secret::from(key));
    CredentialRecord {
        id,
        name: name.to_owned(),
        provider: None,
        kind: CredentialKind::ApiKey,
        sealed_values: values.seal(&store.keyring.secret_box, id).unwrap(),
        source: deltallm_shared::control::DeploymentSource::Database,
    }
}

fn pool_of(live: &Live, model: &str) -> CredentialPool {
    live.snapshot.load().models[model][0].credentials.clone()
}

fn picked(live: &Live, model: &str) -> Vec<String> {
    let now = Timestamp::now();
    let pool = pool_of(live, model);
    let mut texts: Vec<_> = (0..pool.len()).flat_map(|_| pool.pick(now, 0).unwrap().hidden_texts()).collect();
    texts.sort();
    texts
}

#[test]
fn a_rotated_credential_reaches_its_deployments_without_a_word_about_them() {
    let (mut store, live) = store("");
    let (main, spare) = (CredentialId::new(), CredentialId::new());
    let mut first = record("m");
    first.credential_ids = vec![main, spare];
    let deployment = Entity::Deployment(Box::new(first));
    // A credential that comes after its deployment is there as soon as it comes.
    store.apply(ConfigMessage::Upsert { version: 1, change: deployment });
    assert!(pool_of(&live, "m").is_empty());
    for (version, id, name, key) in [(2, main, "main", "sk-main-1"), (3, spare, "spare", "sk-spare-1")] {
        let change = Entity::Credential(named(&store, name, id, key));
        store.apply(ConfigMessage::Upsert { version, change });
    }
    assert_eq!(picked(&live, "m"), ["sk-main-1", "sk-spare-1"]);

    let before = pool_of(&live, "m");
    for credential in before.credentials() {
        before.set_aside(credential, 401, None, Timestamp::now());
    }
    let change = Entity::Credential(named(&store, "main", main, "sk-main-2"));
    store.apply(ConfigMessage::Upsert { version: 4, change });
    assert_eq!(pool_of(&live, "m").healthy(Timestamp::now()), 1, "the new value is tried, the spare stays set aside");
    let now = Timestamp::now();
    assert!(pool_of(&live, "m").pick(now, 0).unwrap().hidden_texts().contains(&"sk-main-2".to_owned()));
    let (_, streamed) = store.streamed();
    assert_eq!(streamed.credentials.len(), 2, "the last-known-good file holds them too");

    store.apply(ConfigMessage::Delete { version: 5, entity: EntityKind::Credential, id: spare.0 });
    assert_eq!(picked(&live, "m"), ["sk-main-2"]);
}

#[test]
fn what_did_not_change_keeps_its_pool_over_reloads_of_all_kinds() {
    let yaml = "
credential_list: [ { credential_name: c, credential_values: { api_key: sk-file-1 } } ]
model_list: [ { model_name: f, deltallm_params: { model: openai/gpt-4o, credential: c, api_keys: [sk-own-1, sk-own-2] } } ]
deltallm_settings: { drop_params: true }
";
    let (mut store, live) = store(yaml);
    let pool = pool_of(&live, "f");
    assert_eq!(picked(&live, "f"), ["sk-file-1", "sk-own-1", "sk-own-2"]);
    assert!(live.snapshot.load().models["f"][0].drop_params);
    let first = pool.pick(Timestamp::now(), 0).unwrap();
    pool.set_aside(&first, 429, None, Timestamp::now());
    store.apply(ConfigMessage::Upsert { version: 1, change: Entity::Deployment(Box::new(record("other"))) });
    store.apply(ConfigMessage::Snapshot { version: 2, snapshot: ConfigSnapshot::default() });
    assert_eq!(pool_of(&live, "f").healthy(Timestamp::now()), 2);
    let changed = yaml.replace("sk-file-1", "sk-file-2");
    let file = check_text(&changed, std::path::Path::new("config.yaml"), &|_: &str| None).unwrap();
    store.set_file(Arc::new(file));
    assert_eq!(first.hidden_texts(), ["sk-own-1"], "the deployment's own stand before the named ones");
    assert_eq!(picked(&live, "f"), ["sk-file-2", "sk-own-2", "sk-own-2"], "the sick one is still set aside");
}

#[test]
fn a_credential_of_the_wrong_kind_takes_out_its_deployment_only() {
    let (mut store, live) = store("");
    let id = CredentialId::new();
    let values: CredentialValues =
        serde_json::from_str(r#"{"kind":"aws","access_key_id":"AKIDEXAMPLE","secret_access_key":"s"}"#).unwrap();
    let mut credential = named(&store, "aws", id, "x");
    credential.sealed_values = values.seal(&store.keyring.secret_box, id).unwrap();
    let mut wrong = record("wrong");
    wrong.credential_ids = vec![id];
    store.apply(ConfigMessage::Upsert { version: 1, change: Entity::Credential(credential) });
    store.apply(ConfigMessage::Upsert { version: 2, change: Entity::Deployment(Box::new(wrong)) });
    store.apply(ConfigMessage::Upsert { version: 3, change: Entity::Deployment(Box::new(record("right"))) });
    let snapshot = live.snapshot.load();
    assert!(!snapshot.models.contains_key("wrong") && snapshot.models.contains_key("right"));
}
