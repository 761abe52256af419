//! Settings of routing that were made through the API. Those of `config.yaml` are not in the database.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    ids::RoutingPolicyId,
    routing::{RoutingPolicyRecord, RoutingSettings},
    time_text::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{row, rows, time};
use crate::error::AdminError;

/// A policy, and when it was set.
#[derive(Clone, Debug)]
pub struct RoutingPolicyRow {
    pub record: RoutingPolicyRecord,
    pub updated_at: Timestamp,
}

fn read(row: &Row) -> Result<RoutingPolicyRow, AdminError> {
    let id = RoutingPolicyId(row.try_get("id")?);
    let settings: RoutingSettings = serde_json::from_value(row.try_get("settings")?)
        .map_err(|error| AdminError::Internal(format!("the routing policy {id}: {error}")))?;
    let record = RoutingPolicyRecord { id, model_name: row.try_get("model_name")?, settings };
    Ok(RoutingPolicyRow { record, updated_at: time(row, "updated_at")? })
}

/// All of them: one for the router, and one for each group that has its own.
pub async fn all(client: &impl GenericClient) -> Result<Vec<RoutingPolicyRow>, AdminError> {
    let sql = "SELECT id, model_name, settings, updated_at FROM routing_policy ORDER BY model_name NULLS FIRST";
    let mut found = Vec::new();
    for row in rows(client, sql, &[]).await? {
        match read(&row) {
            Ok(policy) => found.push(policy),
            // Of a newer version: the proxies must not go without everything else for it.
            Err(error) => tracing::error!(%error, "a routing policy is left out"),
        }
    }
    Ok(found)
}

/// Sets the policy of a group or of the router. It keeps its id for as long as there is one, so that the proxies replace it.
pub async fn set(
    client: &impl GenericClient,
    model_name: Option<&str>,
    settings: &RoutingSettings,
) -> Result<RoutingPolicyRow, AdminError> {
    let settings = serde_json::to_value(settings).map_err(|error| AdminError::Internal(error.to_string()))?;
    let sql = "INSERT INTO routing_policy (id, model_name, settings) VALUES ($1, $2, $3)
               ON CONFLICT ON CONSTRAINT routing_policy_model_name_key
               DO UPDATE SET settings = excluded.settings, updated_at = now()
               RETURNING id, model_name, settings, updated_at";
    let stored = row(client, sql, &[&RoutingPolicyId::new().0, &model_name, &settings]).await?;
    read(&stored.ok_or_else(|| AdminError::Internal("a routing policy was not stored".to_owned()))?)
}

/// Takes it away. `None`: there was none.
pub async fn delete(client: &impl GenericClient, model_name: Option<&str>) -> Result<Option<Uuid>, AdminError> {
    let sql = "DELETE FROM routing_policy WHERE model_name IS NOT DISTINCT FROM $1 RETURNING id";
    Ok(row(client, sql, &[&model_name]).await?.map(|row| row.try_get("id")).transpose()?)
}
