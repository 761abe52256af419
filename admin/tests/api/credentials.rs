//! Named credentials: made, shown without their values, rotated under open streams, kept while they are in use.

use deltallm_shared::{
    control::{ConfigMessage, Entity, EntityKind},
    credential::CredentialValues,
    ids::CredentialId,
};
use serde_json::{Value, json};

use crate::harness::{Admin, admin::Start, admin::secret_box, cluster::Database};

fn key(name: &str, api_key: &str) -> Value {
    json!({"name": name, "values": {"kind": "api_key", "api_key": api_key}})
}

fn path(made: &Value) -> String {
    format!("/api/v1/credentials/{}", made["id"].as_str().unwrap())
}

fn model(credentials: &[&Value]) -> Value {
    let ids: Vec<_> = credentials.iter().map(|credential| credential["id"].clone()).collect();
    json!({"model_name": "m", "provider": "openai", "upstream_model": "gpt-4o-mini", "credential_ids": ids})
}

fn opened(change: ConfigMessage) -> (CredentialId, CredentialValues) {
    let ConfigMessage::Upsert { change: Entity::Credential(record), .. } = change else { panic!("{change:?}") };
    (record.id, CredentialValues::open(&record.sealed_values, &secret_box(), record.id).unwrap())
}

#[tokio::test]
async fn a_credential_shows_which_values_it_has_and_never_the_values() {
    let (admin, database) = Admin::start().await;
    let pem = "-----BEGIN PRIVATE KEY-----\nthe-private-part\n-----END PRIVATE KEY-----\n";
    let google = json!({"type": "service_account", "client_email": "robot@p.iam", "private_key": pem, "project_id": "p",
        "private_key_id": "0123456789abcdef", "universe_domain": "googleapis.com", "token_uri": "https://8.8.8.8/token"});
    let drafts = [
        key("openai", "sk-0123456789-secret"),
        json!({"name": "azure", "provider": "azure", "values": {"kind": "azure_entra", "tenant_id": "t", "client_id": "app",
            "client_secret": "client-secret-0123456789", "authority_host": "https://8.8.8.8"}}),
        json!({"name": "google", "provider": "vertex_ai", "values": {"kind": "google", "google": google}}),
        json!({"name": "aws", "values": {"kind": "aws", "access_key_id": "AKIA0123456789ABCDEF", "secret_access_key": "aws-secret-0123456789"}}),
    ];
    for draft in drafts {
        let made = admin.post("/api/v1/credentials", draft).await.expect(201);
        assert_eq!((&made["readable"], &made["deployments_count"]), (&json!(true), &json!(0)));
        assert_eq!(admin.get(&path(&made)).await.expect(200), made);
    }
    let list = admin.get("/api/v1/credentials").await.expect(200);
    let hint = |credential: usize, field: &str| {
        let fields = list["data"][credential]["fields"].as_array().unwrap();
        fields.iter().find(|known| known["name"] == field).map(|known| known["hint"].as_str().unwrap().to_owned())
    };
    let names: Vec<_> = list["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["aws", "azure", "google", "openai"]);
    assert_eq!(hint(0, "access_key_id").unwrap(), "AKI…CDEF");
    assert_eq!((hint(0, "session_token"), hint(1, "tenant_id").unwrap()), (None, "t".to_owned()));
    assert_eq!((hint(2, "client_email").unwrap(), hint(2, "private_key").unwrap()), ("robot@p.iam".into(), "…".into()));
    assert_eq!(hint(3, "api_key").unwrap(), "sk-…cret");

    let rows = database.connect().await.query("SELECT c::text FROM credential c", &[]).await.unwrap();
    let changes = database.connect().await.query("SELECT payload::text FROM config_change", &[]).await.unwrap();
    let stored: String = rows.iter().chain(&changes).map(|row| row.get::<_, String>(0)).collect();
    for secret in ["sk-0123456789-secret", "client-secret-0123456789", "the-private-part", "aws-secret-0123456789"] {
        assert!(!list.to_string().contains(secret) && !stored.contains(secret) && !admin.log().contains(secret));
    }
    let of_azure = admin.get("/api/v1/credentials?provider=azure").await.expect(200);
    let names: Vec<_> = of_azure["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["azure", "openai"], "those that Azure takes");
}

#[tokio::test]
async fn a_rotation_reaches_open_streams_and_touches_no_deployment() {
    let (admin, _) = Admin::start().await;
    let made = admin.post("/api/v1/credentials", key("main", "sk-old-0123456789")).await.expect(201);
    assert!(made["rotated_at"].is_null());
    admin.post("/api/v1/models", model(&[&made])).await.expect(201);
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { snapshot, .. } = stream.message().await else { panic!() };
    assert_eq!(snapshot.credentials.len(), 1);
    assert_eq!(snapshot.deployments[0].credential_ids, [snapshot.credentials[0].id]);

    let rotation = json!({"values": {"kind": "api_key", "api_key": "sk-new-0123456789"}});
    let rotated = admin.patch(&path(&made), rotation).await.expect(200);
    assert!(rotated["rotated_at"].is_string() && rotated["fields"][0]["hint"] == "sk-…6789");
    let (id, values) = opened(stream.change().await);
    assert_eq!(id, snapshot.credentials[0].id);
    assert_eq!(values.secrets(), ["sk-new-0123456789"]);
    // The next change is not about the deployment: it was left alone.
    admin.patch(&path(&made), json!({"name": "renamed"})).await.expect(200);
    let (_, values) = opened(stream.change().await);
    assert_eq!(values.secrets(), ["sk-new-0123456789"], "a new name leaves the values");
}

#[tokio::test]
async fn a_credential_in_use_stays() {
    let (admin, _) = Admin::start().await;
    let first = admin.post("/api/v1/credentials", key("first", "sk-1-0123456789")).await.expect(201);
    let second = admin.post("/api/v1/credentials", key("second", "sk-2-0123456789")).await.expect(201);
    let made = admin.post("/api/v1/models", model(&[&first, &second])).await.expect(201);
    let model_path = format!("/api/v1/models/{}", made["id"].as_str().unwrap());
    assert_eq!(made["credential_ids"], json!([first["id"], second["id"]]));
    assert_eq!(
        (&made["has_api_key"], &admin.get(&path(&first)).await.expect(200)["deployments_count"]),
        (&json!(false), &json!(1))
    );
    admin.delete(&path(&first)).await.refused(409, "conflict", None);
    // What would make it useless for its users is refused too.
    let moved = admin.patch(&path(&first), json!({"provider": "anthropic"})).await;
    moved.refused(400, "invalid_request_error", Some("provider"));

    let reordered = admin.patch(&model_path, json!({"credential_ids": [second["id"]]})).await.expect(200);
    assert_eq!(reordered["credential_ids"], json!([second["id"]]));
    let mut stream = admin.config_stream(0).await;
    let ConfigMessage::Snapshot { .. } = stream.message().await else { panic!() };
    admin.delete(&path(&first)).await.expect(204);
    let ConfigMessage::Delete { entity: EntityKind::Credential, id, .. } = stream.change().await else { panic!() };
    assert_eq!(json!(id.to_string()), first["id"]);
    admin.get(&path(&first)).await.refused(404, "not_found", None);
    // A deployment that goes lets its credentials go.
    admin.delete(&model_path).await.expect(204);
    admin.delete(&path(&second)).await.expect(204);
    admin.delete(&path(&second)).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn wrong_credentials_are_told_which_field() {
    let (admin, _) = Admin::start().await;
    let taken = admin.post("/api/v1/credentials", key("taken", "sk-0123456789")).await.expect(201);
    admin.post("/api/v1/credentials", key("taken", "sk-other")).await.refused(409, "conflict", Some("name"));
    let entra = |host: &str| json!({"kind": "azure_entra", "tenant_id": "t", "client_id": "c", "client_secret": "s", "authority_host": host});
    let account = |token_uri: &str| {
        json!({"kind": "google", "google": {"type": "service_account", "client_email": "a", "token_uri": token_uri,
            "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}})
    };
    for (draft, param) in [
        (key(" ", "sk-a"), "name"),
        (key("n", ""), "values.api_key"),
        (key("n", "a\nb"), "values.api_key"),
        (json!({"name": "n", "provider": "opnai", "values": {"kind": "api_key", "api_key": "a"}}), "provider"),
        (json!({"name": "n", "provider": "anthropic", "values": entra("https://8.8.8.8")}), "provider"),
        (json!({"name": "n", "values": entra("http://127.0.0.1:8080")}), "values"),
        (json!({"name": "n", "values": entra("http://localhost")}), "values"),
        (json!({"name": "n", "values": account("http://169.254.169.254/token")}), "values"),
        (
            json!({"name": "n", "values": {"kind": "google", "google": {"type": "service_account", "client_email": "a", "private_key": "x"}}}),
            "values.google.private_key",
        ),
    ] {
        let reply = admin.post("/api/v1/credentials", draft.clone()).await;
        assert_eq!(reply.status, 400, "{draft}: {}", reply.text);
        reply.refused(400, "invalid_request_error", Some(param));
    }
    for draft in [
        json!({"name": "n", "values": {"kind": "password", "api_key": "a"}}),
        json!({"name": "n", "values": {"kind": "api_key", "apikey": "sk-not-to-be-repeated"}}),
        json!({"name": "n"}),
    ] {
        let reply = admin.post("/api/v1/credentials", draft).await;
        assert!(reply.status == 400 && !reply.text.contains("not-to-be-repeated"), "{}", reply.text);
    }
    let other_kind = json!({"values": {"kind": "aws", "access_key_id": "a", "secret_access_key": "b"}});
    admin.patch(&path(&taken), other_kind).await.refused(400, "invalid_request_error", Some("values.kind"));
}

#[tokio::test]
async fn a_model_takes_only_credentials_that_its_provider_takes() {
    let (admin, _) = Admin::start().await;
    let aws = json!({"name": "aws", "values": {"kind": "aws", "access_key_id": "AKIA", "secret_access_key": "s"}});
    let aws = admin.post("/api/v1/credentials", aws).await.expect(201);
    let any = admin.post("/api/v1/credentials", key("any", "sk-0123456789")).await.expect(201);
    let mut only_groq = key("groq", "gsk-0123456789");
    only_groq["provider"] = json!("groq");
    let only_groq = admin.post("/api/v1/credentials", only_groq).await.expect(201);

    for wrong in [
        model(&[&aws]),
        model(&[&only_groq]),
        model(&[&any, &any]),
        model(&[&json!({"id": any["id"].as_str().unwrap().replace('7', "8")})]),
    ] {
        admin.post("/api/v1/models", wrong).await.refused(400, "invalid_request_error", Some("credential_ids"));
    }
    admin.post("/api/v1/models", model(&[])).await.refused(400, "invalid_request_error", Some("api_key"));

    let bedrock = |region: Value, credential: &Value| json!({"model_name": "b", "provider": "bedrock", "upstream_model": "anthropic.claude", "region": region, "credential_ids": [credential["id"]]});
    admin.post("/api/v1/models", bedrock(Value::Null, &aws)).await.refused(
        400,
        "invalid_request_error",
        Some("region"),
    );
    admin.post("/api/v1/models", bedrock(json!("a/b"), &aws)).await.refused(
        400,
        "invalid_request_error",
        Some("region"),
    );
    let made = admin.post("/api/v1/models", bedrock(json!("eu-west-1"), &aws)).await.expect(201);
    assert_eq!((&made["region"], &made["drop_params"]), (&json!("eu-west-1"), &Value::Null));
    let path = format!("/api/v1/models/{}", made["id"].as_str().unwrap());
    admin.patch(&path, json!({"region": null})).await.refused(400, "invalid_request_error", Some("region"));
    let changed =
        admin.patch(&path, json!({"drop_params": true, "credential_ids": [aws["id"], any["id"]]})).await.expect(200);
    assert_eq!(changed["drop_params"], true);

    let azure = json!({"model_name": "z", "provider": "azure", "upstream_model": "gpt", "api_base": "https://8.8.8.8",
        "api_version": "2024-10-21", "credential_ids": [any["id"]]});
    assert_eq!(admin.post("/api/v1/models", azure).await.expect(201)["api_version"], "2024-10-21");

    let providers = admin.get("/api/v1/providers").await.expect(200);
    let bedrock = providers["data"].as_array().unwrap().iter().find(|row| row["id"] == "bedrock").unwrap();
    assert_eq!((&bedrock["credential_kinds"], &bedrock["needs_region"]), (&json!(["api_key", "aws"]), &json!(true)));
}

#[tokio::test]
async fn credentials_of_the_file_are_listed_and_belong_to_the_file() {
    let database = Database::create().await;
    let yaml = "credential_list:\n  - { credential_name: filed, credential_values: { api_key: sk-in-the-file-0123 } }\nmodel_list:\n  - { model_name: m, deltallm_params: { model: openai/gpt-4o-mini, credential: filed } }\n";
    let admin = Start::on(&database.url()).config(yaml).up().await;
    let list = admin.get("/api/v1/credentials?source=config").await.expect(200);
    let filed = &list["data"][0];
    assert_eq!(
        (&filed["name"], &filed["deployments_count"], &filed["source"]),
        (&json!("filed"), &json!(1), &json!("config"))
    );
    assert!(!list.to_string().contains("sk-in-the-file"));
    assert_eq!(admin.get(&path(filed)).await.expect(200), *filed);
    admin.patch(&path(filed), json!({"name": "x"})).await.refused(409, "conflict", None);
    admin.delete(&path(filed)).await.refused(409, "conflict", None);
    admin.post("/api/v1/models", model(&[filed])).await.refused(400, "invalid_request_error", Some("credential_ids"));
    let models = admin.get("/api/v1/models").await.expect(200);
    assert_eq!(models["data"][0]["credential_ids"], json!([filed["id"]]));

    let mut cursor = String::new();
    let mut paged = Vec::new();
    for number in 0..3 {
        admin.post("/api/v1/credentials", key(&format!("k{number}"), "sk-0123456789")).await.expect(201);
    }
    loop {
        let page = admin.get(&format!("/api/v1/credentials?limit=2&cursor={cursor}")).await.expect(200);
        paged.extend(page["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(paged, ["filed", "k0", "k1", "k2"]);
}

#[tokio::test]
async fn values_of_another_salt_key_are_said_to_be_unreadable() {
    let database = Database::create().await;
    let before = Start::on(&database.url()).env("DELTALLM_SALT_KEY", "quite another salt key").up().await;
    let made = before.post("/api/v1/credentials", key("old", "sk-0123456789")).await.expect(201);
    drop(before);
    let admin = Start::on(&database.url()).up().await;
    let shown = admin.get(&path(&made)).await.expect(200);
    assert_eq!((&shown["readable"], &shown["fields"]), (&json!(false), &json!([])));
    let values = json!({"values": {"kind": "api_key", "api_key": "sk-given-again"}});
    assert_eq!(admin.patch(&path(&made), values).await.expect(200)["readable"], true);
}
