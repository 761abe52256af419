//! The whole system on one machine: PostgreSQL, admin service, proxy, mock upstream.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Once;
use std::time::Duration;

use deltallm_benches::{Postgres, Service, binaries};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::books::Books;
use crate::caller::Caller;
use crate::config::{self, MASTER_KEY, SALT_KEY};
use crate::dashboard::{CreatedKey, Dashboard};
use crate::deployment::Deployment;
use crate::upstream::Upstream;
use crate::wait::eventually;

/// How long a service may take to end after SIGTERM.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Name of the system's database.
const DATABASE: &str = "deltallm";

/// What a test wants to be different.
#[derive(Default)]
pub struct SystemBuilder {
    models: Vec<Box<dyn Fn(SocketAddr) -> String>>,
    sections: String,
    is_alone: bool,
    is_without_proxy: bool,
}

impl SystemBuilder {
    /// Adds an entry to `model_list`, made with the upstream's address.
    #[must_use]
    pub fn model(mut self, entry: impl Fn(SocketAddr) -> String + 'static) -> Self {
        self.models.push(Box::new(entry));
        self
    }

    /// Adds deployments.
    #[must_use]
    pub fn deployments(self, deployments: impl IntoIterator<Item = Deployment>) -> Self {
        deployments
            .into_iter()
            .fold(self, |builder, deployment| builder.model(move |upstream| deployment.entry(upstream)))
    }

    /// Adds top-level sections to the configuration.
    #[must_use]
    pub fn sections(mut self, text: &str) -> Self {
        self.sections.push_str(text);
        self
    }

    /// Only proxy and upstream: no database, no admin service.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    /// Everything but the proxy.
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.is_without_proxy = true;
        self
    }

    /// Starts everything.
    pub async fn start(self) -> System {
        System::build();
        let folder = tempfile::Builder::new().prefix("deltallm-test-").tempdir();
        let folder = folder.expect("a temporary folder can be made");
        let upstream = Upstream::start(folder.path());
        let models: Vec<String> = self.models.iter().map(|entry| entry(upstream.address())).collect();
        let config_path = folder.path().join("config.yaml");
        let text = config::text(upstream.address(), &models, &self.sections);
        fs::write(&config_path, text).expect("the configuration can be written");
        let mut system = System { proxy: None, admin: None, postgres: None, upstream, config_path, folder };
        if !self.is_alone {
            let postgres = Postgres::start().expect("PostgreSQL starts");
            postgres.execute(&format!("CREATE DATABASE {DATABASE}")).expect("a database can be made");
            system.postgres = Some(postgres);
            system.admin = Some(system.spawn_admin(None));
        }
        if !self.is_without_proxy {
            system.proxy = Some(system.spawn_proxy("proxy"));
        }
        system
    }
}

/// A running system; ends with the value.
pub struct System {
    // In this order they are dropped: nobody loses what it depends on first.
    proxy: Option<Proxy>,
    admin: Option<Service>,
    postgres: Option<Postgres>,
    /// The provider.
    pub upstream: Upstream,
    config_path: PathBuf,
    folder: TempDir,
}

/// A running proxy.
pub struct Proxy {
    service: Service,
}

impl System {
    /// The usual system, started.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Builds the programs, once per process: a test never runs against yesterday's.
    pub fn build() {
        static BUILT: Once = Once::new();
        BUILT.call_once(|| binaries::build().expect("the programs can be built"));
    }

    /// A system with differences.
    pub fn builder() -> SystemBuilder {
        SystemBuilder::default()
    }

    fn spawn_admin(&self, addresses: Option<(SocketAddr, SocketAddr)>) -> Service {
        let mut command = self.command("deltallm-admin", "admin");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (dashboard, internal) = addresses.unwrap_or((any, any));
        command.args(["--listen", &dashboard.to_string(), "--internal-listen", &internal.to_string()]);
        command.env("DATABASE_URL", self.database_url());
        Service::start("deltallm-admin", command, self.folder.path()).expect("the admin service starts")
    }

    /// Starts a proxy that keeps its journal and its copy of the configuration in `home`.
    pub fn spawn_proxy(&self, home: &str) -> Proxy {
        let mut command = self.command("deltallm-proxy", home);
        command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        if let Some(admin) = &self.admin {
            let internal = admin.address("internal").expect("the admin service says where it listens");
            command.env("DELTALLM_ADMIN_URL", format!("http://{internal}"));
        }
        let service = Service::start("deltallm-proxy", command, self.folder.path());
        Proxy { service: service.expect("the proxy starts") }
    }

    /// Replaces the configuration file of the running services.
    pub fn rewrite_config(&self, more_models: &[String], more_sections: &str) {
        let text = config::text(self.upstream.address(), more_models, more_sections);
        fs::write(&self.config_path, text).expect("the configuration can be written");
    }

