//! Start and stop. In order: the configuration is read and judged; ports are bound; the database is waited for and migrated;
//! the service says it is ready; it serves until it is told to stop.
//!
//! A database that is away at the start is waited for with the ports open, so that health checks see what is going on. A
//! database that must not be touched (another version has been there) ends the process.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use deltallm_shared::{
    config::{self, Config, ProcessEnvironment, WatchedFile},
    crypto::{SaltKey, check_strength},
    log,
    secret::Secret,
};
use parking_lot::RwLock;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    app,
    auth::{Role, password},
    config_stream::hub::Hub,
    database::Database,
    error::{AdminError, describe},
    jobs,
    metrics::Metrics,
    middleware,
    migrate::{self, MigrateError},
    options::Options,
    repository::{change, user, user::UserRow},
    state::State,
};

const DEFAULT_CONFIG: &str = "config.yaml";
const BOOTSTRAP_EMAIL: &str = "admin@deltallm.local";
/// How long the ready line waits for the database: after that it is said anyway, with the database still away.
const READY_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
const DRAIN: u64 = 10;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const HEADER_WITHIN: Duration = Duration::from_secs(10);

/// Runs the service until it is told to stop. The error is one text for the person who started it.
pub async fn run(options: Options) -> Result<(), String> {
    log::start(&["actix_server=warn", "actix_http=warn", "tokio_postgres=warn"]);
    let config_path = config_path(options.config.clone());
    // Looked at before it is read: what changes from here on is seen, however long the database keeps the service waiting.
    let mut watched = config_path.clone().map(WatchedFile::new);
    let config = read_config(config_path.as_deref())?;
    let secrets = secrets(&options, &config)?;
    let database = Database::new(&secrets.database_url)?;
    let (stop, stopping) = watch::channel(false);
    let salt = SaltKey::new(&secrets.salt_key).map_err(|error| format!("DELTALLM_SALT_KEY cannot be used: {error}"))?;
    let state = Arc::new(State {
        database,
        config: RwLock::new(Arc::new(config)),
        master_key: secrets.master_key,
        internal_token: salt.internal_token(),
        key_hasher: salt.key_hasher(),
        secret_box: salt.secret_box(),
        hub: Arc::new(Hub::default()),
        live: crate::live::LiveRequests::default(),
        metrics: Metrics::default(),
        login_limit: crate::auth::login_limit::LoginLimit::default(),
        api_url: options.api_url.clone(),
        http: http_client()?,
        stopping: stopping.clone(),
    });
    let (public, public_address) = bind(options.listen, "DELTALLM_ADMIN_LISTEN")?;
    let (internal, internal_address) = bind(options.internal_listen, "DELTALLM_INTERNAL_LISTEN")?;
    let public = public_server(state.clone(), public)?;
    let internal = internal_server(state.clone(), internal)?;
    let handles = [public.handle(), internal.handle()];
    let servers = [tokio::spawn(public), tokio::spawn(internal)];

    let mut preparing = tokio::spawn(prepare(state.clone(), options.admin_password));
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut result = Ok(());
    let mut is_prepared = false;
    let mut is_announced = false;
    let ready_at = tokio::time::sleep(READY_WITHIN);
    tokio::pin!(ready_at);
    loop {
        tokio::select! {
            prepared = &mut preparing, if !is_prepared => {
                is_prepared = true;
                match prepared {
                    Ok(Ok(())) => {
                        tokio::spawn(state.hub.clone().follow(state.clone(), stopping.clone()));
                        tokio::spawn(jobs::run(state.clone(), stopping.clone()));
                        if let Some(file) = watched.take() {
                            tokio::spawn(jobs::reload(state.clone(), file, stopping.clone()));
                        }
                        if !is_announced {
                            is_announced = true;
                            announce(public_address, internal_address);
                        }
                    }
                    Ok(Err(refusal)) => { result = Err(refusal); break }
                    Err(error) => { result = Err(error.to_string()); break }
                }
            }
            () = &mut ready_at, if !is_announced => {
                is_announced = true;
                announce(public_address, internal_address);
            }
            _ = terminate.recv() => { tracing::info!("SIGTERM: stopping"); break }
            _ = interrupt.recv() => { tracing::info!("SIGINT: stopping"); break }
        }
    }
    // Long answers end first, then the servers wait for the short ones.
    let _ = stop.send(true);
    for handle in handles {
        handle.stop(true).await;
    }
    for server in servers {
        let _ = server.await;
    }
    state.database.close();
    tracing::info!("stopped");
    result
}

fn config_path(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| path.exists()))
}

