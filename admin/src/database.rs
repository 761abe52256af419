//! The way to PostgreSQL: one pool for requests, single connections for migrations and for listening.
//!
//! Nothing here waits for long: a database that is away or frozen turns into 503 within seconds, and back into answers as soon
//! as it is there again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use deadpool_postgres::{Client, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use deltallm_shared::secret::Secret;
use tokio_postgres::{Connection, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{database_tls, error::AdminError};

const POOL_CONNECTIONS: usize = 16;
/// For this service's own work, so that a revoked key reaches the proxies however busy the others are.
const RESERVED_CONNECTIONS: usize = 2;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const WAIT_TIMEOUT: Duration = Duration::from_secs(4);
const RECYCLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Bounds on the server's side. Set per connection rather than in the startup packet, which poolers in between refuse.
const SESSION_SETTINGS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '30s'; SET timezone = 'UTC'";

/// The database, which may be away.
pub struct Database {
    pool: Pool,
    reserved: Pool,
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    is_schema_ready: AtomicBool,
}

/// The half of a connection that has to be polled.
pub type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Database {
    /// Reads the address and builds an empty pool; connects to nothing yet.
    pub fn new(url: &Secret<String>) -> Result<Self, String> {
        let (mut config, tls) = database_tls::read(url.expose())?;
        config
            .application_name("deltallm-admin")
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        let pool = |size| build_pool(&config, &tls, size);
        let (pool, reserved) = (pool(POOL_CONNECTIONS)?, pool(RESERVED_CONNECTIONS)?);
        Ok(Self { pool, reserved, config, tls, is_schema_ready: AtomicBool::new(false) })
    }

    /// A connection for one request. Refused until the schema is the one that this binary was written for.
    pub async fn client(&self) -> Result<Client, AdminError> {
        if !self.is_schema_ready() {
            return Err(AdminError::DatabaseAway("the schema is not ready yet".to_owned()));
        }
        Ok(self.pool.get().await?)
    }

    /// A connection for this service's own work.
    pub async fn reserved_client(&self) -> Result<Client, AdminError> {
        Ok(self.reserved.get().await?)
    }

    /// A connection outside the pool, with its driver.
    pub async fn connect(&self) -> Result<(tokio_postgres::Client, Driver), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// Whether migrations are through.
    pub fn is_schema_ready(&self) -> bool {
        self.is_schema_ready.load(Ordering::Acquire)
    }

    /// Lets requests in.
    pub fn mark_schema_ready(&self) {
        self.is_schema_ready.store(true, Ordering::Release);
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), AdminError> {
        let client = self.client().await?;
        let ping = tokio::time::timeout(Duration::from_secs(2), client.simple_query("SELECT 1"));
        ping.await.map_err(|_| AdminError::DatabaseAway("no answer within 2 s".to_owned()))??;
        Ok(())
    }

    /// Connections: open, and idle among them.
    pub fn pool_size(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Where the database is, without credentials, for the log.
    pub fn place(&self) -> String {
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .map(|host| match host {
                tokio_postgres::config::Host::Tcp(name) => name.clone(),
                tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        format!("{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }

    /// Lets no further request in and closes what is idle.
    pub fn close(&self) {
        self.pool.close();
        self.reserved.close();
    }
}

fn build_pool(config: &tokio_postgres::Config, tls: &MakeRustlsConnect, size: usize) -> Result<Pool, String> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config.clone(), tls.clone(), recycling))
        .max_size(size)
        .create_timeout(Some(CONNECT_TIMEOUT + Duration::from_secs(1)))
        .wait_timeout(Some(WAIT_TIMEOUT))
        .recycle_timeout(Some(RECYCLE_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SESSION_SETTINGS).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| format!("the connection pool cannot be built: {error}"))
}
