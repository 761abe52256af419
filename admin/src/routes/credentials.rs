//! `/api/v1/credentials`: those of the database and of `config.yaml` in one list. Values are written and never read.

use actix_web::{HttpResponse, http::StatusCode};
use deltallm_shared::{
    config::FileCredential,
    control::{CredentialRecord, DeploymentSource, Entity, EntityKind},
    credential::{CredentialKind, CredentialValues},
    crypto::Sealed,
    ids::CredentialId,
    providers,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    body::{Body, Query},
    error::AdminError,
    page::{Page, Window},
    patch::Patch,
    path_id::PathId,
    repository::{
        change,
        credential::{self, CredentialRow},
    },
    state::{Shared, State},
    validate,
    views::credential::{CredentialDraft, CredentialPatch, CredentialQuery, CredentialView},
};

/// What the list is sorted by, and where its next page starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct CredentialKey(String, Uuid);

/// Credentials by name.
#[utoipa::path(get, path = "/api/v1/credentials", tag = "credentials", operation_id = "list_credentials",
    params(CredentialQuery), responses((status = 200, body = Page<CredentialView>)))]
pub async fn list(state: Shared, Query(query): Query<CredentialQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<CredentialKey>::new(query.limit, query.cursor.as_deref())?;
    let client = state.database.client().await?;
    let mut views: Vec<CredentialView> =
        credential::all(&client).await?.into_iter().map(|row| view(&state, row)).collect();
    views.extend(configured(&state));
    let text = query.q.unwrap_or_default().to_lowercase();
    let is_meant = |view: &CredentialView| {
        let of_provider = view.provider.as_deref().unwrap_or_default();
        (text.is_empty() || view.name.to_lowercase().contains(&text) || of_provider.contains(&text))
            && query.provider.as_deref().is_none_or(|id| fits(view.provider.as_deref(), view.kind, id).is_ok())
            && query.source.is_none_or(|source| source == view.source)
    };
    let key = |view: &CredentialView| CredentialKey(view.name.clone(), view.id.0);
    views.retain(|view| is_meant(view) && window.after.as_ref().is_none_or(|after| key(view) > *after));
    views.sort_by_cached_key(key);
    views.truncate(usize::try_from(window.fetch_limit()).unwrap_or(usize::MAX));
    Ok(HttpResponse::Ok().json(window.page(views, key, |view| view)))
}

/// Makes a credential.
#[utoipa::path(post, path = "/api/v1/credentials", tag = "credentials", operation_id = "create_credential",
    request_body = CredentialDraft, responses((status = 201, body = CredentialView)))]
pub async fn create(state: Shared, Body(draft): Body<CredentialDraft>) -> Result<HttpResponse, AdminError> {
    let id = CredentialId::new();
    let record = CredentialRecord {
        id,
        name: validate::name("name", &draft.name)?,
        provider: draft.provider.filter(|id| !id.is_empty()),
        kind: draft.values.kind(),
        sealed_values: seal(&state, id, &draft.values).await?,
        source: DeploymentSource::Database,
    };
    check(&record)?;
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    credential::insert(&transaction, &record).await?;
    let stored = credential::find(&transaction, id.0).await?.ok_or_else(no_such_credential)?;
    change::upsert(&transaction, &Entity::Credential(record)).await?;
    transaction.commit().await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(view(&state, stored)))
}

/// One credential.
#[utoipa::path(get, path = "/api/v1/credentials/{id}", tag = "credentials", operation_id = "get_credential",
    params(("id" = Uuid, Path)), responses((status = 200, body = CredentialView)))]
pub async fn get(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    if let Some(configured) = configured(&state).into_iter().find(|view| view.id.0 == id) {
        return Ok(HttpResponse::Ok().json(configured));
    }
    let client = state.database.client().await?;
    let row = credential::find(&client, id).await?.ok_or_else(no_such_credential)?;
    Ok(HttpResponse::Ok().json(view(&state, row)))
}

/// Changes a credential of the database. New values reach the proxies at once; the deployments that name it stay as they are.
#[utoipa::path(patch, path = "/api/v1/credentials/{id}", tag = "credentials", operation_id = "update_credential",
    params(("id" = Uuid, Path)), request_body = CredentialPatch, responses((status = 200, body = CredentialView)))]
