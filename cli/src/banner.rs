//! What the operator reads once everything runs.

use std::fmt;

use deltallm_shared::config::Config;

use crate::{
    addresses::Addresses,
    home::Home,
    postgres::Embedded,
    secrets::{self, Held, Origin, Secrets},
};

/// The account that the dashboard starts with.
const ADMIN_EMAIL: &str = "admin@deltallm.local";
/// Answers by itself, without any provider.
const MOCK_MODEL: &str = "mock/echo";

/// Addresses, credentials, and a request that works as it stands.
pub struct Banner<'a> {
    pub home: &'a Home,
    pub addresses: &'a Addresses,
    pub secrets: &'a Secrets,
    pub config: &'a Config,
    pub embedded: Option<&'a Embedded>,
}

impl Banner<'_> {
    /// A model that this configuration has, the mock if possible.
    fn model(&self) -> Option<&str> {
        let mut names = self.config.deployments.iter().map(|deployment| deployment.record.model_name.as_str());
        names.clone().find(|name| *name == MOCK_MODEL).or_else(|| names.next())
    }

    /// A secret in clear text only when nobody has seen it yet.
    fn shown(&self, held: &Held, variable: &str) -> String {
        match held.origin {
            Origin::New => held.value.expose().clone(),
            Origin::File => format!("as before, {variable} in {}", self.home.secrets().display()),
            Origin::Environment => format!("${variable} of your environment"),
            Origin::Configuration => "as your configuration says".to_owned(),
        }
    }

    /// The master key as a shell writes it into a command.
    fn key_in_shell(&self) -> String {
        match self.secrets.master_key.origin {
            Origin::New => self.secrets.master_key.value.expose().clone(),
            Origin::File => {
                let file = self.home.secrets().display().to_string().replace('\'', r"'\''");
                format!("$(sed -n 's/^{}=//p' '{file}')", secrets::MASTER_KEY)
            }
            Origin::Environment | Origin::Configuration => format!("${}", secrets::MASTER_KEY),
        }
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (api, dashboard) = (self.addresses.api.url(), self.addresses.dashboard.url());
        let Secrets { master_key, admin_password, .. } = self.secrets;
        writeln!(f, "\nDeltaLLM {} is up.\n", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "  API         {api}/v1")?;
        writeln!(f, "  Dashboard   {dashboard}")?;
        writeln!(f, "  Sign in     {ADMIN_EMAIL}")?;
        writeln!(f, "  Password    {}", self.shown(admin_password, secrets::ADMIN_PASSWORD))?;
        writeln!(f, "  Master key  {}", self.shown(master_key, secrets::MASTER_KEY))?;
        if [master_key, admin_password].iter().any(|held| held.origin == Origin::New) {
            writeln!(f, "\n  Shown this once; kept in {}", self.home.secrets().display())?;
        }
        match self.embedded {
            Some(embedded) => {
                writeln!(
                    f,
                    "\n  Database    PostgreSQL {} of its own in {}",
                    embedded.major,
                    embedded.data().display()
                )?;
            }
            None => writeln!(f, "\n  Database    yours, by DATABASE_URL or the configuration")?,
        }
        writeln!(f, "  Logs        {}\n", self.home.logs().display())?;
        match self.model() {
            Some(model) => {
                writeln!(f, "Try it:\n\n  curl {api}/v1/chat/completions \\")?;
                writeln!(
                    f,
                    "    -H \"Authorization: Bearer {}\" -H 'Content-Type: application/json' \\",
                    self.key_in_shell()
                )?;
                writeln!(
                    f,
                    "    -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n"
                )?;
            }
            None => writeln!(f, "No model is configured yet: add one in the dashboard.\n")?,
        }
        writeln!(f, "Ctrl-C stops it.\n")
    }
}
