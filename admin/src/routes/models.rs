//! `/api/v1/models`: deployments of the database, of `config.yaml` and built-in ones in one list.

use std::collections::HashSet;

use actix_web::{HttpResponse, http::StatusCode};
use deadpool_postgres::Transaction;
use deltallm_shared::{
    config::FileDeployment,
    control::{DeploymentRecord, DeploymentSource, Entity, EntityKind, MockOptions},
    credential::CredentialKind,
    crypto::Sealed,
    ids::{CredentialId, DeploymentId},
    pricing::ModelPrices,
    providers::{self, MOCK},
    secret::Secret,
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::credentials::fits;
use crate::{
    body::{Body, Query},
    error::AdminError,
    model_trial,
    page::{Page, Window},
    patch::Patch,
    path_id::PathId,
    repository::{
        change, credential,
        deployment::{self, DeploymentRow},
    },
    state::{Shared, State},
    validate,
    views::deployment::{
        DeploymentDraft, DeploymentPatch, DeploymentQuery, DeploymentView, ModelTestDraft, ModelTestView,
    },
};

/// More keys than that are better kept apart in deployments.
const MAX_POOL: usize = 100;
const MAX_WEIGHT: u32 = 1_000_000;
const MAX_PRIORITY: u32 = 1_000_000;
const MAX_PER_MINUTE: u64 = 1_000_000_000_000;
const MAX_PARALLEL: u64 = 1_000_000;
const MAX_MOCK_DELAY_MS: u64 = 600_000;

/// What the list is sorted by, and where its next page starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct DeploymentKey(String, Uuid);

/// Deployments by public name.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", operation_id = "list_models", params(DeploymentQuery),
    responses((status = 200, body = Page<DeploymentView>)))]
pub async fn list(state: Shared, Query(query): Query<DeploymentQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<DeploymentKey>::new(query.limit, query.cursor.as_deref())?;
    let client = state.database.client().await?;
    let mut views: Vec<DeploymentView> = deployment::all(&client).await?.into_iter().map(view).collect();
    views.extend(configured(&state));
    let text = query.q.unwrap_or_default().to_lowercase();
    let is_meant = |view: &DeploymentView| {
        let names = [&view.model_name, &view.upstream_model, &view.provider];
        (text.is_empty() || names.iter().any(|name| name.to_lowercase().contains(&text)))
            && query.provider.as_ref().is_none_or(|provider| *provider == view.provider)
            && query.source.is_none_or(|source| source == view.source)
    };
    let key = |view: &DeploymentView| DeploymentKey(view.model_name.clone(), view.id.0);
    views.retain(|view| is_meant(view) && window.after.as_ref().is_none_or(|after| key(view) > *after));
    views.sort_by_cached_key(key);
    views.truncate(usize::try_from(window.fetch_limit()).unwrap_or(usize::MAX));
    Ok(HttpResponse::Ok().json(window.page(views, key, |view| view)))
}

/// Makes a deployment.
#[utoipa::path(post, path = "/api/v1/models", tag = "models", operation_id = "create_model", request_body = DeploymentDraft,
    responses((status = 201, body = DeploymentView)))]
pub async fn create(state: Shared, Body(draft): Body<DeploymentDraft>) -> Result<HttpResponse, AdminError> {
    let id = DeploymentId::new();
    let api_base = match draft.api_base.as_deref().filter(|text| !text.is_empty()) {
        Some(url) => Some(validate::api_base("api_base", url, &state.config().general.egress_allow_private).await?),
        None => None,
    };
    let record = DeploymentRecord {
        id,
        model_name: validate::name("model_name", &draft.model_name)?,
        provider: draft.provider,
        upstream_model: validate::name("upstream_model", &draft.upstream_model)?,
        api_base,
        sealed_api_key: draft.api_key.map(|key| seal(&state, id, &key)).transpose()?,
        credential_ids: pool(draft.credential_ids.unwrap_or_default())?,
        api_version: place("api_version", draft.api_version, providers::is_api_version)?,
        region: place("region", draft.region, providers::is_region)?,
        project: place("project", draft.project, providers::is_project)?,
        drop_params: draft.drop_params,
        timeout_ms: validate::timeout("timeout_ms", draft.timeout_ms)?,
        stream_timeout_ms: validate::timeout("stream_timeout_ms", draft.stream_timeout_ms)?,
        weight: draft.weight.unwrap_or(1),
        priority: draft.priority.unwrap_or(0),
        rpm: draft.rpm,
        tpm: draft.tpm,
        max_parallel_requests: draft.max_parallel_requests,
        tags: validate::tags("tags", draft.tags.unwrap_or_default())?,
        mode: draft.mode.unwrap_or_default(),
        prices: match (draft.input_cost_per_token, draft.output_cost_per_token) {
            (None, None) => None,
            (Some(input), Some(output)) => Some(ModelPrices { input, output, ..ModelPrices::default() }),
            (Some(_), None) => return Err(half_a_price("output_cost_per_token")),
            (None, Some(_)) => return Err(half_a_price("input_cost_per_token")),
        },
        mock: draft.mock.unwrap_or_default(),
        source: DeploymentSource::Database,
        blocked: false,
    };
    check(&record)?;
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    pin_credentials(&transaction, &state, &record).await?;
    deployment::insert(&transaction, &record).await?;
    let stored = deployment::find(&transaction, id.0).await?.ok_or_else(no_such_model)?;
    change::upsert(&transaction, &Entity::Deployment(Box::new(stored.record.clone()))).await?;
    transaction.commit().await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(view(stored)))
}

