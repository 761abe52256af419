//! Virtual keys.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    control::KeyRecord,
    crypto::KeyHash,
    ids::{KeyId, TeamId, UserId},
    money::NanoUsd,
    time_text::Timestamp,
};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{execute, optional_time, row, rows, time};
use crate::error::AdminError;

/// A key with the names and sums that lists show.
#[derive(Clone, Debug)]
pub struct KeyRow {
    pub id: KeyId,
    pub hash: KeyHash,
    pub hint: String,
    pub name: String,
    pub team_id: Option<TeamId>,
    pub team_name: Option<String>,
    pub user_id: Option<UserId>,
    pub user_email: Option<String>,
    pub models: Option<Vec<String>>,
    pub expires_at: Option<Timestamp>,
    pub is_blocked: bool,
    pub metadata: Value,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub spend: NanoUsd,
    pub requests: i64,
}

impl KeyRow {
    /// What a proxy needs of it.
    pub fn record(&self) -> KeyRecord {
        KeyRecord {
            id: self.id,
            hash: self.hash,
            name: self.name.clone(),
            team_id: self.team_id,
            user_id: self.user_id,
            models: self.models.clone(),
            expires_at: self.expires_at,
            blocked: self.is_blocked,
        }
    }
}

/// What a list may be narrowed to.
#[derive(Debug, Default)]
pub struct KeyFilter<'a> {
    /// Part of the name or of the hint.
    pub text: Option<&'a str>,
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    /// `active`, `blocked` or `expired`.
    pub state: Option<&'a str>,
}

macro_rules! select {
    () => {
        "SELECT k.id, k.key_hash, k.key_hint, k.name, k.team_id, t.name AS team_name, k.user_id, u.email AS user_email,
                k.models, k.expires_at, k.is_blocked, k.metadata, k.created_at,
                s.last_used_at, coalesce(s.spend_nano_usd, 0) AS spend_nano_usd, coalesce(s.requests, 0) AS requests
         FROM virtual_key k
         LEFT JOIN team t ON t.id = k.team_id
         LEFT JOIN app_user u ON u.id = k.user_id
         LEFT JOIN key_usage s ON s.key_id = k.id
         WHERE k.deleted_at IS NULL"
    };
}

fn read(row: &Row) -> Result<KeyRow, AdminError> {
    let hash: Vec<u8> = row.try_get("key_hash")?;
    let hash = hash.try_into().map_err(|_| AdminError::Internal("a key's hash is malformed".to_owned()))?;
    Ok(KeyRow {
        id: KeyId(row.try_get("id")?),
        hash: KeyHash(hash),
        hint: row.try_get("key_hint")?,
        name: row.try_get("name")?,
        team_id: row.try_get::<_, Option<Uuid>>("team_id")?.map(TeamId),
        team_name: row.try_get("team_name")?,
        user_id: row.try_get::<_, Option<Uuid>>("user_id")?.map(UserId),
        user_email: row.try_get("user_email")?,
        models: row.try_get("models")?,
        expires_at: optional_time(row, "expires_at")?,
        is_blocked: row.try_get("is_blocked")?,
        metadata: row.try_get("metadata")?,
        created_at: time(row, "created_at")?,
        last_used_at: optional_time(row, "last_used_at")?,
        spend: NanoUsd(row.try_get("spend_nano_usd")?),
        requests: row.try_get("requests")?,
    })
}

/// The newest keys that fit, after the one given.
pub async fn list(
    client: &impl GenericClient,
    filter: &KeyFilter<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<KeyRow>, AdminError> {
    let sql = concat!(
        select!(),
        " AND ($1::text IS NULL OR position(lower($1) in lower(k.name)) > 0 OR position($1 in k.key_hint) > 0)
          AND ($2::uuid IS NULL OR k.team_id = $2)
          AND ($3::uuid IS NULL OR k.user_id = $3)
          AND ($4::text IS NULL OR $4 = CASE WHEN k.is_blocked THEN 'blocked'
                                             WHEN k.expires_at <= now() THEN 'expired' ELSE 'active' END)
          AND ($5::uuid IS NULL OR k.id < $5)
        ORDER BY k.id DESC LIMIT $6"
    );
    let parameters: super::Parameters<'_> =
        &[&filter.text, &filter.team_id, &filter.user_id, &filter.state, &after, &limit];
    rows(client, sql, parameters).await?.iter().map(read).collect()
}

/// One key.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<KeyRow>, AdminError> {
    row(client, concat!(select!(), " AND k.id = $1"), &[&id]).await?.as_ref().map(read).transpose()
}

/// One key, which nobody else changes before the transaction ends.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<Option<KeyRow>, AdminError> {
    row(client, concat!(select!(), " AND k.id = $1 FOR UPDATE OF k"), &[&id]).await?.as_ref().map(read).transpose()
}

/// Stores a new key. What is only shown (names, sums) is not read.
pub async fn insert(client: &impl GenericClient, key: &KeyRow) -> Result<(), AdminError> {
    execute(
        client,
        "INSERT INTO virtual_key (id, key_hash, key_hint, name, team_id, user_id, models, expires_at, is_blocked, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &key.id.0,
            &key.hash.0.as_slice(),
            &key.hint,
            &key.name,
            &key.team_id.map(|id| id.0),
            &key.user_id.map(|id| id.0),
            &key.models,
            &key.expires_at.map(Timestamp::to_datetime),
            &key.is_blocked,
            &key.metadata,
        ],
    )
    .await?;
    Ok(())
}

/// Stores what may change of a key.
pub async fn update(client: &impl GenericClient, key: &KeyRow) -> Result<(), AdminError> {
    execute(
        client,
        "UPDATE virtual_key SET name = $2, team_id = $3, user_id = $4, models = $5, expires_at = $6, is_blocked = $7,
                metadata = $8, updated_at = now()
         WHERE id = $1",
        &[
            &key.id.0,
            &key.name,
            &key.team_id.map(|id| id.0),
            &key.user_id.map(|id| id.0),
            &key.models,
            &key.expires_at.map(Timestamp::to_datetime),
            &key.is_blocked,
            &key.metadata,
        ],
    )
    .await?;
    Ok(())
}

/// Revokes a key for good. False: there was none.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<bool, AdminError> {
    let sql = "UPDATE virtual_key SET deleted_at = now(), updated_at = now() WHERE id = $1 AND deleted_at IS NULL";
    Ok(execute(client, sql, &[&id]).await? > 0)
}

/// All keys, for the proxies.
pub async fn records(client: &impl GenericClient) -> Result<Vec<KeyRecord>, AdminError> {
    let sql = "SELECT id, key_hash, name, team_id, user_id, models, expires_at, is_blocked FROM virtual_key WHERE deleted_at IS NULL";
    rows(client, sql, &[])
        .await?
        .iter()
        .map(|row| {
            let hash: Vec<u8> = row.try_get("key_hash")?;
            let hash = hash.try_into().map_err(|_| AdminError::Internal("a key's hash is malformed".to_owned()))?;
            Ok(KeyRecord {
                id: KeyId(row.try_get("id")?),
                hash: KeyHash(hash),
                name: row.try_get("name")?,
                team_id: row.try_get::<_, Option<Uuid>>("team_id")?.map(TeamId),
                user_id: row.try_get::<_, Option<Uuid>>("user_id")?.map(UserId),
                models: row.try_get("models")?,
                expires_at: optional_time(row, "expires_at")?,
                blocked: row.try_get("is_blocked")?,
            })
        })
        .collect()
}
