//! The two services as something to supervise: their programs, environment, and time to stop.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    addresses::Addresses,
    error::UpError,
    home::Home,
    secrets::{self, Secrets},
    supervisor::{Readiness, Service, StopStep},
};

const READY_LIMIT: Duration = Duration::from_mins(2);
/// The admin service has no long requests; the proxy lets its clients finish first.
const ADMIN_STOP_LIMIT: Duration = Duration::from_secs(10);
/// On top of the proxy's own time to drain.
const PROXY_STOP_MARGIN: Duration = Duration::from_secs(5);

pub const PROXY: &str = "proxy";
pub const ADMIN: &str = "admin";

/// The services' programs, which come in the same folder as this one.
pub struct Programs {
    proxy: PathBuf,
    admin: PathBuf,
}

impl Programs {
    /// Both, or the name of the missing one.
    pub fn find() -> Result<Self, UpError> {
        let own = env::current_exe()
            .map_err(|error| UpError::told(format!("cannot tell where this program lies: {error}")))?;
        let folder = own.parent().unwrap_or_else(|| Path::new("/"));
        let beside = |name: &str| {
            let program = folder.join(name);
            if program.is_file() {
                return Ok(program);
            }
            Err(UpError::told(format!(
                "{name} is not beside {}. In a checkout: cargo build --release --bins; else install DeltaLLM again.",
                own.display()
            )))
        };
        Ok(Self { proxy: beside("deltallm-proxy")?, admin: beside("deltallm-admin")? })
    }
}

/// What both services are told.
pub struct Surroundings<'a> {
    pub home: &'a Home,
    pub addresses: &'a Addresses,
    pub secrets: &'a Secrets,
    /// `None`: the configuration names the database.
    pub database_url: Option<&'a str>,
    pub config: Option<&'a Path>,
    pub programs: &'a Programs,
}

impl Surroundings<'_> {
    pub fn admin(&self) -> Service {
        let mut command = self.command(&self.programs.admin);
        command.env(secrets::ADMIN_PASSWORD, self.secrets.admin_password.value.expose());
        self.service(ADMIN, command, ADMIN_STOP_LIMIT)
    }

    /// `drain`: how long the proxy gives open requests.
    pub fn proxy(&self, drain: Duration) -> Service {
        let mut command = self.command(&self.programs.proxy);
        command.env_remove(secrets::ADMIN_PASSWORD);
        self.service(PROXY, command, drain + PROXY_STOP_MARGIN)
    }

    /// Environment only: the command line of a process is for everybody to see.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("DELTALLM_HOME", self.home.root());
        for address in self.addresses.all() {
            command.env(address.variable, address.socket.to_string());
        }
        command.env("DELTALLM_ADMIN_URL", self.addresses.internal.url());
        command.env("DELTALLM_API_URL", self.addresses.api.url());
        command.env(secrets::MASTER_KEY, self.secrets.master_key.value.expose());
        command.env(secrets::SALT_KEY, self.secrets.salt_key.value.expose());
        let optional = [
            ("DATABASE_URL", self.database_url.map(OsString::from)),
            ("DELTALLM_CONFIG_PATH", self.config.map(OsString::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
    }

    fn service(&self, name: &'static str, command: Command, stop_limit: Duration) -> Service {
        Service {
            name,
            command,
            log: self.home.logs().join(format!("{name}.log")),
            readiness: Readiness::StdoutLine,
            ready_limit: READY_LIMIT,
            death_signal: Signal::TERM,
            stop: vec![StopStep { signal: Signal::TERM, limit: stop_limit }],
        }
    }
}
