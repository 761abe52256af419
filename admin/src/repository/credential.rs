//! Named credentials made through the API. Those of `config.yaml` are not in the database.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    control::{CredentialRecord, DeploymentSource},
    credential::CredentialKind,
    crypto::Sealed,
    ids::CredentialId,
    time_text::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{execute, execute_unique, optional_time, row, rows, time};
use crate::error::AdminError;

/// A credential: what the proxies are told of it, and what lists show.
#[derive(Clone, Debug)]
pub struct CredentialRow {
    pub record: CredentialRecord,
    pub created_at: Timestamp,
    pub rotated_at: Option<Timestamp>,
    /// The deployments of the database that name it.
    pub deployments: i64,
}

macro_rules! select {
    () => {
        "SELECT c.id, c.name, c.provider, c.kind, c.values_sealed, c.created_at, c.rotated_at,
                (SELECT count(*) FROM deployment_credential d WHERE d.credential_id = c.id) AS deployments
         FROM credential c"
    };
}

fn read(row: &Row) -> Result<CredentialRow, AdminError> {
    let kind: String = row.try_get("kind")?;
    Ok(CredentialRow {
        record: CredentialRecord {
            id: CredentialId(row.try_get("id")?),
            name: row.try_get("name")?,
            provider: row.try_get("provider")?,
            kind: CredentialKind::ALL
                .into_iter()
                .find(|known| known.name() == kind)
                .ok_or_else(|| AdminError::Internal(format!("unknown kind `{kind}` in credential")))?,
            sealed_values: Sealed(row.try_get("values_sealed")?),
            source: DeploymentSource::Database,
        },
        created_at: time(row, "created_at")?,
        rotated_at: optional_time(row, "rotated_at")?,
        deployments: row.try_get("deployments")?,
    })
}

/// All of them. They are as many as an operator made by hand: lists are cut to pages in memory, together with the configured.
pub async fn all(client: &impl GenericClient) -> Result<Vec<CredentialRow>, AdminError> {
    rows(client, select!(), &[]).await?.iter().map(read).collect()
}

/// One credential.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<CredentialRow>, AdminError> {
    row(client, concat!(select!(), " WHERE c.id = $1"), &[&id]).await?.as_ref().map(read).transpose()
}

/// One credential, which nobody else changes or begins to use before the transaction ends.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<Option<CredentialRow>, AdminError> {
    row(client, concat!(select!(), " WHERE c.id = $1 FOR UPDATE OF c"), &[&id]).await?.as_ref().map(read).transpose()
}

/// Those of these ids that exist; they go on to exist, unchanged, until the transaction ends.
pub async fn pin(client: &impl GenericClient, ids: &[Uuid]) -> Result<Vec<CredentialRow>, AdminError> {
    rows(client, concat!(select!(), " WHERE c.id = ANY($1) ORDER BY c.id FOR SHARE OF c"), &[&ids])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The providers of the deployments that name a credential.
pub async fn providers_of_users(client: &impl GenericClient, id: Uuid) -> Result<Vec<String>, AdminError> {
    let sql = "SELECT DISTINCT d.provider FROM deployment d JOIN deployment_credential c ON c.deployment_id = d.id
               WHERE c.credential_id = $1 ORDER BY d.provider";
    rows(client, sql, &[&id]).await?.iter().map(|row| Ok(row.try_get("provider")?)).collect()
}

/// Stores a new credential.
pub async fn insert(client: &impl GenericClient, credential: &CredentialRecord) -> Result<(), AdminError> {
    execute_unique(
        client,
        "INSERT INTO credential (id, name, provider, kind, values_sealed) VALUES ($1, $2, $3, $4, $5)",
        &[
            &credential.id.0,
            &credential.name,
            &credential.provider,
            &credential.kind.name(),
            &credential.sealed_values.0,
        ],
        taken,
    )
    .await
}

/// Stores what may change of a credential. New values are a rotation.
pub async fn update(client: &impl GenericClient, credential: &CredentialRecord) -> Result<(), AdminError> {
    execute_unique(
        client,
        "UPDATE credential SET name = $2, provider = $3, values_sealed = $4, updated_at = now(),
             rotated_at = CASE WHEN values_sealed = $4 THEN rotated_at ELSE now() END
         WHERE id = $1",
        &[&credential.id.0, &credential.name, &credential.provider, &credential.sealed_values.0],
        taken,
    )
    .await
}

fn taken() -> AdminError {
    AdminError::conflict(Some("name"), "There is already a credential with this name.")
}

/// Removes a credential that no deployment names.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<(), AdminError> {
    execute(client, "DELETE FROM credential WHERE id = $1", &[&id]).await?;
    Ok(())
}
