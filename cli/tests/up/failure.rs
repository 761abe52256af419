//! Starts that must not succeed, and what they say.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use crate::launcher::{Installation, Launcher, refused, wait_until};

#[test]
fn a_second_launcher_on_the_same_home_is_refused() {
    let installation = Installation::new();
    let first = installation.start();
    let said = refused(&mut installation.command());
    assert!(said.contains("already running") && said.contains("DELTALLM_HOME"), "{said}");
    assert_eq!(installation.query("select 1").unwrap(), "1", "the first one is untouched");
    first.stop();
}

#[test]
fn a_busy_port_is_named_before_anything_is_started() {
    let installation = Installation::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    let said = refused(installation.command().env("DELTALLM_LISTEN", taken.to_string()));
    assert!(said.contains(&format!("Port {} (the API) is in use", taken.port())), "{said}");
    assert!(said.contains("DELTALLM_LISTEN=127.0.0.1:PORT"), "{said}");
    assert!(!installation.home().join("pg").exists());

    // The secrets that were made meanwhile have not been seen by anybody: the next start shows them.
    let launcher = installation.start();
    assert!(launcher.output.contains(&installation.secret("DELTALLM_MASTER_KEY")), "{}", launcher.output);
    launcher.stop();
}

#[test]
fn a_service_that_fails_at_once_is_shown_with_its_last_words() {
    let installation = Installation::new();
    installation.write_service("deltallm-admin", "#!/bin/sh\necho 'the migration 0007 does not match' >&2\nexit 3\n");
    let said = refused(&mut installation.command());
    assert!(said.contains("admin ended while starting") && said.contains("exit status: 3"), "{said}");
    assert!(said.contains("the migration 0007 does not match") && said.contains("admin.log"), "{said}");
    assert!(!installation.home().join("pg/postmaster.pid").exists(), "PostgreSQL was stopped again");
}

#[test]
fn a_missing_service_is_named() {
    let installation = Installation::new();
    fs::remove_file(installation.path("deltallm-proxy")).unwrap();
    let said = refused(&mut installation.command());
    assert!(said.contains("deltallm-proxy is not beside"), "{said}");
}

#[test]
fn a_placeholder_for_a_secret_is_refused() {
    let installation = Installation::new();
    for name in ["DELTALLM_MASTER_KEY", "DELTALLM_SALT_KEY", "DELTALLM_ADMIN_PASSWORD"] {
        let said = refused(installation.command().env(name, "change-me-change-me"));
        assert!(said.contains(name) && said.contains("refused"), "{said}");
    }
    assert!(!installation.home().join("secrets.env").exists());
}

#[test]
fn a_mistake_in_the_configuration_is_shown_with_its_place() {
    let installation = Installation::new();
    fs::write(installation.path("config.yaml"), "model_list: []\nmodle_list: []\n").unwrap();
    let said = refused(&mut installation.command());
    assert!(said.contains("config.yaml:2:") && said.contains("model_list"), "{said}");
}

#[test]
fn a_database_of_the_operators_own_needs_keys_of_his_own() {
    let installation = Installation::new();
    let url = "postgresql://nobody@127.0.0.1:1/none";
    let said = refused(installation.command().env("DATABASE_URL", url));
    assert!(said.contains("DELTALLM_SALT_KEY") && said.contains("openssl"), "{said}");

    let mut command = installation.command();
    command.env("DATABASE_URL", url);
    command.env("DELTALLM_MASTER_KEY", "sk-0123456789abcdef0123456789abcdef");
    command.env("DELTALLM_SALT_KEY", "0123456789abcdef0123456789abcdef");
    let mut launcher = Launcher::spawn(command);
    launcher.wait_for("Ctrl-C stops it.");
    assert!(!installation.home().join("pg").exists(), "nothing embedded is started");
    assert!(installation.in_home("deltallm-admin.env").contains(&format!("DATABASE_URL={url}\n")));
    launcher.stop();
}

#[test]
fn data_of_another_major_version_is_not_touched() {
    let installation = Installation::new();
    let data = installation.home().join("pg");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let said = refused(&mut installation.command());
    assert!(said.contains("made by PostgreSQL 9") && said.contains("DELTALLM_POSTGRES_BIN"), "{said}");
    assert_eq!(fs::read_to_string(data.join("PG_VERSION")).unwrap(), "9\n");
}

#[test]
fn programs_named_by_the_operator_must_be_there() {
    let installation = Installation::new();
    let said = refused(installation.command().env("DELTALLM_POSTGRES_BIN", installation.path("nowhere")));
    assert!(said.contains("DELTALLM_POSTGRES_BIN") && said.contains("initdb"), "{said}");
}

/// Root lends PostgreSQL another account, which cannot enter a closed folder: the data goes where it can.
#[test]
fn a_home_in_a_closed_folder_works_for_root_and_everybody() {
    let installation = Installation::new();
    fs::set_permissions(installation.path("."), fs::Permissions::from_mode(0o700)).unwrap();
    let launcher = installation.start();
    let link = fs::read_link(installation.home().join("pg"));
    assert_eq!(link.is_ok(), rustix::process::geteuid().is_root(), "only root needs another place");
    wait_until("the database is ready", || installation.in_home("pg/postmaster.pid").contains("ready"));
    launcher.stop();
    installation.start().stop();
    if let Ok(data) = link {
        assert!(data.starts_with("/var/lib/deltallm"), "{}", data.display());
        fs::remove_dir_all(data.parent().unwrap()).unwrap();
    }
}