/// One deployment.
#[utoipa::path(get, path = "/api/v1/models/{id}", tag = "models", operation_id = "get_model", params(("id" = Uuid, Path)),
    responses((status = 200, body = DeploymentView)))]
pub async fn get(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    if let Some(configured) = configured(&state).into_iter().find(|view| view.id.0 == id) {
        return Ok(HttpResponse::Ok().json(configured));
    }
    let client = state.database.client().await?;
    let row = deployment::find(&client, id).await?.ok_or_else(no_such_model)?;
    Ok(HttpResponse::Ok().json(view(row)))
}

/// Changes a deployment of the database.
#[utoipa::path(patch, path = "/api/v1/models/{id}", tag = "models", operation_id = "update_model", params(("id" = Uuid, Path)),
    request_body = DeploymentPatch, responses((status = 200, body = DeploymentView)))]
pub async fn update(
    state: Shared,
    PathId(id): PathId,
    Body(mut patch): Body<DeploymentPatch>,
) -> Result<HttpResponse, AdminError> {
    refuse_configured(&state, id)?;
    // The name is resolved before a row is locked.
    if let Some(url) = patch.api_base.value() {
        let checked = validate::api_base("api_base", url, &state.config().general.egress_allow_private).await?;
        patch.api_base = Patch::Value(checked);
    }
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    let mut row = deployment::lock(&transaction, id).await?.ok_or_else(no_such_model)?;
    let before = row.record.clone();
    apply(&state, &mut row.record, patch)?;
    check(&row.record)?;
    // A key is for the place it was given for: it must not be sent to another one without being given again.
    let has_moved = (&row.record.provider, &row.record.api_base) != (&before.provider, &before.api_base);
    if has_moved && row.record.sealed_api_key.is_some() && row.record.sealed_api_key == before.sealed_api_key {
        return Err(AdminError::invalid(
            "api_key",
            "The provider or its address changes, so the stored key would go elsewhere. Give `api_key` again, or null.",
        ));
    }
    if row.record != before {
        pin_credentials(&transaction, &state, &row.record).await?;
        deployment::update(&transaction, &row.record).await?;
        change::upsert(&transaction, &Entity::Deployment(Box::new(row.record.clone()))).await?;
    }
    transaction.commit().await?;
    Ok(HttpResponse::Ok().json(view(row)))
}

/// Removes a deployment of the database.
#[utoipa::path(delete, path = "/api/v1/models/{id}", tag = "models", operation_id = "delete_model",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    refuse_configured(&state, id)?;
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    if !deployment::delete(&transaction, id).await? {
        return Err(no_such_model());
    }
    change::delete(&transaction, EntityKind::Deployment, id).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Tries a model through the proxy, as a caller would. It is a real call: it costs what such a call costs.
#[utoipa::path(post, path = "/api/v1/models/test", tag = "models", operation_id = "test_model", request_body = ModelTestDraft,
    responses((status = 200, body = ModelTestView)))]
pub async fn test(state: Shared, Body(draft): Body<ModelTestDraft>) -> Result<HttpResponse, AdminError> {
    let model_name = validate::name("model_name", &draft.model_name)?;
    let in_database = {
        let client = state.database.client().await?;
        deployment::all(&client).await?
    };
    let config = state.config();
    let records = in_database.iter().map(|row| &row.record).chain(config.deployments.iter().map(|found| &found.record));
    let mode = records.into_iter().find(|record| record.model_name == model_name).map(|record| record.mode);
    let prompt = draft.prompt.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let view = model_trial::run(&state, &model_name, mode.unwrap_or_default(), prompt).await;
    Ok(HttpResponse::Ok().json(view))
}

