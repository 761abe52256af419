//! `/api/v1/users`.

use actix_web::{HttpResponse, http::StatusCode};
use deadpool_postgres::Transaction;
use deltallm_shared::{
    control::{Entity, EntityKind},
    ids::TeamId,
};
use uuid::Uuid;

use crate::{
    auth::{Principal, password},
    body::{Body, Query},
    error::AdminError,
    page::{Page, Window},
    patch::Patch,
    path_id::PathId,
    repository::{
        change, session, team,
        user::{self, UserRow},
    },
    state::Shared,
    validate,
    views::user::{NewUserView, UserDraft, UserPatch, UserQuery, UserView},
};

/// Accounts, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users", params(UserQuery),
    responses((status = 200, body = Page<UserView>)))]
pub async fn list(state: Shared, Query(query): Query<UserQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<Uuid>::new(query.limit, query.cursor.as_deref())?;
    let text = query.q.as_deref().filter(|text| !text.is_empty());
    let client = state.database.client().await?;
    let rows = user::list(&client, text, query.team_id, window.after, window.fetch_limit()).await?;
    Ok(HttpResponse::Ok().json(window.page(rows, |row| row.id.0, UserView::from)))
}

/// Makes an account.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", operation_id = "create_user", request_body = UserDraft,
    responses((status = 201, body = NewUserView)))]
pub async fn create(state: Shared, Body(draft): Body<UserDraft>) -> Result<HttpResponse, AdminError> {
    let email = validate::email("email", &draft.email)?;
    let name = validate::optional_name("name", draft.name.as_deref())?;
    let row = UserRow::new(email, name, draft.role, draft.team_id.map(TeamId));
    let (secret, is_generated) = match draft.password {
        Some(secret) => {
            password::check("password", &secret)?;
            (secret, false)
        }
        None => (password::generate()?, true),
    };
    let shown = is_generated.then(|| secret.expose().clone());
    let password_hash = password::hash(secret).await?;
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    pin_team(&transaction, &row).await?;
    user::insert(&transaction, &row, &password_hash).await?;
    let view = stored(&transaction, row.id.0).await?;
    change::upsert(&transaction, &Entity::User(row.record())).await?;
    transaction.commit().await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(NewUserView { password: shown, view: view.into() }))
}

/// One account.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", operation_id = "get_user", params(("id" = Uuid, Path)),
    responses((status = 200, body = UserView)))]
pub async fn get(state: Shared, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let row = user::find(&client, id).await?.ok_or_else(no_such_user)?;
    Ok(HttpResponse::Ok().json(UserView::from(row)))
}

/// Changes an account. A new password or a block ends its sessions at once.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", operation_id = "update_user", params(("id" = Uuid, Path)),
    request_body = UserPatch, responses((status = 200, body = UserView)))]
pub async fn update(
    state: Shared,
    principal: Principal,
    PathId(id): PathId,
    Body(patch): Body<UserPatch>,
) -> Result<HttpResponse, AdminError> {
    let mut new_hash = None;
    if let Some(secret) = patch.password {
        password::check("password", &secret)?;
        new_hash = Some(password::hash(secret).await?);
    }
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    let mut row = user::lock(&transaction, id).await?.ok_or_else(no_such_user)?;
    let before = row.record();
    if let Some(email) = &patch.email {
        row.email = validate::email("email", email)?;
    }
    match &patch.name {
        Patch::Absent => {}
        Patch::Null => row.name = None,
        Patch::Value(name) => row.name = validate::optional_name("name", Some(name))?,
    }
    if let Some(role) = patch.role {
        if role != row.role && is_self(&principal, id) {
            return Err(AdminError::conflict(
                Some("role"),
                "You cannot change your own role; ask another administrator.",
            ));
        }
        row.role = role;
    }
    match patch.team_id {
        Patch::Absent => {}
        Patch::Null => row.team_id = None,
        Patch::Value(team) => row.team_id = Some(TeamId(team)),
    }
    if let Some(blocked) = patch.blocked {
        if blocked && is_self(&principal, id) {
            return Err(AdminError::conflict(Some("blocked"), "You cannot block your own account."));
        }
        row.is_blocked = blocked;
    }
    pin_team(&transaction, &row).await?;
    user::update(&transaction, &row).await?;
    if let Some(hash) = &new_hash {
        user::set_password(&transaction, row.id, hash).await?;
    }
    if new_hash.is_some() || row.is_blocked {
        session::end_all_of(&transaction, row.id, None).await?;
    }
    let view = stored(&transaction, id).await?;
    if row.record() != before {
        change::upsert(&transaction, &Entity::User(row.record())).await?;
    }
    transaction.commit().await?;
    Ok(HttpResponse::Ok().json(UserView::from(view)))
}

/// Removes an account that has no keys.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "users", operation_id = "delete_user", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete(state: Shared, principal: Principal, PathId(id): PathId) -> Result<HttpResponse, AdminError> {
    if is_self(&principal, id) {
        return Err(AdminError::conflict(None, "You cannot remove your own account."));
    }
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    user::lock(&transaction, id).await?.ok_or_else(no_such_user)?;
    // Counted after the lock: whoever gives the account a key pins it first.
    let row = stored(&transaction, id).await?;
    if row.keys > 0 {
        return Err(AdminError::conflict(
            None,
            format!("The account still has {} keys; revoke them or give them to somebody else first.", row.keys),
        ));
    }
    user::delete(&transaction, id).await?;
    session::end_all_of(&transaction, row.id, None).await?;
    change::delete(&transaction, EntityKind::User, id).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn is_self(principal: &Principal, id: Uuid) -> bool {
    matches!(principal, Principal::User(account) if account.id.0 == id)
}

async fn pin_team(transaction: &Transaction<'_>, row: &UserRow) -> Result<(), AdminError> {
    if let Some(TeamId(id)) = row.team_id
        && !team::pin(transaction, id).await?
    {
        return Err(AdminError::invalid("team_id", "There is no team with this `team_id`."));
    }
    Ok(())
}

async fn stored(transaction: &Transaction<'_>, id: Uuid) -> Result<UserRow, AdminError> {
    user::find(transaction, id)
        .await?
        .ok_or_else(|| AdminError::Internal("an account vanished while it was written".to_owned()))
}

fn no_such_user() -> AdminError {
    AdminError::not_found("user")
}
