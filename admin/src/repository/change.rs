//! The log of changes that the proxies follow. Every write to what a proxy holds calls [`upsert`] or [`delete`] in its own
//! transaction, as its last statement: from there on the writer holds the version's lock.

use bytes::Bytes;
use deadpool_postgres::{GenericClient, Transaction};
use deltallm_shared::control::{Entity, EntityKind};
use uuid::Uuid;

use super::{execute, row, rows};
use crate::error::AdminError;

/// The channel on which a new version is announced.
pub const CHANNEL: &str = "deltallm_config";

/// One line of the stream, ready to be sent.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version after it.
    pub version: i64,
    /// The message as JSON, with its newline.
    pub line: Bytes,
}

/// Records that an entity was made or changed.
pub async fn upsert(transaction: &Transaction<'_>, entity: &Entity) -> Result<i64, AdminError> {
    let (name, id) = match entity {
        Entity::Deployment(record) => ("deployment", record.id.0),
        Entity::Credential(record) => ("credential", record.id.0),
        Entity::Key(record) => ("key", record.id.0),
        Entity::Team(record) => ("team", record.id.0),
        Entity::User(record) => ("user", record.id.0),
        Entity::Organization(record) => ("organization", record.id.0),
        Entity::RoutingPolicy(record) => ("routing_policy", record.id.0),
    };
    let payload = serde_json::to_value(entity).map_err(|error| AdminError::Internal(error.to_string()))?;
    record(transaction, name, id, "upsert", Some(payload)).await
}

/// Records that an entity is gone.
pub async fn delete(transaction: &Transaction<'_>, kind: EntityKind, id: Uuid) -> Result<i64, AdminError> {
    record(transaction, kind_name(kind), id, "delete", None).await
}

const fn kind_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Deployment => "deployment",
        EntityKind::Credential => "credential",
        EntityKind::Key => "key",
        EntityKind::Team => "team",
        EntityKind::User => "user",
        EntityKind::Organization => "organization",
        EntityKind::RoutingPolicy => "routing_policy",
    }
}

async fn record(
    transaction: &Transaction<'_>,
    entity: &str,
    id: Uuid,
    op: &str,
    payload: Option<serde_json::Value>,
) -> Result<i64, AdminError> {
    let bumped = row(transaction, "UPDATE config_version SET version = version + 1 RETURNING version", &[]).await?;
    let version: i64 =
        bumped.ok_or_else(|| AdminError::Internal("config_version is empty".to_owned()))?.try_get("version")?;
    execute(
        transaction,
        "INSERT INTO config_change (version, entity, entity_id, op, payload) VALUES ($1, $2, $3, $4, $5)",
        &[&version, &entity, &id, &op, &payload],
    )
    .await?;
    row(transaction, "SELECT pg_notify($1, $2)", &[&CHANNEL, &version.to_string()]).await?;
    Ok(version)
}

/// The last version given out.
pub async fn version(client: &impl GenericClient) -> Result<i64, AdminError> {
    let found = row(client, "SELECT version FROM config_version", &[]).await?;
    Ok(found.ok_or_else(|| AdminError::Internal("config_version is empty".to_owned()))?.try_get("version")?)
}

/// The changes after a version, in order, at most `limit`.
pub async fn after(client: &impl GenericClient, version: i64, limit: i64) -> Result<Vec<Change>, AdminError> {
    let found = rows(
        client,
        // The payload passes as text: what a newer replica wrote goes out whole.
        "SELECT version, entity, entity_id, op, payload::text AS payload FROM config_change
         WHERE version > $1 ORDER BY version LIMIT $2",
        &[&version, &limit],
    )
    .await?;
    found
        .iter()
        .map(|row| {
            let version: i64 = row.try_get("version")?;
            let line = match row.try_get::<_, Option<String>>("payload")? {
                Some(payload) => format!("{{\"type\":\"upsert\",\"version\":{version},\"change\":{payload}}}\n"),
                None => {
                    let (entity, id): (String, Uuid) = (row.try_get("entity")?, row.try_get("entity_id")?);
                    format!("{{\"type\":\"delete\",\"version\":{version},\"entity\":\"{entity}\",\"id\":\"{id}\"}}\n")
                }
            };
            Ok(Change { version, line: line.into() })
        })
        .collect()
}
