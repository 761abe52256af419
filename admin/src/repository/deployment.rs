//! Deployments made through the API. Those of `config.yaml` and the built-in ones are not in the database.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    control::{DeploymentRecord, DeploymentSource, MockOptions, ModelMode},
    crypto::Sealed,
    ids::{CredentialId, DeploymentId},
    money::UnitPrice,
    pricing::ModelPrices,
    time_text::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{execute, row, rows, time};
use crate::error::AdminError;

/// A deployment: what the proxies are told of it, and when it was made.
#[derive(Clone, Debug)]
pub struct DeploymentRow {
    pub record: DeploymentRecord,
    pub created_at: Timestamp,
}

macro_rules! select {
    () => {
        "SELECT id, model_name, provider, upstream_model, api_base, api_key_sealed, mode, timeout_ms, stream_timeout_ms, weight,
                tags, input_cost_per_token_femto_usd, output_cost_per_token_femto_usd, mock, is_blocked, created_at,
                api_version, region, project, drop_params, priority, rpm, tpm, max_parallel_requests,
                ARRAY(SELECT c.credential_id FROM deployment_credential c WHERE c.deployment_id = deployment.id ORDER BY c.position)
                    AS credential_ids
         FROM deployment"
    };
}

fn read(row: &Row) -> Result<DeploymentRow, AdminError> {
    let mode: String = row.try_get("mode")?;
    let input: Option<i64> = row.try_get("input_cost_per_token_femto_usd")?;
    let output: Option<i64> = row.try_get("output_cost_per_token_femto_usd")?;
    let mock: Option<serde_json::Value> = row.try_get("mock")?;
    let figure = |column| Ok::<_, AdminError>(row.try_get::<_, Option<i64>>(column)?.map(i64::unsigned_abs));
    let record = DeploymentRecord {
        id: DeploymentId(row.try_get("id")?),
        model_name: row.try_get("model_name")?,
        provider: row.try_get("provider")?,
        upstream_model: row.try_get("upstream_model")?,
        api_base: row.try_get("api_base")?,
        sealed_api_key: row.try_get::<_, Option<String>>("api_key_sealed")?.map(Sealed),
        credential_ids: row.try_get::<_, Vec<Uuid>>("credential_ids")?.into_iter().map(CredentialId).collect(),
        api_version: row.try_get("api_version")?,
        region: row.try_get("region")?,
        project: row.try_get("project")?,
        drop_params: row.try_get("drop_params")?,
        timeout_ms: figure("timeout_ms")?,
        stream_timeout_ms: figure("stream_timeout_ms")?,
        weight: row.try_get::<_, i32>("weight")?.unsigned_abs(),
        priority: row.try_get::<_, i32>("priority")?.unsigned_abs(),
        rpm: figure("rpm")?,
        tpm: figure("tpm")?,
        max_parallel_requests: row.try_get::<_, Option<i32>>("max_parallel_requests")?.map(i32::unsigned_abs),
        tags: row.try_get("tags")?,
        mode: mode_from_name(&mode)?,
        prices: input.zip(output).map(|(input, output)| ModelPrices {
            input: UnitPrice::from_femto(input),
            output: UnitPrice::from_femto(output),
            ..ModelPrices::default()
        }),
        mock: mock
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| AdminError::Internal(format!("a deployment's mock options: {error}")))?
            .unwrap_or_else(MockOptions::default),
        source: DeploymentSource::Database,
        blocked: row.try_get("is_blocked")?,
    };
    Ok(DeploymentRow { record, created_at: time(row, "created_at")? })
}

const fn mode_name(mode: ModelMode) -> &'static str {
    mode.name()
}

fn mode_from_name(name: &str) -> Result<ModelMode, AdminError> {
    ModelMode::from_name(name).ok_or_else(|| AdminError::Internal(format!("unknown mode `{name}` in deployment")))
}

