//! From arguments and configuration to a running server. The only place that knows all concrete types.
//!
//! No port is bound before the configuration is valid.

mod control;
mod stop_signal;

use std::{
    fmt,
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use deltallm_shared::{
    config::{self, Config, Diagnostic, Environment, ProcessEnvironment, WatchedFile},
    crypto::{CryptoError, SaltKey, check_strength, random_text},
    secret::Secret,
};
use parking_lot::Mutex;
use pingora::{
    apps::HttpServerOptions,
    listeners::{ListenerConfig, TcpSocketOptions},
    proxy::http_proxy,
    server::{RunArgs, Server, configuration::ServerConf},
    services::listening::Service,
};

use self::{control::Control, stop_signal::StopSignal};
use crate::{
    accounting::{
        Accounts,
        journal::{Journal, JournalError},
        token_counter::TokenCounter,
    },
    credentials::TokenClient,
    gateway::Gateway,
    health::{
        HealthLog, ToAll, active_check::ActiveChecks, checker::Checker, redis_link::RedisLink, shared::SharedHealth,
    },
    lifecycle::Lifecycle,
    listen::{self, Reserved},
    mirror::Mirrors,
    mock::{MockProvider, SocketFile},
    net::{
        exchange::Exchanges,
        header_deadline::{FirstBytesDeadline, HeaderDeadline},
        peer::Peers,
        spool::Spool,
    },
    ops::Ops,
    queueing::Queueing,
    routing::HealthNews,
    snapshot::{
        Live,
        store::{Keyring, Store},
    },
    stages::{authenticate::Credentials, read_upload::Uploads},
    telemetry::metrics::Metrics,
};

/// What all uploads under way may take of the disk, in uploads of the largest size.
const UPLOADS_AT_ONCE: u64 = 4;
/// Connections to providers that are kept for later requests.
const POOLED_CONNECTIONS: usize = 1024;
/// The same for active checks.
const CHECKS_POOLED: usize = 8;
/// Attempts of one request, stale connections included.
const MAX_ATTEMPTS: usize = 64;
/// How long the ready line waits for the first configuration of the admin service.
const FIRST_CONFIGURATION: Duration = Duration::from_secs(5);
const H2_IDLE: Duration = Duration::from_mins(5);

/// What `main` read from the command line and the environment.
pub struct Options {
    /// `config.yaml`; `None`: the environment's models only.
    pub config: Option<PathBuf>,
    /// Where data is kept.
    pub home: PathBuf,
    /// The API's address.
    pub api: SocketAddr,
    /// The operator's address.
    pub ops: SocketAddr,
    /// Serving threads.
    pub threads: usize,
}

/// Why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// What is wrong in the file, line by line.
    #[error("{}", Lines(.0))]
    Config(Vec<Diagnostic>),
    /// A secret that protects nothing.
    #[error("{0}: {1}")]
    Secret(&'static str, CryptoError),
    /// With an admin service both sides need the same salt key.
    #[error("DELTALLM_SALT_KEY is not set; it must be the admin service's")]
    NoSaltKey,
    /// An address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// See [`JournalError`].
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file or thread.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The client for the admin service.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The address of Redis.
    #[error("REDIS_URL: {0}")]
    Redis(String),
    /// Pingora.
    #[error("the server cannot be made: {0}")]
    Server(String),
}

struct Lines<'a>(&'a [Diagnostic]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            write!(f, "{}{diagnostic}", if at > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

/// Runs the proxy until it is told to stop.
pub fn run(options: Options) -> Result<(), BootError> {
    let environment = ProcessEnvironment;
    // Looked at before it is read, so that no change falls between.
    let watched = options.config.clone().map(WatchedFile::new);
    let config = load(options.config.as_deref(), &environment)?;
    let admin_url = environment.variable("DELTALLM_ADMIN_URL").or_else(|| config.general.admin_url.clone());
    let master_key = master_key(&config, &environment)?;
    let salt = salt_key(&config, &environment, admin_url.is_some())?;

    let api = reserve(options.api)?;
    let ops = reserve(options.ops)?;

    std::fs::create_dir_all(&options.home)?;
    let accounts = open_accounts(&options.home, &config, admin_url.is_some())?;
    let live = Arc::new(Live::default());
    let lifecycle = Arc::new(Lifecycle::default());
    let config = Arc::new(config);
    let keyring = Keyring { hasher: salt.key_hasher(), secret_box: salt.secret_box() };
    let store = Arc::new(Mutex::new(Store::new(Arc::clone(&live), keyring.clone(), Arc::clone(&config))));

    let mock_socket = SocketFile::in_home(&options.home)?;
    let redis = redis_link(&config, &environment, &accounts)?.map(|link| Arc::new(tokio::sync::Mutex::new(link)));
    let shared = match &redis {
        Some(link) => Some((Arc::new(SharedHealth::new(Arc::clone(&live), replica_name()?)), Arc::clone(link))),
        None => None,
    };
    let queueing = Arc::new(Queueing::new(Arc::clone(&accounts.metrics)));
    let mut health_news: Vec<Arc<dyn HealthNews>> = vec![Arc::new(HealthLog), Arc::clone(&queueing) as _];
    health_news.extend(shared.iter().map(|(shared, _)| Arc::clone(shared) as Arc<dyn HealthNews>));
    let health_news: Arc<dyn HealthNews> = Arc::new(ToAll(health_news));
    let allow_private: Arc<[_]> = config.general.egress_allow_private.clone().into();
    // With connections of their own: those of the serving threads belong to other runtimes.
    let checks = ActiveChecks {
        live: Arc::clone(&live),
        checker: Checker {
            exchanges: Exchanges::new(
                Arc::new(Peers::new(Arc::clone(&allow_private), mock_socket.path().to_owned())),
                TokenClient::new(allow_private)?,
                CHECKS_POOLED,
            ),
            accounts: accounts.clone(),
            news: Arc::clone(&health_news),
        },
        news: Arc::clone(&health_news),
        lease: redis,
        under_way: Mutex::default(),
    };

    let control = Control {
        watched,
        options: &options,
        admin_url,
        salt: &salt,
        store,
        lifecycle: &lifecycle,
        accounts: &accounts,
        shared_health: shared,
        checks: Arc::new(checks),
    };
    control.start()?;

    let max_upload = config.general.max_upload_bytes;
    let tokens = TokenClient::new(config.general.egress_allow_private.clone().into())?;
    let peers = Peers::new(config.general.egress_allow_private.clone().into(), mock_socket.path().to_owned());
    let peers = Arc::new(peers);
    let exchanges = Arc::new(Exchanges::new(Arc::clone(&peers), tokens.clone(), POOLED_CONNECTIONS));
    let mirrors =
        Mirrors::new(Arc::clone(&exchanges), accounts.clone(), Arc::clone(&lifecycle), Arc::clone(&health_news));
    let gateway = Gateway {
        live: Arc::clone(&live),
        credentials: Credentials { hasher: keyring.hasher, master_key },
        accounts: accounts.clone(),
        lifecycle: Arc::clone(&lifecycle),
        tokens,
        peers,
        exchanges,
        mirrors,
        client: config.general.client,
        max_request_body_bytes: config.general.max_request_body_bytes,
        health_news,
        queueing,
        uploads: Uploads {
            spool: Spool::in_home(&options.home, max_upload.saturating_mul(UPLOADS_AT_ONCE))?,
            max_bytes: max_upload,
        },
        owner_seal: salt.owner_seal(),
    };
    let stop = StopSignal {
        lifecycle: Arc::clone(&lifecycle),
        drain: config.general.client.drain,
        accounts: accounts.clone(),
    };
    let readiness = Arc::clone(&lifecycle);
    let server = server(
        &options,
        gateway,
        Ops { accounts: accounts.clone(), lifecycle, live },
        [&api, &ops],
        mock_socket.path(),
    )?;
    announce(api, ops, readiness)?;
    server.run(RunArgs { shutdown_signal: Box::new(stop) });
    accounts.counter.flush();
    accounts.journal.sync()?;
    tracing::info!("stopped");
    Ok(())
}

fn load(path: Option<&Path>, environment: &dyn Environment) -> Result<Config, BootError> {
    let config = match path {
        Some(path) => config::check(path, environment),
        None => config::without_file(environment),
    };
    let config = config.map_err(BootError::Config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

fn master_key(config: &Config, environment: &dyn Environment) -> Result<Option<Secret<String>>, BootError> {
    let from_environment = environment.variable("DELTALLM_MASTER_KEY").map(Secret::new);
    // The environment above the file, as in the admin service.
    let key = from_environment.or_else(|| config.general.master_key.clone());
    if let Some(key) = &key {
        check_strength(key.expose()).map_err(|error| BootError::Secret("DELTALLM_MASTER_KEY", error))?;
    }
    Ok(key)
}

fn salt_key(config: &Config, environment: &dyn Environment, has_admin: bool) -> Result<SaltKey, BootError> {
    let from_environment = environment.variable("DELTALLM_SALT_KEY").map(Secret::new);
    match from_environment.or_else(|| config.general.salt_key.clone()) {
        Some(key) => SaltKey::new(&key).map_err(|error| BootError::Secret("DELTALLM_SALT_KEY", error)),
        None if has_admin => Err(BootError::NoSaltKey),
        // Alone, the keys stand in the file and their hashes live as long as the process.
        None => SaltKey::ephemeral().map_err(|error| BootError::Secret("a key for this process", error)),
    }
}

/// Redis, where the environment or the file names one; the environment above the file.
fn redis_link(
    config: &Config,
    environment: &dyn Environment,
    accounts: &Accounts,
) -> Result<Option<RedisLink>, BootError> {
    let from_environment = environment.variable("REDIS_URL").filter(|url| !url.is_empty()).map(Secret::new);
    let url = from_environment.or_else(|| config.general.redis_url.clone());
    let link = url.map(|url| RedisLink::new(&url, Arc::clone(&accounts.metrics))).transpose();
    link.map_err(|error| BootError::Redis(error.to_string()))
}

/// A name that no other replica has.
fn replica_name() -> Result<String, BootError> {
    random_text(16).map_err(|error| BootError::Secret("a name for this process", error))
}

fn reserve(address: SocketAddr) -> Result<Reserved, BootError> {
    listen::reserve(address).map_err(|error| BootError::Listen(address, error))
}

/// Opens the journal and settles what an earlier process left open, by its last record.
fn open_accounts(home: &Path, config: &Config, is_shipped: bool) -> Result<Accounts, BootError> {
    let (journal, replayed) = Journal::open(&home.join("journal"), config.general.journal, is_shipped)?;
    let journal = Arc::new(journal);
    if replayed.torn_bytes > 0 {
        tracing::warn!(bytes = replayed.torn_bytes, "the journal ends in a torn record, as it does after a power cut");
    }
    for event in &replayed.interrupted {
        journal.settle(event)?;
    }
    if !replayed.interrupted.is_empty() || replayed.undelivered > 0 {
        let (interrupted, undelivered) = (replayed.interrupted.len(), replayed.undelivered);
        tracing::info!(interrupted, undelivered, "the journal of an earlier process was taken over");
    }
    journal.start_syncing()?;
    let metrics = Arc::new(Metrics::new());
    let counter = TokenCounter::start(Arc::clone(&journal), Arc::clone(&metrics))?;
    Ok(Accounts { journal, counter, metrics })
}

fn server(
    options: &Options,
    gateway: Gateway,
    operations: Ops,
    [api, ops]: [&Reserved; 2],
    mock_socket: &Path,
) -> Result<Server, BootError> {
    let conf = ServerConf {
        threads: options.threads,
        max_retries: MAX_ATTEMPTS,
        upstream_keepalive_pool_size: POOLED_CONNECTIONS,
        // The drain is done before Pingora hears of the signal.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let limits = gateway.client;
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();

    let mut proxy = http_proxy(&server.configuration, gateway);
    let mut http = HttpServerOptions::default();
    http.h2c = true;
    http.h2_idle_timeout = Some(H2_IDLE);
    proxy.server_options = Some(http);
    let mut api_service =
        Service::new("api".to_owned(), FirstBytesDeadline::new(HeaderDeadline::new(proxy, limits), limits));
    api_service.add_listener(listener(api));
    server.add_service(api_service);

    let mut ops_service = Service::new("ops".to_owned(), operations);
    ops_service.threads = Some(1);
    ops_service.add_listener(listener(ops));
    server.add_service(ops_service);

    let path =
        mock_socket.to_str().ok_or_else(|| BootError::Server("the temporary folder's name is not UTF-8".to_owned()))?;
    let mut mock_service = Service::new("mock provider".to_owned(), MockProvider::default());
    mock_service.threads = Some(1);
    mock_service.add_uds(path, Some(Permissions::from_mode(0o600)));
    server.add_service(mock_service);
    Ok(server)
}

fn listener(reserved: &Reserved) -> ListenerConfig {
    let mut options = TcpSocketOptions::default();
    options.so_reuseport = Some(true);
    ListenerConfig::tcp(reserved.address.to_string()).tcp_socket_options(options)
}

/// Says on standard output where the services are, once they are and know what to serve; without a word from the admin service
/// after a while all the same, because the file's models and keys are served already.
fn announce(api: Reserved, ops: Reserved, lifecycle: Arc<Lifecycle>) -> Result<(), BootError> {
    std::thread::Builder::new().name("announce".to_owned()).spawn(move || {
        let opened =
            [&api, &ops].iter().all(|reserved| listen::wait_until_open(reserved.address, Duration::from_secs(30)));
        lifecycle.wait_until_ready(FIRST_CONFIGURATION);
        if opened {
            use std::io::Write;
            let line = format!("ready deltallm-proxy api={} ops={}\n", api.address, ops.address);
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
        drop((api, ops));
    })?;
    Ok(())
}
