//! `deltallm up`: everything that one machine needs, in the foreground, until it is told to stop.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use deltallm_shared::config::{self, Config, Environment, ProcessEnvironment};

use crate::{
    addresses::Addresses,
    banner::Banner,
    error::UpError,
    home::Home,
    launch::{ADMIN, PROXY, Programs, Surroundings},
    postgres::Embedded,
    secrets::{self, Secrets},
    supervisor::{Echo, Supervisor},
};

const DATABASE_URL: &str = "DATABASE_URL";
const DEFAULT_CONFIG: &str = "config.yaml";

/// Who depends on others is stopped first.
const STOP_ORDER: [&str; 3] = [PROXY, ADMIN, "postgres"];

/// Options of `deltallm up`. Addresses and the rest come from the environment, see docs.
#[derive(Args)]
pub struct Options {
    /// The configuration file; without one, config.yaml here if it exists.
    #[arg(long, env = "DELTALLM_CONFIG_PATH", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Exit code 0 when it was told to stop.
pub fn run(options: &Options) -> ExitCode {
    match up(options) {
        Ok(()) | Err(UpError::Stopped) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deltallm up: {error}");
            ExitCode::FAILURE
        }
    }
}

fn up(options: &Options) -> Result<(), UpError> {
    let programs = Programs::find()?;
    let home = Home::open()?;
    let _lock = home.lock()?;

    let external = ProcessEnvironment.variable(DATABASE_URL);
    let embedded = if external.is_none() { Some(Embedded::prepare(&home)?) } else { None };
    let database_url = external.or_else(|| embedded.as_ref().map(Embedded::connection));
    let has_data = embedded.as_ref().map_or(Ok(false), Embedded::has_data)?;
    if embedded.is_none() {
        require_own_secrets(&home)?;
    }
    let mut secrets = Secrets::load_or_make(&home.secrets(), has_data)?;
    if secrets.salt_differs_from_file {
        eprintln!(
            "{} of the environment differs from the one in {}: provider keys that were saved under the other cannot be read.",
            secrets::SALT_KEY,
            home.secrets().display()
        );
    }

    let config_path = config_path(options)?;
    let config = check_config(config_path.as_deref(), &secrets, database_url.as_deref())?;
    secrets.adopt(config.general.master_key.as_ref(), config.general.salt_key.as_ref());
    // A database that the file names outright needs none beside it.
    let named_in_file = config.general.database_url.as_ref().filter(|url| database_url.as_ref() != Some(url.expose()));
    let (embedded, database_url) = if named_in_file.is_some() { (None, None) } else { (embedded, database_url) };

    let addresses = Addresses::resolve()?;
    let surroundings = Surroundings {
        home: &home,
        addresses: &addresses,
        secrets: &secrets,
        database_url: database_url.as_deref(),
        config: config_path.as_deref(),
        programs: &programs,
    };
    let banner =
        Banner { home: &home, addresses: &addresses, secrets: &secrets, config: &config, embedded: embedded.as_ref() };

    let mut supervisor = Supervisor::new()?;
    let outcome = start(&mut supervisor, &surroundings, &config, embedded.as_ref());
    if outcome.is_ok() {
        print!("{banner}");
        secrets.were_shown();
        supervisor.watch();
    }
    supervisor.stop(&STOP_ORDER);
    if matches!(outcome, Ok(()) | Err(UpError::Stopped)) {
        println!("DeltaLLM has stopped.");
    }
    outcome
}

fn start(
    supervisor: &mut Supervisor,
    surroundings: &Surroundings,
    config: &Config,
    embedded: Option<&Embedded>,
) -> Result<(), UpError> {
    Echo::of([PROXY, ADMIN].map(|name| (name, surroundings.home.logs().join(format!("{name}.log"))))).start();
    let drain = config.general.client.drain;
    // With a saved configuration the proxy serves at once; a database that recovers, or does not, holds nobody up.
    let starts_alone = surroundings.home.snapshot().exists();
    if starts_alone {
        supervisor.launch(surroundings.proxy(drain))?;
    }
    if let Some(embedded) = embedded {
        embedded.ensure_cluster(supervisor)?;
        embedded.stop_orphan();
        supervisor.launch(embedded.service())?;
        supervisor.await_ready("postgres")?;
    }
    supervisor.launch(surroundings.admin())?;
    supervisor.await_ready(ADMIN)?;
    if !starts_alone {
        supervisor.launch(surroundings.proxy(drain))?;
    }
    supervisor.await_ready(PROXY)
}

/// With a database of the operator's there may be other machines with the same secrets: making them up here would be wrong.
fn require_own_secrets(home: &Home) -> Result<(), UpError> {
    let missing: Vec<&str> = [secrets::MASTER_KEY, secrets::SALT_KEY]
        .into_iter()
        .filter(|name| ProcessEnvironment.variable(name).is_none())
        .collect();
    if missing.is_empty() || home.secrets().exists() {
        return Ok(());
    }
    let lines: Vec<String> = missing.iter().map(|name| format!("  export {name}=$(openssl rand -hex 32)")).collect();
    Err(UpError::told(format!(
        "{DATABASE_URL} is set, so {} must be set too; every machine on that database needs the same:\n{}",
        missing.join(" and "),
        lines.join("\n")
    )))
}

fn config_path(options: &Options) -> Result<Option<PathBuf>, UpError> {
    let chosen = match &options.config {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT_CONFIG).exists() => DEFAULT_CONFIG.into(),
        None => return Ok(None),
    };
    match std::path::absolute(&chosen) {
        Ok(path) if path.is_file() => Ok(Some(path)),
        _ => Err(UpError::told(format!(
            "{} is no file; --config (or DELTALLM_CONFIG_PATH) must name one",
            chosen.display()
        ))),
    }
}

/// The services would refuse a wrong file too, but later and in their logs.
fn check_config(path: Option<&Path>, secrets: &Secrets, database_url: Option<&str>) -> Result<Config, UpError> {
    let environment = |name: &str| match name {
        secrets::MASTER_KEY => Some(secrets.master_key.value.expose().clone()),
        secrets::SALT_KEY => Some(secrets.salt_key.value.expose().clone()),
        DATABASE_URL => database_url.map(str::to_owned),
        _ => ProcessEnvironment.variable(name),
    };
    let checked = match path {
        Some(path) => config::check(path, &environment),
        None => config::without_file(&environment),
    };
    checked.map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(|mistake| format!("  {mistake}")).collect();
        UpError::told(format!("the configuration has mistakes:\n{}", lines.join("\n")))
    })
}
