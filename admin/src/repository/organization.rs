//! Organizations.

use deadpool_postgres::GenericClient;
use deltallm_shared::{control::OrganizationRecord, ids::OrganizationId, time_text::Timestamp};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{execute, execute_unique, row, rows, time};
use crate::error::AdminError;

/// An organization with the sums that lists show.
#[derive(Clone, Debug)]
pub struct OrganizationRow {
    pub id: OrganizationId,
    pub name: String,
    pub is_blocked: bool,
    pub metadata: Value,
    pub created_at: Timestamp,
    pub teams: i64,
}

impl OrganizationRow {
    /// What a proxy needs of it.
    pub fn record(&self) -> OrganizationRecord {
        OrganizationRecord { id: self.id, name: self.name.clone(), blocked: self.is_blocked }
    }
}

macro_rules! select {
    () => {
        "SELECT o.id, o.name, o.is_blocked, o.metadata, o.created_at,
                (SELECT count(*) FROM team t WHERE t.organization_id = o.id AND t.deleted_at IS NULL) AS teams
         FROM organization o WHERE o.deleted_at IS NULL"
    };
}

fn read(row: &Row) -> Result<OrganizationRow, AdminError> {
    Ok(OrganizationRow {
        id: OrganizationId(row.try_get("id")?),
        name: row.try_get("name")?,
        is_blocked: row.try_get("is_blocked")?,
        metadata: row.try_get("metadata")?,
        created_at: time(row, "created_at")?,
        teams: row.try_get("teams")?,
    })
}

/// The newest organizations that fit, after the one given.
pub async fn list(
    client: &impl GenericClient,
    text: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OrganizationRow>, AdminError> {
    let sql = concat!(
        select!(),
        " AND ($1::text IS NULL OR position(lower($1) in lower(o.name)) > 0)
          AND ($2::uuid IS NULL OR o.id < $2)
        ORDER BY o.id DESC LIMIT $3"
    );
    rows(client, sql, &[&text, &after, &limit]).await?.iter().map(read).collect()
}

/// One organization.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<OrganizationRow>, AdminError> {
    row(client, concat!(select!(), " AND o.id = $1"), &[&id]).await?.as_ref().map(read).transpose()
}

/// One organization, which nobody else changes before the transaction ends.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<Option<OrganizationRow>, AdminError> {
    row(client, concat!(select!(), " AND o.id = $1 FOR UPDATE OF o"), &[&id]).await?.as_ref().map(read).transpose()
}

/// Whether the organization exists; if so, it goes on to exist until the transaction ends.
pub async fn pin(client: &impl GenericClient, id: Uuid) -> Result<bool, AdminError> {
    let sql = "SELECT 1 FROM organization WHERE id = $1 AND deleted_at IS NULL FOR SHARE";
    Ok(row(client, sql, &[&id]).await?.is_some())
}

/// Stores a new organization.
pub async fn insert(client: &impl GenericClient, organization: &OrganizationRow) -> Result<(), AdminError> {
    execute_unique(
        client,
        "INSERT INTO organization (id, name, is_blocked, metadata) VALUES ($1, $2, $3, $4)",
        &[&organization.id.0, &organization.name, &organization.is_blocked, &organization.metadata],
        taken,
    )
    .await
}

/// Stores what may change of an organization.
pub async fn update(client: &impl GenericClient, organization: &OrganizationRow) -> Result<(), AdminError> {
    execute_unique(
        client,
        "UPDATE organization SET name = $2, is_blocked = $3, metadata = $4, updated_at = now() WHERE id = $1",
        &[&organization.id.0, &organization.name, &organization.is_blocked, &organization.metadata],
        taken,
    )
    .await
}

fn taken() -> AdminError {
    AdminError::conflict(Some("name"), "There is already an organization with this name.")
}

/// Removes an organization.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<(), AdminError> {
    execute(client, "UPDATE organization SET deleted_at = now(), updated_at = now() WHERE id = $1", &[&id]).await?;
    Ok(())
}

/// All organizations, for the proxies.
pub async fn records(client: &impl GenericClient) -> Result<Vec<OrganizationRecord>, AdminError> {
    let sql = "SELECT id, name, is_blocked FROM organization WHERE deleted_at IS NULL";
    rows(client, sql, &[])
        .await?
        .iter()
        .map(|row| {
            Ok(OrganizationRecord {
                id: OrganizationId(row.try_get("id")?),
                name: row.try_get("name")?,
                blocked: row.try_get("is_blocked")?,
            })
        })
        .collect()
}
