//! Teams.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    control::TeamRecord,
    ids::{OrganizationId, TeamId},
    money::NanoUsd,
    time_text::Timestamp,
};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{execute, execute_unique, row, rows, time};
use crate::error::AdminError;

/// A team with the names and sums that lists show.
#[derive(Clone, Debug)]
pub struct TeamRow {
    pub id: TeamId,
    pub organization_id: Option<OrganizationId>,
    pub organization_name: Option<String>,
    pub name: String,
    pub models: Option<Vec<String>>,
    pub is_blocked: bool,
    pub metadata: Value,
    pub created_at: Timestamp,
    pub members: i64,
    pub keys: i64,
    pub spend: NanoUsd,
}

impl TeamRow {
    /// What a proxy needs of it.
    pub fn record(&self) -> TeamRecord {
        TeamRecord {
            id: self.id,
            name: self.name.clone(),
            organization_id: self.organization_id,
            models: self.models.clone(),
            blocked: self.is_blocked,
        }
    }
}

macro_rules! select {
    () => {
        "SELECT t.id, t.organization_id, o.name AS organization_name, t.name, t.models, t.is_blocked, t.metadata, t.created_at,
                (SELECT count(*) FROM app_user u WHERE u.team_id = t.id AND u.deleted_at IS NULL) AS members,
                (SELECT count(*) FROM virtual_key k WHERE k.team_id = t.id AND k.deleted_at IS NULL) AS keys,
                coalesce(s.spend_nano_usd, 0) AS spend_nano_usd
         FROM team t
         LEFT JOIN organization o ON o.id = t.organization_id
         LEFT JOIN team_usage s ON s.team_id = t.id
         WHERE t.deleted_at IS NULL"
    };
}

fn read(row: &Row) -> Result<TeamRow, AdminError> {
    Ok(TeamRow {
        id: TeamId(row.try_get("id")?),
        organization_id: row.try_get::<_, Option<Uuid>>("organization_id")?.map(OrganizationId),
        organization_name: row.try_get("organization_name")?,
        name: row.try_get("name")?,
        models: row.try_get("models")?,
        is_blocked: row.try_get("is_blocked")?,
        metadata: row.try_get("metadata")?,
        created_at: time(row, "created_at")?,
        members: row.try_get("members")?,
        keys: row.try_get("keys")?,
        spend: NanoUsd(row.try_get("spend_nano_usd")?),
    })
}

/// The newest teams that fit, after the one given.
pub async fn list(
    client: &impl GenericClient,
    text: Option<&str>,
    organization_id: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<TeamRow>, AdminError> {
    let sql = concat!(
        select!(),
        " AND ($1::text IS NULL OR position(lower($1) in lower(t.name)) > 0)
          AND ($2::uuid IS NULL OR t.organization_id = $2)
          AND ($3::uuid IS NULL OR t.id < $3)
        ORDER BY t.id DESC LIMIT $4"
    );
    rows(client, sql, &[&text, &organization_id, &after, &limit]).await?.iter().map(read).collect()
}

/// One team.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<TeamRow>, AdminError> {
    row(client, concat!(select!(), " AND t.id = $1"), &[&id]).await?.as_ref().map(read).transpose()
}

/// One team, which nobody else changes before the transaction ends.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<Option<TeamRow>, AdminError> {
    row(client, concat!(select!(), " AND t.id = $1 FOR UPDATE OF t"), &[&id]).await?.as_ref().map(read).transpose()
}

/// Whether the team exists; if so, it goes on to exist until the transaction ends.
pub async fn pin(client: &impl GenericClient, id: Uuid) -> Result<bool, AdminError> {
    let sql = "SELECT 1 FROM team WHERE id = $1 AND deleted_at IS NULL FOR SHARE";
    Ok(row(client, sql, &[&id]).await?.is_some())
}

/// Stores a new team.
pub async fn insert(client: &impl GenericClient, team: &TeamRow) -> Result<(), AdminError> {
    execute_unique(
        client,
        "INSERT INTO team (id, organization_id, name, models, is_blocked, metadata) VALUES ($1, $2, $3, $4, $5, $6)",
        &[&team.id.0, &team.organization_id.map(|id| id.0), &team.name, &team.models, &team.is_blocked, &team.metadata],
        taken,
    )
    .await
}

/// Stores what may change of a team.
pub async fn update(client: &impl GenericClient, team: &TeamRow) -> Result<(), AdminError> {
    execute_unique(
        client,
        "UPDATE team SET organization_id = $2, name = $3, models = $4, is_blocked = $5, metadata = $6, updated_at = now()
         WHERE id = $1",
        &[
            &team.id.0,
            &team.organization_id.map(|id| id.0),
            &team.name,
            &team.models,
            &team.is_blocked,
            &team.metadata,
        ],
        taken,
    )
    .await
}

fn taken() -> AdminError {
    AdminError::conflict(Some("name"), "There is already a team with this name.")
}

/// Removes a team.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<(), AdminError> {
    execute(client, "UPDATE team SET deleted_at = now(), updated_at = now() WHERE id = $1", &[&id]).await?;
    Ok(())
}

/// All teams, for the proxies.
pub async fn records(client: &impl GenericClient) -> Result<Vec<TeamRecord>, AdminError> {
    let sql = "SELECT id, name, organization_id, models, is_blocked FROM team WHERE deleted_at IS NULL";
    rows(client, sql, &[])
        .await?
        .iter()
        .map(|row| {
            Ok(TeamRecord {
                id: TeamId(row.try_get("id")?),
                name: row.try_get("name")?,
                organization_id: row.try_get::<_, Option<Uuid>>("organization_id")?.map(OrganizationId),
                models: row.try_get("models")?,
                blocked: row.try_get("is_blocked")?,
            })
        })
        .collect()
}
