//! `deltallm check FILE`: exit code and places of mistakes.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::{fs, process::Command};

fn check(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, text).unwrap();
    let answer = Command::new(env!("CARGO_BIN_EXE_deltallm")).arg("check").arg(&file).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
    (answer.status.code(), said)
}

#[test]
fn a_good_file_ends_with_0() {
    let (code, said) = check(
        "model_list:\n  - model_name: hello\n    deltallm_params:\n      model: mock/echo\n  - model_name: hello\n    litellm_params:\n      model: mock/lorem\n",
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 model deployments"), "{said}");
}

#[test]
fn a_mistake_ends_with_1_and_names_its_place_and_the_nearest_key() {
    let (code, said) = check("model_list:\n  - model_nmae: hello\n    deltallm_params:\n      model: mock/echo\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("config.yaml:2:5: "), "{said}");
    assert!(said.contains("`model_name`"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let answer = Command::new(env!("CARGO_BIN_EXE_deltallm")).args(["check", "/nowhere/config.yaml"]).output().unwrap();
    assert_eq!(answer.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("/nowhere/config.yaml"));
}

#[test]
fn help_and_version_are_there() {
    for (argument, expected) in [("--help", "check"), ("--version", "deltallm ")] {
        let answer = Command::new(env!("CARGO_BIN_EXE_deltallm")).arg(argument).output().unwrap();
        assert!(answer.status.success() && String::from_utf8_lossy(&answer.stdout).contains(expected));
    }
}
