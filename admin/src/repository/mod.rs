//! SQL, and nothing else: fixed statements with parameters, one file per noun.
//!
//! A `…Row` is what a table holds; `views` shows it. Functions take any client, so that they run inside a transaction as well.

pub mod change;
pub mod credential;
pub mod deployment;
pub mod event;
pub mod key;
pub mod organization;
pub mod request;
pub mod routing_policy;
pub mod session;
pub mod snapshot;
pub mod spend;
pub mod team;
pub mod upkeep;
pub mod user;

use deadpool_postgres::GenericClient;
use deltallm_shared::time_text::Timestamp;
use time::OffsetDateTime;
use tokio_postgres::{Row, types::ToSql};

use crate::error::AdminError;

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn rows(
    client: &impl GenericClient,
    sql: &'static str,
    parameters: Parameters<'_>,
) -> Result<Vec<Row>, AdminError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, parameters).await?)
}

async fn row(
    client: &impl GenericClient,
    sql: &'static str,
    parameters: Parameters<'_>,
) -> Result<Option<Row>, AdminError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, parameters).await?)
}

async fn execute(
    client: &impl GenericClient,
    sql: &'static str,
    parameters: Parameters<'_>,
) -> Result<u64, AdminError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, parameters).await?)
}

/// Runs a statement that may meet a unique index; `taken` says what that means to the caller.
async fn execute_unique(
    client: &impl GenericClient,
    sql: &'static str,
    parameters: Parameters<'_>,
    taken: impl FnOnce() -> AdminError,
) -> Result<(), AdminError> {
    let statement = client.prepare_cached(sql).await?;
    match client.execute(&statement, parameters).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION) => Err(taken()),
        Err(error) => Err(error.into()),
    }
}

fn time(row: &Row, column: &str) -> Result<Timestamp, AdminError> {
    Ok(Timestamp::from_datetime(row.try_get::<_, OffsetDateTime>(column)?))
}

fn optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>, AdminError> {
    Ok(row.try_get::<_, Option<OffsetDateTime>>(column)?.map(Timestamp::from_datetime))
}