pub async fn update(
    state: Shared,
    PathId(id): PathId,
    Body(patch): Body<CredentialPatch>,
) -> Result<HttpResponse, AdminError> {
    refuse_configured(&state, id)?;
    // The token service's name is resolved before a row is locked.
    let sealed = match &patch.values {
        Some(values) => Some((values.kind(), seal(&state, CredentialId(id), values).await?)),
        None => None,
    };
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    let mut record = credential::lock(&transaction, id).await?.ok_or_else(no_such_credential)?.record;
    let before = record.clone();
    if let Some(name) = &patch.name {
        record.name = validate::name("name", name)?;
    }
    match patch.provider {
        Patch::Absent => {}
        Patch::Null => record.provider = None,
        Patch::Value(provider) => record.provider = Some(provider),
    }
    if let Some((kind, values)) = sealed {
        if kind != record.kind {
            return Err(AdminError::invalid(
                "values.kind",
                format!("`values.kind` must stay `{}`; make another credential for another kind.", record.kind.name()),
            ));
        }
        record.sealed_values = values;
    }
    check(&record)?;
    for provider in credential::providers_of_users(&transaction, id).await? {
        fits(record.provider.as_deref(), record.kind, &provider)
            .map_err(|why| AdminError::invalid("provider", format!("A model of `{provider}` uses it: {why}.")))?;
    }
    if record != before {
        credential::update(&transaction, &record).await?;
        change::upsert(&transaction, &Entity::Credential(record)).await?;
    }
    let stored = credential::find(&transaction, id).await?.ok_or_else(no_such_credential)?;
    transaction.commit().await?;
    Ok(HttpResponse::Ok().json(view(&state, stored)))
}

/// Removes a credential that no deployment names.
#[utoipa::path(delete, path = "/api/v1/credentials/{id}", tag = "credentials", operation_id = "delete_credential",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    refuse_configured(&state, id)?;
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    credential::lock(&transaction, id).await?.ok_or_else(no_such_credential)?;
    // Counted after the lock: whoever gives it to a deployment pins it first.
    let row = credential::find(&transaction, id).await?.ok_or_else(no_such_credential)?;
    if row.deployments > 0 {
        let models = if row.deployments == 1 { "1 model uses" } else { &format!("{} models use", row.deployments) };
        return Err(AdminError::conflict(None, format!("{models} this credential; give them another one first.")));
    }
    credential::delete(&transaction, id).await?;
    change::delete(&transaction, EntityKind::Credential, id).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whether a deployment of a provider can sign in with a credential. The error says why not.
pub(super) fn fits(meant_for: Option<&str>, kind: CredentialKind, provider: &str) -> Result<(), String> {
    if let Some(meant_for) = meant_for.filter(|id| *id != provider) {
        return Err(format!("the credential is meant for `{meant_for}`"));
    }
    match providers::provider(provider) {
        Some(known) if !known.credential_style.takes(kind) => {
            Err(format!("`{provider}` takes no credential of the kind `{}`", kind.name()))
        }
        _ => Ok(()),
    }
}

fn check(record: &CredentialRecord) -> Result<(), AdminError> {
    let Some(provider) = &record.provider else { return Ok(()) };
    validate::provider("provider", provider)?;
    fits(None, record.kind, provider).map_err(|why| AdminError::invalid("provider", format!("{why}.")))
}

async fn seal(state: &State, id: CredentialId, values: &CredentialValues) -> Result<Sealed, AdminError> {
    values.check().map_err(|wrong| {
        let at = if values.kind() == CredentialKind::Google { "values.google." } else { "values." };
        AdminError::invalid(&format!("{at}{}", wrong.field), format!("{wrong}."))
    })?;
    if let Some(url) = values.token_url() {
        validate::api_base("values", url, &state.config().general.egress_allow_private).await?;
    }
    values.seal(&state.secret_box, id).map_err(|error| AdminError::Internal(error.to_string()))
}

/// The credentials that no database holds.
fn configured(state: &State) -> Vec<CredentialView> {
    let config = state.config();
    let view = |found: &FileCredential| CredentialView {
        id: found.id,
        name: found.name.clone(),
        provider: found.provider.clone(),
        kind: found.values.kind(),
        fields: found.values.hints().into_iter().map(Into::into).collect(),
        readable: true,
        deployments_count: i64::try_from(
            config.deployments.iter().filter(|user| user.record.credential_ids.contains(&found.id)).count(),
        )
        .unwrap_or(i64::MAX),
        source: DeploymentSource::Config,
        created_at: None,
        rotated_at: None,
    };
    config.credentials.iter().map(view).collect()
}

fn refuse_configured(state: &State, id: Uuid) -> Result<(), AdminError> {
    if state.config().credentials.iter().any(|found| found.id.0 == id) {
        return Err(AdminError::conflict(None, "This credential stands in config.yaml; change it there."));
    }
    Ok(())
}

fn view(state: &State, row: CredentialRow) -> CredentialView {
    let record = row.record;
    let opened = CredentialValues::open(&record.sealed_values, &state.secret_box, record.id);
    if let Err(error) = &opened {
        tracing::warn!(credential = record.name, %error, "the credential cannot be opened");
    }
    CredentialView {
        id: record.id,
        name: record.name,
        provider: record.provider,
        kind: record.kind,
        readable: opened.is_ok(),
        fields: opened.map(|values| values.hints().into_iter().map(Into::into).collect()).unwrap_or_default(),
        deployments_count: row.deployments,
        source: record.source,
        created_at: Some(row.created_at),
        rotated_at: row.rotated_at,
    }
}

fn no_such_credential() -> AdminError {
    AdminError::not_found("credential")
}
