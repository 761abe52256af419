//! `deltallm up` as an operator meets it: started, stopped, killed, started wrongly.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is the report")]

mod failure;
mod launcher;
mod real_services;

use std::{fs, process::Command};

use launcher::{Installation, Launcher, is_running, wait_until};
use rustix::process::{Signal, kill_process};

#[test]
fn a_second_start_keeps_secrets_and_data_and_shows_no_secret() {
    let installation = Installation::new();
    let first = installation.start();
    let key = installation.secret("DELTALLM_MASTER_KEY");
    let password = installation.secret("DELTALLM_ADMIN_PASSWORD");
    assert!(first.output.contains(&key) && first.output.contains(&password), "{}", first.output);
    installation.query("create table kept as select 42 as answer").unwrap();
    let said = first.stop();
    assert!(said.contains("Stopping proxy") && said.contains("DeltaLLM has stopped."), "{said}");
    let order: Vec<String> = installation.in_home("events").lines().map(str::to_owned).collect();
    assert_eq!(order, ["deltallm-admin start", "deltallm-proxy start", "deltallm-proxy stop", "deltallm-admin stop"]);
    assert!(!installation.home().join("pg/postmaster.pid").exists(), "PostgreSQL was shut down cleanly");

    let second = installation.start();
    assert_eq!(installation.secret("DELTALLM_MASTER_KEY"), key);
    assert!(!second.output.contains(&key) && !second.output.contains(&password), "{}", second.output);
    assert_eq!(installation.query("select answer from kept").unwrap(), "42");

    // The key in the printed command comes out of the file when a shell reads it.
    let start = second.output.find("$(sed").unwrap();
    let end = start + second.output[start..].find(')').unwrap();
    let shell = Command::new("sh").arg("-c").arg(format!("echo \"{}\"", &second.output[start..=end])).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim(), key);
    second.stop();
}

#[test]
fn services_get_everything_they_need_and_the_proxy_no_password() {
    let installation = Installation::new();
    let launcher = installation.start();
    let (proxy, admin) = (installation.in_home("deltallm-proxy.env"), installation.in_home("deltallm-admin.env"));
    for name in [
        "DATABASE_URL",
        "DELTALLM_MASTER_KEY",
        "DELTALLM_SALT_KEY",
        "DELTALLM_HOME",
        "DELTALLM_ADMIN_URL",
        "DELTALLM_API_URL",
    ] {
        let line = format!("\n{name}=");
        assert!(format!("\n{proxy}").contains(&line) && format!("\n{admin}").contains(&line), "{name}");
    }
    assert!(admin.contains("DELTALLM_ADMIN_PASSWORD=") && !proxy.contains("DELTALLM_ADMIN_PASSWORD="));
    assert!(!proxy.contains("127.0.0.1:0\n"), "the free ports are known: {proxy}");
    launcher.stop();
}

#[test]
fn a_master_key_in_the_configuration_holds_for_both_services() {
    let installation = Installation::new();
    let config = "general_settings:\n  master_key: sk-written-into-the-configuration\n";
    fs::write(installation.path("config.yaml"), config).unwrap();
    installation.start().stop();
    for service in ["deltallm-proxy.env", "deltallm-admin.env"] {
        let environment = installation.in_home(service);
        assert!(environment.contains("DELTALLM_MASTER_KEY=sk-written-into-the-configuration\n"), "{environment}");
        assert!(environment.contains("/config.yaml\n"), "{environment}");
    }
}

#[test]
fn a_killed_launcher_takes_everything_along_and_loses_no_data() {
    let installation = Installation::new();
    let launcher = installation.start();
    installation.query("create table kept as select 7 as answer").unwrap();
    let pids = [
        installation.postmaster(),
        installation.service_pid("deltallm-proxy"),
        installation.service_pid("deltallm-admin"),
    ];
    launcher.signal(Signal::KILL);
    wait_until("all children end", || !pids.iter().any(|pid| is_running(*pid)));
    drop(launcher);

    let again = installation.start();
    assert_eq!(installation.query("select answer from kept").unwrap(), "7");
    again.stop();
}

#[test]
fn a_killed_child_is_started_again() {
    let installation = Installation::new();
    let mut launcher = installation.start();
    let (postmaster, proxy) = (installation.postmaster(), installation.service_pid("deltallm-proxy"));

    kill_process(postmaster, Signal::KILL).unwrap();
    launcher.wait_for("postgres was started again.");
    wait_until("the database answers", || installation.query("select 1").is_ok());
    assert_ne!(installation.postmaster(), postmaster);

    kill_process(proxy, Signal::KILL).unwrap();
    launcher.wait_for("proxy was started again.");
    wait_until("there is a new proxy", || installation.service_pid("deltallm-proxy") != proxy);
    launcher.stop();
}

#[test]
fn a_proxy_with_a_saved_configuration_starts_before_everything_else() {
    let installation = Installation::new();
    fs::create_dir(installation.home()).unwrap();
    fs::write(installation.home().join("snapshot.json"), "{}").unwrap();
    installation.start().stop();
    assert!(installation.in_home("events").starts_with("deltallm-proxy start\n"), "{}", installation.in_home("events"));
}

#[test]
fn what_an_interrupted_first_start_left_is_cleared_away() {
    let installation = Installation::new();
    let mut launcher = Launcher::spawn(installation.command());
    launcher.wait_for("Making a database");
    wait_until("initdb has begun", || installation.home().join("pg.tmp/PG_VERSION").exists());
    launcher.signal(Signal::INT);
    assert_eq!(launcher.wait().code(), Some(0), "told to stop is no failure: {}", launcher.output);
    assert!(!installation.home().join("pg").exists());
    assert!(installation.home().join("pg.tmp").exists());

    let launcher = installation.start();
    assert_eq!(installation.query("select count(*) from pg_database where datname = 'deltallm'").unwrap(), "1");
    assert!(!installation.home().join("pg.tmp").exists());
    launcher.stop();
}

#[test]
fn only_the_owner_can_read_the_secrets_and_reach_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let installation = Installation::new();
    let launcher = installation.start();
    let mode = |name: &str| fs::metadata(installation.home().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets.env"), mode("run"), mode("logs"), mode("pg")), (0o600, 0o700, 0o700, 0o700));
    assert_eq!(installation.query("show listen_addresses").unwrap(), "");
    assert_eq!(installation.query("show fsync").unwrap(), "on");
    launcher.stop();
}
