//! Which crate may know which: proxy and admin never each other, shared neither's framework.
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Package → the packages it names as dependencies of any kind but for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let names = package["dependencies"].as_array().unwrap().iter();
            let names = names.filter(|dependency| dependency["kind"] != "dev");
            let names = names.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn dependencies_go_one_way() {
    let dependencies = dependencies();
    let forbidden: [(&str, &[&str]); 6] = [
        ("deltallm-dialects", &["pingora", "actix-web", "tokio", "reqwest", "deltallm-proxy", "deltallm-admin"]),
        ("deltallm-routing", &["pingora", "actix-web", "tokio", "reqwest", "deltallm-proxy", "deltallm-admin"]),
        ("deltallm-shared", &["pingora", "actix-web", "deltallm-proxy", "deltallm-admin", "tokio-postgres"]),
        ("deltallm-proxy", &["deltallm-admin", "actix-web", "tokio-postgres", "deadpool-postgres"]),
        ("deltallm-admin", &["deltallm-proxy", "pingora"]),
        ("deltallm-benches", &["deltallm-proxy", "deltallm-admin"]),
    ];
    for (package, names) in forbidden {
        let known = &dependencies[package];
        for name in names {
            let is_known = known.iter().any(|known| known == name || known.starts_with(&format!("{name}-")));
            assert!(!is_known, "{package} must not depend on {name}");
        }
    }
    for package in ["deltallm-proxy", "deltallm-admin"] {
        assert!(dependencies[package].contains("deltallm-shared"), "{package} uses what is shared");
    }
}
