//! The `DeltaLLM` proxy as it is measured: a key with limits and a budget, accounting and metrics on.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::affinity::{self, Cores};
use super::postgres::Postgres;
use super::service::Service;
use super::{admin_call, binaries};

/// Secrets of a run; they open nothing but its own processes.
const VIRTUAL_KEY: &str = "sk-benchbenchbenchbenchbenchbenchbenchbenchbench";
pub const MASTER_KEY: &str = "sk-master-of-one-bench-run-0f3a9c41";
const SALT_KEY: &str = "salt-of-one-bench-run-5b1e07d2c4a94f6e83";

/// A proxy to measure, and what it needs to run.
pub struct Proxy {
    pub service: Service,
    pub key: String,
    /// Kept running for as long as the proxy is.
    pub others: Option<(Service, Postgres)>,
}

/// A stand-alone proxy: models, key and limits stand in its file.
pub fn start_alone(folder: &Path, upstream: SocketAddr, cores: Cores) -> Result<Proxy, String> {
    let keys = format!(
        "keys:
  - name: bench
    key: {VIRTUAL_KEY}
    models: [gpt-4o-mini, claude-sonnet-4-5]
    max_budget: 1000000.0
    budget_duration: 30d
    rpm_limit: 1000000000
    tpm_limit: 1000000000000
"
    );
    let config = write_config(folder, upstream, &keys)?;
    let service =
        affinity::on_core(cores.target, || Service::start("deltallm-proxy", proxy_command(folder, &config)?, folder))?;
    Ok(Proxy { service, key: VIRTUAL_KEY.to_owned(), others: None })
}

/// The proxy with the admin service and PostgreSQL, which run on the other core: what the proxy
/// pays for them (configuration stream, shipping events) is in its own bill.
pub fn start_full(folder: &Path, upstream: SocketAddr, cores: Cores) -> Result<Proxy, String> {
    let config = write_config(folder, upstream, "")?;
    let (admin, postgres) = affinity::on_core(cores.load, || {
        let postgres = Postgres::start()?;
        postgres.execute("CREATE DATABASE deltallm")?;
        let mut command = command("deltallm-admin", folder, &config)?;
        command.args(["--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", postgres.connection_string("deltallm"));
        Ok((Service::start("deltallm-admin", command, folder)?, postgres))
    })?;
    let internal = admin.address("internal")?;
    let service = affinity::on_core(cores.target, || {
        let mut command = proxy_command(folder, &config)?;
        command.env("DELTALLM_ADMIN_URL", format!("http://{internal}"));
        Service::start("deltallm-proxy", command, folder)
    })?;
    let key = admin_call::create_key(admin.address("dashboard")?)?;
    admin_call::wait_for_key(service.address("api")?, &key)?;
    Ok(Proxy { service, key, others: Some((admin, postgres)) })
}

fn proxy_command(folder: &Path, config: &Path) -> Result<Command, String> {
    let mut command = command("deltallm-proxy", folder, config)?;
    command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
    Ok(command)
}

fn command(program: &str, folder: &Path, config: &Path) -> Result<Command, String> {
    let mut command = Command::new(binaries::path(program)?);
    command.arg("--config").arg(config);
    command
        .env_clear()
        .env("DELTALLM_HOME", folder.join(program))
        .env("DELTALLM_MASTER_KEY", MASTER_KEY)
        .env("DELTALLM_SALT_KEY", SALT_KEY)
        .env("DELTALLM_LOG", "warn");
    Ok(command)
}

fn write_config(folder: &Path, upstream: SocketAddr, keys: &str) -> Result<std::path::PathBuf, String> {
    let path = folder.join("config.yaml");
    let text = format!(
        "model_list:
  - model_name: gpt-4o-mini
    deltallm_params:
      model: openai/gpt-4o-mini
      api_key: sk-upstream-of-one-bench-run
      api_base: http://{upstream}/v1
    model_info:
      mode: chat
      input_cost_per_token: 0.00000015
      output_cost_per_token: 0.0000006
  - model_name: claude-sonnet-4-5
    deltallm_params:
      model: anthropic/claude-sonnet-4-5
      api_key: sk-upstream-of-one-bench-run
      api_base: http://{upstream}
general_settings:
  master_key: os.environ/DELTALLM_MASTER_KEY
{keys}"
    );
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
