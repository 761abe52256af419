//! `/api/v1/teams`.

use actix_web::{HttpResponse, http::StatusCode};
use deadpool_postgres::Transaction;
use deltallm_shared::{
    control::{Entity, EntityKind},
    ids::{OrganizationId, TeamId},
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
        change, organization,
        team::{self, TeamRow},
    },
    state::Shared,
    validate,
    views::team::{TeamDraft, TeamPatch, TeamQuery, TeamView},
};

/// Teams, newest first.
#[utoipa::path(get, path = "/api/v1/teams", tag = "teams", operation_id = "list_teams", params(TeamQuery),
    responses((status = 200, body = Page<TeamView>)))]
pub async fn list(state: Shared, Query(query): Query<TeamQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<Uuid>::new(query.limit, query.cursor.as_deref())?;
    let text = query.q.as_deref().filter(|text| !text.is_empty());
    let client = state.database.client().await?;
    let rows = team::list(&client, text, query.organization_id, window.after, window.fetch_limit()).await?;
    Ok(HttpResponse::Ok().json(window.page(rows, |row| row.id.0, TeamView::from)))
}

/// Makes a team.
#[utoipa::path(post, path = "/api/v1/teams", tag = "teams", operation_id = "create_team", request_body = TeamDraft,
    responses((status = 201, body = TeamView)))]
pub async fn create(state: Shared, Body(draft): Body<TeamDraft>) -> Result<HttpResponse, AdminError> {
    let row = TeamRow {
        id: TeamId::new(),
        organization_id: draft.organization_id.map(OrganizationId),
        organization_name: None,
        name: validate::name("name", &draft.name)?,
        models: validate::models("models", draft.models)?,
        is_blocked: false,
        metadata: validate::metadata("metadata", draft.metadata)?,
        created_at: Timestamp::now(),
        members: 0,
        keys: 0,
        spend: NanoUsd::ZERO,
    };
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    pin_organization(&transaction, &row).await?;
    team::insert(&transaction, &row).await?;
    let view = stored(&transaction, row.id.0).await?;
    change::upsert(&transaction, &Entity::Team(row.record())).await?;
    transaction.commit().await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(TeamView::from(view)))
}

/// One team.
#[utoipa::path(get, path = "/api/v1/teams/{id}", tag = "teams", operation_id = "get_team", params(("id" = Uuid, Path)),
    responses((status = 200, body = TeamView)))]
pub async fn get(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let row = team::find(&client, id).await?.ok_or_else(no_such_team)?;
    Ok(HttpResponse::Ok().json(TeamView::from(row)))
}

/// Changes a team.
#[utoipa::path(patch, path = "/api/v1/teams/{id}", tag = "teams", operation_id = "update_team", params(("id" = Uuid, Path)),
    request_body = TeamPatch, responses((status = 200, body = TeamView)))]
pub async fn update(
    state: Shared,
    PathId(id): PathId,
    Body(patch): Body<TeamPatch>,
) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    let mut row = team::lock(&transaction, id).await?.ok_or_else(no_such_team)?;
    let before = row.record();
    if let Some(name) = &patch.name {
        row.name = validate::name("name", name)?;
    }
    match patch.organization_id {
        Patch::Absent => {}
        Patch::Null => row.organization_id = None,
        Patch::Value(organization) => row.organization_id = Some(OrganizationId(organization)),
    }
    match patch.models {
        Patch::Absent => {}
        Patch::Null => row.models = None,
        Patch::Value(models) => row.models = validate::models("models", Some(models))?,
    }
    if let Some(blocked) = patch.blocked {
        row.is_blocked = blocked;
    }
    match patch.metadata {
        Patch::Absent => {}
        Patch::Null => row.metadata = validate::metadata("metadata", None)?,
        Patch::Value(metadata) => row.metadata = validate::metadata("metadata", Some(metadata))?,
    }
    pin_organization(&transaction, &row).await?;
    team::update(&transaction, &row).await?;
    let view = stored(&transaction, id).await?;
    if row.record() != before {
        change::upsert(&transaction, &Entity::Team(row.record())).await?;
    }
    transaction.commit().await?;
    Ok(HttpResponse::Ok().json(TeamView::from(view)))
}

/// Removes a team that has neither keys nor members.
#[utoipa::path(delete, path = "/api/v1/teams/{id}", tag = "teams", operation_id = "delete_team", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    team::lock(&transaction, id).await?.ok_or_else(no_such_team)?;
    // Counted after the lock: whoever gives the team a key pins it first.
    let row = stored(&transaction, id).await?;
    if row.keys > 0 || row.members > 0 {
        return Err(AdminError::conflict(
            None,
            format!(
                "The team still has {} keys and {} members; revoke the keys or move them to another team first.",
                row.keys, row.members
            ),
        ));
    }
    team::delete(&transaction, id).await?;
    change::delete(&transaction, EntityKind::Team, id).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn pin_organization(transaction: &Transaction<'_>, row: &TeamRow) -> Result<(), AdminError> {
    if let Some(OrganizationId(id)) = row.organization_id
        && !organization::pin(transaction, id).await?
    {
        return Err(AdminError::invalid("organization_id", "There is no organization with this `organization_id`."));
    }
    Ok(())
}

async fn stored(transaction: &Transaction<'_>, id: Uuid) -> Result<TeamRow, AdminError> {
    team::find(transaction, id)
        .await?
        .ok_or_else(|| AdminError::Internal("a team vanished while it was written".to_owned()))
}

fn no_such_team() -> AdminError {
    AdminError::not_found("team")
}