fn apply(state: &State, record: &mut DeploymentRecord, patch: DeploymentPatch) -> Result<(), AdminError> {
    if let Some(name) = &patch.model_name {
        record.model_name = validate::name("model_name", name)?;
    }
    if let Some(provider) = patch.provider {
        record.provider = provider;
    }
    if let Some(name) = &patch.upstream_model {
        record.upstream_model = validate::name("upstream_model", name)?;
    }
    patch.api_base.apply(&mut record.api_base);
    match patch.api_key {
        Patch::Absent => {}
        Patch::Null => record.sealed_api_key = None,
        Patch::Value(key) => record.sealed_api_key = Some(seal(state, record.id, &key)?),
    }
    if let Some(ids) = patch.credential_ids {
        record.credential_ids = pool(ids)?;
    }
    patch.api_version.apply(&mut record.api_version);
    patch.region.apply(&mut record.region);
    patch.project.apply(&mut record.project);
    patch.drop_params.apply(&mut record.drop_params);
    record.api_version = place("api_version", record.api_version.take(), providers::is_api_version)?;
    record.region = place("region", record.region.take(), providers::is_region)?;
    record.project = place("project", record.project.take(), providers::is_project)?;
    validate::timeout("timeout_ms", patch.timeout_ms.value().copied())?;
    validate::timeout("stream_timeout_ms", patch.stream_timeout_ms.value().copied())?;
    patch.timeout_ms.apply(&mut record.timeout_ms);
    patch.stream_timeout_ms.apply(&mut record.stream_timeout_ms);
    record.weight = patch.weight.unwrap_or(record.weight);
    record.priority = patch.priority.unwrap_or(record.priority);
    patch.rpm.apply(&mut record.rpm);
    patch.tpm.apply(&mut record.tpm);
    patch.max_parallel_requests.apply(&mut record.max_parallel_requests);
    if let Some(tags) = patch.tags {
        record.tags = validate::tags("tags", tags)?;
    }
    record.mode = patch.mode.unwrap_or(record.mode);
    record.mock = patch.mock.unwrap_or(record.mock);
    record.blocked = patch.blocked.unwrap_or(record.blocked);
    let mut input = record.prices.map(|prices| prices.input);
    let mut output = record.prices.map(|prices| prices.output);
    patch.input_cost_per_token.apply(&mut input);
    patch.output_cost_per_token.apply(&mut output);
    record.prices = match (input, output) {
        (None, None) => None,
        (Some(input), Some(output)) => Some(ModelPrices { input, output, ..record.prices.unwrap_or_default() }),
        (Some(_), None) => return Err(half_a_price("output_cost_per_token")),
        (None, Some(_)) => return Err(half_a_price("input_cost_per_token")),
    };
    Ok(())
}

/// What must hold of a deployment as a whole.
fn check(record: &DeploymentRecord) -> Result<(), AdminError> {
    let provider = validate::provider("provider", &record.provider)?;
    if record.api_base.is_none() && provider.usual_api_base(record.region.as_deref()).is_none() {
        let missing = if provider.needs_region() { "region" } else { "api_base" };
        return Err(AdminError::invalid(
            missing,
            format!("`{missing}` is required for the provider `{}`.", provider.id),
        ));
    }
    if provider.needs_api_key && record.sealed_api_key.is_none() && record.credential_ids.is_empty() {
        let takes_key = provider.credential_style.takes(CredentialKind::ApiKey);
        let names = if takes_key { "`api_key` or `credential_ids`" } else { "`credential_ids`" };
        return Err(AdminError::invalid("api_key", format!("{names} is required for the provider `{}`.", provider.id)));
    }
    if record.weight > MAX_WEIGHT {
        return Err(AdminError::invalid("weight", format!("`weight` must be at most {MAX_WEIGHT}.")));
    }
    if record.priority > MAX_PRIORITY {
        return Err(AdminError::invalid("priority", format!("`priority` must be at most {MAX_PRIORITY}.")));
    }
    for (name, limit, most) in [
        ("rpm", record.rpm, MAX_PER_MINUTE),
        ("tpm", record.tpm, MAX_PER_MINUTE),
        ("max_parallel_requests", record.max_parallel_requests.map(u64::from), MAX_PARALLEL),
    ] {
        if limit.is_some_and(|limit| !(1..=most).contains(&limit)) {
            let message = format!("`{name}` must be between 1 and {most}; null where there is no limit.");
            return Err(AdminError::invalid(name, message));
        }
    }
    for (name, price) in record
        .prices
        .iter()
        .flat_map(|prices| [("input_cost_per_token", prices.input), ("output_cost_per_token", prices.output)])
    {
        if price.femto() < 0 {
            return Err(AdminError::invalid(name, format!("`{name}` must not be negative.")));
        }
    }
    if record.provider != MOCK && record.mock != MockOptions::default() {
        return Err(AdminError::invalid("mock", "`mock` is for the provider `mock` only."));
    }
    let mock = record.mock;
    if mock.failure_percent > 100 || mock.delay_ms > MAX_MOCK_DELAY_MS || mock.chunk_gap_ms > MAX_MOCK_DELAY_MS {
        return Err(AdminError::invalid("mock", "`mock`: percent up to 100, times up to ten minutes."));
    }
    Ok(())
}