fn read_config(path: Option<&Path>) -> Result<Config, String> {
    let read = match path {
        Some(path) => config::check(path, &ProcessEnvironment),
        None => config::without_file(&ProcessEnvironment),
    };
    let config = read.map_err(|diagnostics| {
        let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        format!("the configuration cannot be used:\n{}", lines.join("\n"))
    })?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

struct Secrets {
    database_url: Secret<String>,
    master_key: Secret<String>,
    salt_key: Secret<String>,
}

/// The environment's word first, then the file's.
fn secrets(options: &Options, config: &Config) -> Result<Secrets, String> {
    let general = &config.general;
    let take = |given: &Option<Secret<String>>, filed: &Option<Secret<String>>, name: &str| {
        let given = given.as_ref().filter(|secret| !secret.expose().is_empty());
        given
            .or(filed.as_ref())
            .cloned()
            .ok_or_else(|| format!("{name} is not set; `deltallm up` makes one, or set it yourself"))
    };
    let secrets = Secrets {
        database_url: take(&options.database_url, &general.database_url, "DATABASE_URL")?,
        master_key: take(&options.master_key, &general.master_key, "DELTALLM_MASTER_KEY")?,
        salt_key: take(&options.salt_key, &general.salt_key, "DELTALLM_SALT_KEY")?,
    };
    check_strength(secrets.master_key.expose())
        .map_err(|error| format!("DELTALLM_MASTER_KEY cannot be used: {error}"))?;
    Ok(secrets)
}

fn http_client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .map_err(|error| format!("the HTTP client cannot be built: {error}"))
}

fn bind(address: SocketAddr, variable: &str) -> Result<(TcpListener, SocketAddr), String> {
    let wrong =
        |error: std::io::Error| format!("{address} cannot be listened on: {error}; choose another with {variable}");
    let listener = TcpListener::bind(address).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    let bound = listener.local_addr().map_err(wrong)?;
    Ok((listener, bound))
}

fn public_server(state: Arc<State>, listener: TcpListener) -> Result<Server, String> {
    let state = web::Data::from(state);
    let build = move || {
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(middleware::refuse_cross_site))
            .wrap(from_fn(middleware::harden))
            .wrap(from_fn(middleware::observe))
            .configure(app::public)
    };
    let server = HttpServer::new(build).keep_alive(KEEP_ALIVE).client_request_timeout(HEADER_WITHIN);
    let server = server.shutdown_timeout(DRAIN).disable_signals().workers(workers(4)).listen(listener);
    Ok(server.map_err(|error| error.to_string())?.run())
}

fn internal_server(state: Arc<State>, listener: TcpListener) -> Result<Server, String> {
    let state = web::Data::from(state);
    let build = move || App::new().app_data(state.clone()).wrap(from_fn(middleware::observe)).configure(app::internal);
    let server = HttpServer::new(build).keep_alive(KEEP_ALIVE).client_request_timeout(HEADER_WITHIN);
    let server = server.shutdown_timeout(DRAIN).disable_signals().workers(workers(2)).listen(listener);
    Ok(server.map_err(|error| error.to_string())?.run())
}

fn workers(most: usize) -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(most)
}

/// The one line on standard output, for whoever started us.
fn announce(public: SocketAddr, internal: SocketAddr) {
    let mut out = std::io::stdout();
    // Nobody reading it is no reason to stop.
    let _ = writeln!(out, "ready deltallm-admin dashboard={public} internal={internal}");
    let _ = out.flush();
}

/// Waits for the database and brings its schema up to date. An error is one that waiting does not mend.
async fn prepare(state: Arc<State>, admin_password: Option<Secret<String>>) -> Result<(), String> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match migrate_once(&state).await {
            Ok(()) => break,
            Err(MigrateError::Refused(why)) => return Err(why),
            Err(MigrateError::Database(error)) => {
                let (place, waited_s) = (state.database.place(), started.elapsed().as_secs());
                tracing::warn!(
                    database = place,
                    waited_s,
                    error = describe(&error),
                    "the database is not there yet; trying again"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    while let Err(error) = state.hub.start(&state.database).await {
        tracing::warn!(%error, "the database went away again; trying again");
        tokio::time::sleep(LONGEST_PAUSE).await;
    }
    state.database.mark_schema_ready();
    tracing::info!(database = state.database.place(), "the database is ready");
    match make_first_account(&state, admin_password).await {
        Ok(()) => Ok(()),
        Err(error @ AdminError::DatabaseAway(_)) => {
            tracing::error!(%error, "the first account could not be looked for; log in with the master key");
            Ok(())
        }
        Err(error) => Err(format!("the first account cannot be made: {error}")),
    }
}

async fn migrate_once(state: &State) -> Result<(), MigrateError> {
    let (mut client, driver) = state.database.connect().await?;
    let driver = tokio::spawn(driver);
    let result = migrate::run(&mut client).await;
    drop(client);
    driver.abort();
    result
}

/// The account of the first start, where its password is given and there is no account at all.
async fn make_first_account(state: &State, given: Option<Secret<String>>) -> Result<(), AdminError> {
    let Some(secret) = given.filter(|secret| !secret.expose().is_empty()) else { return Ok(()) };
    let mut client = state.database.client().await?;
    if user::exists_any(&client).await? {
        return Ok(());
    }
    password::check("DELTALLM_ADMIN_PASSWORD", &secret)?;
    let hash = password::hash(secret).await?;
    let row = UserRow::new(BOOTSTRAP_EMAIL.to_owned(), None, Role::Admin, None);
    let transaction = client.transaction().await?;
    match user::insert(&transaction, &row, &hash).await {
        Ok(()) => {}
        // Another replica was faster.
        Err(AdminError::Caller(_)) => return Ok(()),
        Err(error) => return Err(error),
    }
    change::upsert(&transaction, &deltallm_shared::control::Entity::User(row.record())).await?;
    transaction.commit().await?;
    tracing::info!(email = BOOTSTRAP_EMAIL, "made the first account");
    Ok(())
}