/// All of them. They are as many as an operator made by hand: lists are cut to pages in memory, together with the configured.
pub async fn all(client: &impl GenericClient) -> Result<Vec<DeploymentRow>, AdminError> {
    rows(client, select!(), &[]).await?.iter().map(read).collect()
}

/// One deployment.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<DeploymentRow>, AdminError> {
    row(client, concat!(select!(), " WHERE id = $1"), &[&id]).await?.as_ref().map(read).transpose()
}

/// One deployment, which nobody else changes before the transaction ends.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<Option<DeploymentRow>, AdminError> {
    row(client, concat!(select!(), " WHERE id = $1 FOR UPDATE"), &[&id]).await?.as_ref().map(read).transpose()
}

/// Stores a new deployment.
pub async fn insert(client: &impl GenericClient, deployment: &DeploymentRecord) -> Result<(), AdminError> {
    let sql = "INSERT INTO deployment (id, model_name, provider, upstream_model, api_base, api_key_sealed, mode, timeout_ms,
                   stream_timeout_ms, weight, tags, input_cost_per_token_femto_usd, output_cost_per_token_femto_usd, mock,
                   is_blocked, api_version, region, project, drop_params, priority, rpm, tpm, max_parallel_requests)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";
    write(client, sql, deployment).await
}

/// Stores what may change of a deployment.
pub async fn update(client: &impl GenericClient, deployment: &DeploymentRecord) -> Result<(), AdminError> {
    let sql = "UPDATE deployment SET model_name = $2, provider = $3, upstream_model = $4, api_base = $5, api_key_sealed = $6,
                   mode = $7, timeout_ms = $8, stream_timeout_ms = $9, weight = $10, tags = $11,
                   input_cost_per_token_femto_usd = $12, output_cost_per_token_femto_usd = $13, mock = $14, is_blocked = $15,
                   api_version = $16, region = $17, project = $18, drop_params = $19, priority = $20, rpm = $21, tpm = $22,
                   max_parallel_requests = $23, updated_at = now()
               WHERE id = $1";
    write(client, sql, deployment).await
}

async fn write(
    client: &impl GenericClient,
    sql: &'static str,
    deployment: &DeploymentRecord,
) -> Result<(), AdminError> {
    let big = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let small = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let mock = serde_json::to_value(deployment.mock).map_err(|error| AdminError::Internal(error.to_string()))?;
    execute(
        client,
        sql,
        &[
            &deployment.id.0,
            &deployment.model_name,
            &deployment.provider,
            &deployment.upstream_model,
            &deployment.api_base,
            &deployment.sealed_api_key.as_ref().map(|sealed| sealed.0.as_str()),
            &mode_name(deployment.mode),
            &big(deployment.timeout_ms),
            &big(deployment.stream_timeout_ms),
            &small(deployment.weight),
            &deployment.tags,
            &deployment.prices.map(|prices| prices.input.femto()),
            &deployment.prices.map(|prices| prices.output.femto()),
            &mock,
            &deployment.blocked,
            &deployment.api_version,
            &deployment.region,
            &deployment.project,
            &deployment.drop_params,
            &small(deployment.priority),
            &big(deployment.rpm),
            &big(deployment.tpm),
            &deployment.max_parallel_requests.map(small),
        ],
    )
    .await?;
    let ids: Vec<Uuid> = deployment.credential_ids.iter().map(|id| id.0).collect();
    execute(client, "DELETE FROM deployment_credential WHERE deployment_id = $1", &[&deployment.id.0]).await?;
    execute(
        client,
        "INSERT INTO deployment_credential (deployment_id, position, credential_id)
         SELECT $1, position, id FROM unnest($2::uuid[]) WITH ORDINALITY AS pool (id, position)",
        &[&deployment.id.0, &ids],
    )
    .await?;
    Ok(())
}

/// Removes a deployment. Its calls keep its provider's and model's names. False: there was none.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<bool, AdminError> {
    Ok(execute(client, "DELETE FROM deployment WHERE id = $1", &[&id]).await? > 0)
}
