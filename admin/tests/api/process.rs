//! Command line, start, stop.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{
    Admin, MASTER_KEY,
    admin::{Start, send},
    cluster::Database,
};

#[tokio::test]
async fn a_signal_ends_the_service_and_its_streams() {
    for signal in ["TERM", "INT"] {
        let (mut admin, _) = Admin::start().await;
        let mut stream = admin.config_stream(0).await;
        stream.message().await;
        let live = admin.request("GET", "/api/v1/requests/stream").bearer_auth(MASTER_KEY).send().await.unwrap();
        let started = Instant::now();
        admin.signal(signal);
        assert_eq!(admin.ended().await.code(), Some(0), "{}", admin.log());
        assert!(started.elapsed() < Duration::from_secs(5), "{signal}: {:?}", started.elapsed());
        // Both streams came to an orderly end.
        assert!(live.text().await.is_ok());
        while stream.line().await.is_some() {}
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_before_a_port_is_bound() {
    let database = Database::create().await;
    let (status, text) = Start::on(&database.url()).config("model_lst: []\n").fails().await;
    assert!(!status.success());
    assert!(text.contains("config.yaml:1:1") && text.contains("model_list"), "{text}");
    for (name, value, word) in [
        ("DELTALLM_MASTER_KEY", "change-me", "DELTALLM_MASTER_KEY"),
        ("DELTALLM_SALT_KEY", "short", "DELTALLM_SALT_KEY"),
        ("DATABASE_URL", "postgres://", "DATABASE_URL"),
        ("DELTALLM_ADMIN_LISTEN", "nowhere", "--listen"),
    ] {
        let mut start = Start::on(&database.url()).env(name, value);
        if name == "DELTALLM_ADMIN_LISTEN" {
            start = start.without_listen();
        }
        let (status, text) = start.fails().await;
        assert!(!status.success() && text.contains(word), "{name}: {text}");
        assert!(value.len() < 9 || !text.contains(value) || name == "DATABASE_URL", "{text}");
    }
    for name in ["DELTALLM_MASTER_KEY", "DELTALLM_SALT_KEY", "DATABASE_URL"] {
        let (status, text) = Start::on(&database.url()).without(name).fails().await;
        assert!(!status.success() && text.contains(name), "{name}: {text}");
    }
}

#[tokio::test]
async fn the_files_word_counts_where_the_environment_is_silent() {
    let database = Database::create().await;
    let yaml = "general_settings: { master_key: os.environ/THE_KEY, salt_key: os.environ/THE_SALT, database_url: os.environ/THE_DATABASE }\n";
    let admin = Start::on(&database.url())
        .without("DELTALLM_MASTER_KEY")
        .without("DELTALLM_SALT_KEY")
        .without("DATABASE_URL")
        .env("THE_KEY", MASTER_KEY)
        .env("THE_SALT", crate::harness::admin::SALT_KEY)
        .env("THE_DATABASE", &database.url())
        .config(yaml)
        .up()
        .await;
    admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
}

#[tokio::test]
async fn the_committed_openapi_document_is_the_generated_one() {
    let output =
        tokio::process::Command::new(env!("CARGO_BIN_EXE_deltallm-admin")).arg("--print-openapi").output().await;
    let generated = String::from_utf8(output.unwrap().stdout).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/openapi/admin.json");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        generated == committed,
        "ui/openapi/admin.json is out of date: cargo run -p deltallm-admin -- --print-openapi > ui/openapi/admin.json"
    );
}

#[tokio::test]
async fn the_served_openapi_document_names_its_errors() {
    let (admin, _) = Admin::start().await;
    let document = send(admin.request("GET", "/api/openapi.json")).await.expect(200);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path}");
            let error = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(error, "#/components/schemas/ErrorBody", "{method} {path}");
        }
    }
}