/// A pool as a caller names it.
fn pool(ids: Vec<Uuid>) -> Result<Vec<CredentialId>, AdminError> {
    if ids.len() > MAX_POOL {
        return Err(AdminError::invalid(
            "credential_ids",
            format!("`credential_ids` holds at most {MAX_POOL} credentials."),
        ));
    }
    let mut seen = HashSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        Some(id) => Err(AdminError::invalid("credential_ids", format!("`credential_ids` names {id} twice."))),
        None => Ok(ids.into_iter().map(CredentialId).collect()),
    }
}

/// Sees to it that a deployment's credentials exist, suit its provider, and go on to do so until the transaction ends.
async fn pin_credentials(
    transaction: &Transaction<'_>,
    state: &State,
    record: &DeploymentRecord,
) -> Result<(), AdminError> {
    let wrong = |message: String| AdminError::invalid("credential_ids", message);
    let ids: Vec<Uuid> = record.credential_ids.iter().map(|id| id.0).collect();
    let found = credential::pin(transaction, &ids).await?;
    for id in &record.credential_ids {
        let Some(row) = found.iter().find(|row| row.record.id == *id) else {
            let in_file = state.config().credentials.iter().any(|credential| credential.id == *id);
            return Err(wrong(if in_file {
                "A credential of config.yaml is for the models of config.yaml.".to_owned()
            } else {
                format!("There is no credential {id}.")
            }));
        };
        fits(row.record.provider.as_deref(), row.record.kind, &record.provider)
            .map_err(|why| wrong(format!("The credential `{}` cannot be used: {why}.", row.record.name)))?;
        let is_signed = row.record.kind == CredentialKind::Aws;
        if is_signed && record.region.is_none() {
            return Err(AdminError::invalid("region", "`region` is required: a signature covers it."));
        }
    }
    Ok(())
}

/// A text that becomes a part of an address; an empty one is none.
fn place(param: &str, text: Option<String>, fits: fn(&str) -> bool) -> Result<Option<String>, AdminError> {
    match text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
        Some(text) if !fits(&text) => {
            Err(AdminError::invalid(param, format!("`{param}` holds characters that it cannot hold.")))
        }
        text => Ok(text),
    }
}

fn seal(state: &State, id: DeploymentId, key: &Secret<String>) -> Result<Sealed, AdminError> {
    let key = Secret::new(validate::api_key("api_key", key.expose())?);
    state.secret_box.seal(&key, &id.to_string()).map_err(|error| AdminError::Internal(error.to_string()))
}

/// The deployments that no database holds.
fn configured(state: &State) -> Vec<DeploymentView> {
    let view = |found: &FileDeployment| DeploymentView::new(found.record.clone(), !found.credentials.is_empty(), None);
    state.config().deployments.iter().map(view).collect()
}

fn refuse_configured(state: &State, id: Uuid) -> Result<(), AdminError> {
    if state.config().deployments.iter().any(|found| found.record.id.0 == id) {
        return Err(AdminError::conflict(
            None,
            "This model stands in config.yaml or in the environment; change it there.",
        ));
    }
    Ok(())
}

fn view(row: DeploymentRow) -> DeploymentView {
    let has_api_key = row.record.sealed_api_key.is_some();
    DeploymentView::new(row.record, has_api_key, Some::<Timestamp>(row.created_at))
}

fn half_a_price(param: &str) -> AdminError {
    AdminError::invalid(param, format!("`{param}` is missing: give both prices, or none to use the catalogue's."))
}

fn no_such_model() -> AdminError {
    AdminError::not_found("model")
}