    fn command(&self, program: &str, home: &str) -> Command {
        let mut command = Command::new(binaries::path(program).expect("the program is built"));
        command.arg("--config").arg(&self.config_path);
        command
            .env_clear()
            .env("DELTALLM_HOME", self.home(home))
            .env("DELTALLM_MASTER_KEY", MASTER_KEY)
            .env("DELTALLM_SALT_KEY", SALT_KEY)
            .env("DELTALLM_LOG", std::env::var("TEST_LOG").unwrap_or_else(|_| "info".to_owned()));
        command
    }

    fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database_url(&self) -> String {
        self.postgres.as_ref().expect("the system has a database").connection_string(DATABASE)
    }

    /// The running proxy.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("the proxy runs")
    }

    /// The running proxy, to send it signals.
    pub fn proxy_mut(&mut self) -> &mut Proxy {
        self.proxy.as_mut().expect("the proxy runs")
    }

    /// The admin service's API.
    pub fn dashboard(&self) -> Dashboard {
        let admin = self.admin.as_ref().expect("the admin service runs");
        Dashboard::new(admin.address("dashboard").expect("the admin service says where it listens"))
    }

    /// What stands in the database.
    pub async fn books(&self) -> Books {
        Books::open(&self.database_url()).await
    }

    /// A caller with the given key.
    pub fn caller(&self, key: &str) -> Caller {
        Caller::new(self.proxy().api(), key)
    }

    /// A caller with a new key, once the proxy knows it.
    pub async fn caller_with_new_key(&self, name: &str) -> (Caller, CreatedKey) {
        let created = self.dashboard().create_key(name).await;
        let caller = self.caller(&created.key);
        self.wait_for_key(&caller).await;
        (caller, created)
    }

    /// Waits until the proxy takes a key.
    pub async fn wait_for_key(&self, caller: &Caller) {
        eventually("a new key is known to the proxy", || async {
            (caller.get("/v1/models").await.status == 200).then_some(())
        })
        .await;
    }

    /// Ends the admin service, and returns where it was.
    pub fn stop_admin(&mut self) -> (SocketAddr, SocketAddr) {
        let mut admin = self.admin.take().expect("the admin service runs");
        let addresses = (
            admin.address("dashboard").expect("the admin service says where it listens"),
            admin.address("internal").expect("the admin service says where it listens"),
        );
        admin.stop(STOP_PATIENCE).expect("the admin service ends on SIGTERM");
        addresses
    }

    /// Starts the admin service again where it was.
    pub fn restart_admin(&mut self, addresses: (SocketAddr, SocketAddr)) {
        self.admin = Some(self.spawn_admin(Some(addresses)));
    }

    /// SIGKILL to the proxy, then a new one with the same home.
    pub fn crash_proxy(&mut self) {
        self.proxy_mut().service.kill().expect("the proxy can be killed");
        self.proxy = Some(self.spawn_proxy("proxy"));
    }

    /// SIGTERM to the proxy, then a new one with the same home, where `admin_url` says.
    pub fn restart_proxy_without_admin(&mut self, admin_was_at: SocketAddr) {
        let mut old = self.proxy.take().expect("the proxy runs");
        old.service.stop(STOP_PATIENCE).expect("the proxy ends on SIGTERM");
        let mut command = self.command("deltallm-proxy", "proxy");
        command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        command.env("DELTALLM_ADMIN_URL", format!("http://{admin_was_at}"));
        let service = Service::start("deltallm-proxy", command, self.folder.path());
        self.proxy = Some(Proxy { service: service.expect("the proxy starts without the admin service") });
    }

    /// Breaks every connection to the database and takes no new ones.
    pub fn stop_database(&mut self) {
        self.postgres.as_mut().expect("the system has a database").pause().expect("PostgreSQL stops");
    }

    /// Brings the database back.
    pub fn start_database(&mut self) {
        self.postgres.as_mut().expect("the system has a database").resume().expect("PostgreSQL starts");
    }

    /// Everything the two services wrote so far, for what must not stand in it.
    pub fn logs(&self) -> String {
        let logs = ["deltallm-proxy.log", "deltallm-admin.log"];
        let logs = logs.map(|name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default());
        logs.concat()
    }
}

impl Proxy {
    /// Where the API is.
    pub fn api(&self) -> SocketAddr {
        self.service.address("api").expect("the proxy says where its API is")
    }

    /// Where metrics and health are.
    pub fn ops(&self) -> SocketAddr {
        self.service.address("ops").expect("the proxy says where its ops are")
    }

    /// SIGTERM, without waiting.
    pub fn ask_to_stop(&self) {
        self.service.signal(Signal::TERM).expect("the proxy takes SIGTERM");
    }

    /// Waits for the end.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        self.service.wait(STOP_PATIENCE).expect("the proxy ends")
    }
}
