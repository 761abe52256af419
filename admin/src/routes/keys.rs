//! `/api/v1/keys`.

use actix_web::{HttpResponse, http::StatusCode};
use deadpool_postgres::Transaction;
use deltallm_shared::{
    control::{Entity, EntityKind},
    crypto::new_virtual_key,
    ids::{KeyId, TeamId, UserId},
    money::NanoUsd,
    time_text::Timestamp,
};
use uuid::Uuid;

use crate::{
    body::{Body, Query},
    error::AdminError,
    page::{Page, Window},
    patch::Patch,
    path_id::PathId,
    repository::{
        change,
        key::{self, KeyFilter, KeyRow},
        team, user,
    },
    state::Shared,
    validate,
    views::key::{KeyDraft, KeyPatch, KeyQuery, KeyView, NewKeyView},
};

/// Keys, newest first.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", operation_id = "list_keys", params(KeyQuery),
    responses((status = 200, body = Page<KeyView>)))]
pub async fn list(state: Shared, Query(query): Query<KeyQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<Uuid>::new(query.limit, query.cursor.as_deref())?;
    let filter = KeyFilter {
        text: query.q.as_deref().filter(|text| !text.is_empty()),
        team_id: query.team_id,
        user_id: query.user_id,
        state: query.state.map(crate::views::key::KeyState::name),
    };
    let client = state.database.client().await?;
    let rows = key::list(&client, &filter, window.after, window.fetch_limit()).await?;
    let now = Timestamp::now();
    Ok(HttpResponse::Ok().json(window.page(rows, |row| row.id.0, |row| KeyView::new(row, now))))
}

/// Makes a key, and shows it once.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", operation_id = "create_key", request_body = KeyDraft,
    responses((status = 201, body = NewKeyView)))]
pub async fn create(state: Shared, Body(draft): Body<KeyDraft>) -> Result<HttpResponse, AdminError> {
    let now = Timestamp::now();
    let secret = new_virtual_key().map_err(|error| AdminError::Internal(error.to_string()))?;
    let row = KeyRow {
        id: KeyId::new(),
        hash: state.key_hasher.hash(secret.expose()),
        hint: secret.hint(),
        name: validate::name("name", &draft.name)?,
        team_id: draft.team_id.map(TeamId),
        team_name: None,
        user_id: draft.user_id.map(UserId),
        user_email: None,
        models: validate::models("models", draft.models)?,
        expires_at: validate::future("expires_at", draft.expires_at, now)?,
        is_blocked: false,
        metadata: validate::metadata("metadata", draft.metadata)?,
        created_at: now,
        last_used_at: None,
        spend: NanoUsd::ZERO,
        requests: 0,
    };
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    pin_owners(&transaction, &row).await?;
    key::insert(&transaction, &row).await?;
    let view = stored(&transaction, row.id.0).await?;
    change::upsert(&transaction, &Entity::Key(row.record())).await?;
    transaction.commit().await?;
    let view = KeyView::new(view, now);
    Ok(HttpResponse::build(StatusCode::CREATED).json(NewKeyView { key: secret.expose().clone(), view }))
}

/// One key.
#[utoipa::path(get, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "get_key", params(("id" = Uuid, Path)),
    responses((status = 200, body = KeyView)))]
pub async fn get(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let row = key::find(&client, id).await?.ok_or_else(no_such_key)?;
    Ok(HttpResponse::Ok().json(KeyView::new(row, Timestamp::now())))
}

/// Changes a key.
#[utoipa::path(patch, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "update_key", params(("id" = Uuid, Path)),
    request_body = KeyPatch, responses((status = 200, body = KeyView)))]
pub async fn update(
    state: Shared,
    PathId(id): PathId,
    Body(patch): Body<KeyPatch>,
) -> Result<HttpResponse, AdminError> {
    let now = Timestamp::now();
    change_key(&state, id, |row| {
        if let Some(name) = &patch.name {
            row.name = validate::name("name", name)?;
        }
        match patch.models {
            Patch::Absent => {}
            Patch::Null => row.models = None,
            Patch::Value(models) => row.models = validate::models("models", Some(models))?,
        }
        if let Patch::Value(at) = patch.expires_at {
            validate::future("expires_at", Some(at), now)?;
        }
        patch.expires_at.apply(&mut row.expires_at);
        match patch.team_id {
            Patch::Absent => {}
            Patch::Null => row.team_id = None,
            Patch::Value(team) => row.team_id = Some(TeamId(team)),
        }
        match patch.user_id {
            Patch::Absent => {}
            Patch::Null => row.user_id = None,
            Patch::Value(user) => row.user_id = Some(UserId(user)),
        }
        match patch.metadata {
            Patch::Absent => {}
            Patch::Null => row.metadata = validate::metadata("metadata", None)?,
            Patch::Value(metadata) => row.metadata = validate::metadata("metadata", Some(metadata))?,
        }
        Ok(())
    })
    .await
}

/// Blocks a key until it is unblocked.
#[utoipa::path(post, path = "/api/v1/keys/{id}/block", tag = "keys", operation_id = "block_key", params(("id" = Uuid, Path)),
    responses((status = 200, body = KeyView)))]
pub async fn block(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    change_key(&state, id, |row| {
        row.is_blocked = true;
        Ok(())
    })
    .await
}

/// Lets a blocked key work again.
#[utoipa::path(post, path = "/api/v1/keys/{id}/unblock", tag = "keys", operation_id = "unblock_key",
    params(("id" = Uuid, Path)), responses((status = 200, body = KeyView)))]
pub async fn unblock(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    change_key(&state, id, |row| {
        row.is_blocked = false;
        Ok(())
    })
    .await
}

/// Revokes a key for good.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "delete_key", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    if !key::delete(&transaction, id).await? {
        return Err(no_such_key());
    }
    change::delete(&transaction, EntityKind::Key, id).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn change_key(
    state: &Shared,
    id: Uuid,
    apply: impl FnOnce(&mut KeyRow) -> Result<(), AdminError>,
) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    let mut row = key::lock(&transaction, id).await?.ok_or_else(no_such_key)?;
    let before = row.record();
    apply(&mut row)?;
    pin_owners(&transaction, &row).await?;
    key::update(&transaction, &row).await?;
    let view = stored(&transaction, id).await?;
    // Metadata is not the proxies' business: a change of it alone makes no version.
    if row.record() != before {
        change::upsert(&transaction, &Entity::Key(row.record())).await?;
    }
    transaction.commit().await?;
    Ok(HttpResponse::Ok().json(KeyView::new(view, Timestamp::now())))
}

/// The team and the user exist, and go on to until the transaction ends.
async fn pin_owners(transaction: &Transaction<'_>, row: &KeyRow) -> Result<(), AdminError> {
    if let Some(TeamId(id)) = row.team_id
        && !team::pin(transaction, id).await?
    {
        return Err(AdminError::invalid("team_id", "There is no team with this `team_id`."));
    }
    if let Some(UserId(id)) = row.user_id
        && !user::pin(transaction, id).await?
    {
        return Err(AdminError::invalid("user_id", "There is no user with this `user_id`."));
    }
    Ok(())
}

async fn stored(transaction: &Transaction<'_>, id: Uuid) -> Result<KeyRow, AdminError> {
    key::find(transaction, id)
        .await?
        .ok_or_else(|| AdminError::Internal("a key vanished while it was written".to_owned()))
}

fn no_such_key() -> AdminError {
    AdminError::not_found("key")
}
