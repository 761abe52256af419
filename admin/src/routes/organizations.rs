//! `/api/v1/organizations`.

use actix_web::{HttpResponse, http::StatusCode};
use deltallm_shared::{
    control::{Entity, EntityKind},
    ids::OrganizationId,
    time_text::Timestamp,
};
use uuid::Uuid;

use crate::{
    body::{Body, Query},
    error::AdminError,
    page::{Page, PageQuery, Window},
    patch::Patch,
    path_id::PathId,
    repository::{
        change,
        organization::{self, OrganizationRow},
    },
    state::Shared,
    validate,
    views::organization::{OrganizationDraft, OrganizationPatch, OrganizationView},
};

/// Organizations, newest first.
#[utoipa::path(get, path = "/api/v1/organizations", tag = "organizations", operation_id = "list_organizations",
    params(PageQuery), responses((status = 200, body = Page<OrganizationView>)))]
pub async fn list(state: Shared, Query(query): Query<PageQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<Uuid>::new(query.limit, query.cursor.as_deref())?;
    let text = query.q.as_deref().filter(|text| !text.is_empty());
    let client = state.database.client().await?;
    let rows = organization::list(&client, text, window.after, window.fetch_limit()).await?;
    Ok(HttpResponse::Ok().json(window.page(rows, |row| row.id.0, OrganizationView::from)))
}

/// Makes an organization.
#[utoipa::path(post, path = "/api/v1/organizations", tag = "organizations", operation_id = "create_organization",
    request_body = OrganizationDraft, responses((status = 201, body = OrganizationView)))]
pub async fn create(state: Shared, Body(draft): Body<OrganizationDraft>) -> Result<HttpResponse, AdminError> {
    let row = OrganizationRow {
        id: OrganizationId::new(),
        name: validate::name("name", &draft.name)?,
        is_blocked: false,
        metadata: validate::metadata("metadata", draft.metadata)?,
        created_at: Timestamp::now(),
        teams: 0,
    };
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    organization::insert(&transaction, &row).await?;
    change::upsert(&transaction, &Entity::Organization(row.record())).await?;
    transaction.commit().await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(OrganizationView::from(row)))
}

/// One organization.
#[utoipa::path(get, path = "/api/v1/organizations/{id}", tag = "organizations", operation_id = "get_organization",
    params(("id" = Uuid, Path)), responses((status = 200, body = OrganizationView)))]
pub async fn get(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let row = organization::find(&client, id).await?.ok_or_else(no_such_organization)?;
    Ok(HttpResponse::Ok().json(OrganizationView::from(row)))
}

/// Changes an organization.
#[utoipa::path(patch, path = "/api/v1/organizations/{id}", tag = "organizations", operation_id = "update_organization",
    params(("id" = Uuid, Path)), request_body = OrganizationPatch, responses((status = 200, body = OrganizationView)))]
pub async fn update(
    state: Shared,
    PathId(id): PathId,
    Body(patch): Body<OrganizationPatch>,
) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    let mut row = organization::lock(&transaction, id).await?.ok_or_else(no_such_organization)?;
    let before = row.record();
    if let Some(name) = &patch.name {
        row.name = validate::name("name", name)?;
    }
    if let Some(blocked) = patch.blocked {
        row.is_blocked = blocked;
    }
    match patch.metadata {
        Patch::Absent => {}
        Patch::Null => row.metadata = validate::metadata("metadata", None)?,
        Patch::Value(metadata) => row.metadata = validate::metadata("metadata", Some(metadata))?,
    }
    organization::update(&transaction, &row).await?;
    if row.record() != before {
        change::upsert(&transaction, &Entity::Organization(row.record())).await?;
    }
    transaction.commit().await?;
    Ok(HttpResponse::Ok().json(OrganizationView::from(row)))
}

/// Removes an organization that has no teams.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}", tag = "organizations", operation_id = "delete_organization",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    organization::lock(&transaction, id).await?.ok_or_else(no_such_organization)?;
    // Counted after the lock: whoever gives the organization a team pins it first.
    let row = organization::find(&transaction, id).await?.ok_or_else(no_such_organization)?;
    if row.teams > 0 {
        return Err(AdminError::conflict(
            None,
            format!("The organization still has {} teams; remove or move them first.", row.teams),
        ));
    }
    organization::delete(&transaction, id).await?;
    change::delete(&transaction, EntityKind::Organization, id).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn no_such_organization() -> AdminError {
    AdminError::not_found("organization")
}
