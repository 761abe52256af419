//! Brings the schema to this binary's version before anything reads it; see `migrations/README.md`.

use std::collections::BTreeMap;

use deltallm_shared::crypto;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use crate::error::{describe, is_passing};

/// Any number will do, as long as every version of this service uses the same.
const LOCK: i64 = 0x6465_6c74_616d_6967;
const MIN_SERVER_VERSION: i32 = 150_000;

#[derive(RustEmbed)]
#[folder = "../migrations/"]
struct Files;

struct Migration {
    number: i32,
    name: String,
    sql: String,
    checksum: String,
}

/// Why the schema could not be brought to this version.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It may work later.
    #[error("{}", describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// It will not work before somebody does something.
    #[error("{0}")]
    Refused(String),
}

/// Applies what is missing. Replicas that start together take turns.
pub async fn run(client: &mut Client) -> Result<(), MigrateError> {
    let version: i32 = client.query_one("SELECT current_setting('server_version_num')::int", &[]).await?.try_get(0)?;
    if version < MIN_SERVER_VERSION {
        return Err(MigrateError::Refused(format!(
            "PostgreSQL {} is too old; DeltaLLM needs 15 or newer",
            version / 10_000
        )));
    }
    let is_free: bool = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.try_get(0)?;
    if !is_free {
        tracing::info!("another replica is migrating the database; waiting for it");
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    }
    let result = apply_missing(client).await;
    // The lock ends with the connection at the latest; a failure to give it back changes nothing.
    let _ = client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await;
    result
}

async fn apply_missing(client: &mut Client) -> Result<(), MigrateError> {
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (
                number      integer     PRIMARY KEY,
                name        text        NOT NULL,
                checksum    text        NOT NULL,
                applied_at  timestamptz NOT NULL DEFAULT now()
            )",
        )
        .await?;
    let rows = client.query("SELECT number, name, checksum FROM schema_migration ORDER BY number", &[]).await?;
    let mut applied = BTreeMap::new();
    for row in rows {
        applied.insert(row.try_get::<_, i32>(0)?, (row.try_get::<_, String>(1)?, row.try_get::<_, String>(2)?));
    }
    let known = embedded()?;
    check(&known, &applied)?;
    for migration in known.iter().filter(|migration| !applied.contains_key(&migration.number)) {
        let started = std::time::Instant::now();
        let transaction = client.transaction().await?;
        transaction.batch_execute(&migration.sql).await.map_err(|error| {
            if is_passing(&error) {
                return MigrateError::Database(error);
            }
            MigrateError::Refused(format!(
                "migration {:04}_{} failed and was rolled back: {}",
                migration.number,
                migration.name,
                describe(&error)
            ))
        })?;
        transaction
            .execute(
                "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
                &[&migration.number, &migration.name, &migration.checksum],
            )
            .await?;
        transaction.commit().await?;
        let duration_ms = started.elapsed().as_millis();
        tracing::info!(number = migration.number, name = migration.name, duration_ms, "migration applied");
    }
    Ok(())
}

/// The files, in order.
fn embedded() -> Result<Vec<Migration>, MigrateError> {
    let mut migrations = Vec::new();
    // README.md stands beside them.
    for path in Files::iter().filter(|path| path.ends_with(".sql")) {
        let misnamed = || MigrateError::Refused(format!("migrations/{path} is not named NNNN_name.sql"));
        let stem = path.strip_suffix(".sql").ok_or_else(misnamed)?;
        let (number, name) = stem.split_once('_').ok_or_else(misnamed)?;
        let number = number.parse().map_err(|_| misnamed())?;
        let data = Files::get(&path).ok_or_else(misnamed)?.data;
        let sql = String::from_utf8(data.into_owned()).map_err(|_| misnamed())?;
        let checksum = crypto::hex(&Sha256::digest(sql.as_bytes()));
        migrations.push(Migration { number, name: name.to_owned(), sql, checksum });
    }
    migrations.sort_by_key(|migration| migration.number);
    Ok(migrations)
}

/// Whether what the database has seen is what this binary knows, as far as it goes.
fn check(known: &[Migration], applied: &BTreeMap<i32, (String, String)>) -> Result<(), MigrateError> {
    for (number, (name, checksum)) in applied {
        match known.iter().find(|migration| migration.number == *number) {
            None => {
                return Err(MigrateError::Refused(format!(
                    "the database has migration {number:04}_{name}, which this version of deltallm-admin does not know: \
                     a newer version has been here. Start that version or a newer one"
                )));
            }
            Some(migration) if migration.checksum != *checksum => {
                return Err(MigrateError::Refused(format!(
                    "migration {number:04}_{name} was applied with checksum {checksum}, but this version of deltallm-admin \
                     holds it with {}: the file was edited after its release. Start the version that made this database",
                    migration.checksum
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_numbered_without_gaps() {
        let numbers: Vec<i32> = embedded().unwrap().iter().map(|migration| migration.number).collect();
        let expected: Vec<i32> = (1..).take(numbers.len()).collect();
        assert!(!numbers.is_empty());
        assert_eq!(numbers, expected);
    }

    #[test]
    fn money_is_never_floating_point_and_times_have_zones() {
        for migration in embedded().unwrap() {
            for word in
                ["double precision", "real ", "float", "timestamp ", "serial", "CREATE EXTENSION", "CONCURRENTLY"]
            {
                assert!(!migration.sql.contains(word), "{:04}: {word}", migration.number);
            }
        }
    }
}
