//! The command line of `deltallm-admin`; every option has an environment name.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use deltallm_shared::secret::Secret;

/// The DeltaLLM control plane: owns PostgreSQL, feeds the proxies, serves the dashboard.
#[derive(Debug, Parser)]
#[command(name = "deltallm-admin", version)]
pub struct Options {
    /// The configuration file; without one, `config.yaml` here if it exists.
    #[arg(long, env = "DELTALLM_CONFIG_PATH", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where the dashboard and its API listen. Port 0 takes a free one.
    #[arg(long, env = "DELTALLM_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4001")]
    pub listen: SocketAddr,

    /// Where the proxies fetch their configuration and post their events. Never make it public.
    #[arg(long, env = "DELTALLM_INTERNAL_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4003")]
    pub internal_listen: SocketAddr,

    /// PostgreSQL 15 or newer, as a URL or as `host=… user=… dbname=…`.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<Secret<String>>,

    /// Where the dashboard finds the proxy's API, to try a model.
    #[arg(long, env = "DELTALLM_API_URL", value_name = "URL", default_value = "http://127.0.0.1:4000")]
    pub api_url: String,

    /// The key that may do everything.
    #[arg(long, env = "DELTALLM_MASTER_KEY", value_name = "KEY", hide_env_values = true)]
    pub master_key: Option<Secret<String>>,

    /// The secret that every other one here is derived from.
    #[arg(long, env = "DELTALLM_SALT_KEY", value_name = "KEY", hide_env_values = true)]
    pub salt_key: Option<Secret<String>>,

    /// Password of the first dashboard account, `admin@deltallm.local`; used once, while there is no account.
    #[arg(long, env = "DELTALLM_ADMIN_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub admin_password: Option<Secret<String>>,

    /// Prints the OpenAPI document and ends.
    #[arg(long)]
    pub print_openapi: bool,
}
