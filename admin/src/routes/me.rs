//! `/api/v1/me`: the caller's own account.

use actix_web::{HttpRequest, HttpResponse};
use deltallm_shared::error::ErrorCode;

use crate::{
    auth::{Principal, password, session},
    body::Body,
    error::AdminError,
    repository,
    state::Shared,
    views::session::{GatewayView, MeView, PasswordDraft},
};

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", operation_id = "get_me", responses((status = 200, body = MeView)))]
pub async fn get(state: Shared, principal: Principal) -> HttpResponse {
    let gateway = GatewayView { api_url: state.api_url.clone(), version: env!("CARGO_PKG_VERSION") };
    HttpResponse::Ok().json(MeView { user: (&principal).into(), gateway })
}

/// Changes the caller's password and ends their other sessions.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "session", operation_id = "change_my_password",
    request_body = PasswordDraft, responses((status = 204)))]
pub async fn set_password(
    request: HttpRequest,
    state: Shared,
    principal: Principal,
    Body(draft): Body<PasswordDraft>,
) -> Result<HttpResponse, AdminError> {
    let Principal::User(account) = principal else {
        return Err(AdminError::conflict(
            None,
            "The master key has no password; change DELTALLM_MASTER_KEY and restart.",
        ));
    };
    password::check("new_password", &draft.new_password)?;
    let stored = {
        let client = state.database.client().await?;
        repository::user::credentials(&client, &account.email).await?.and_then(|found| found.password_hash)
    };
    if !password::verify(draft.current_password, stored).await? {
        return Err(AdminError::Caller(deltallm_shared::error::ApiError::about(
            ErrorCode::InvalidRequest,
            "current_password",
            "The current password is not right.",
        )));
    }
    let hash = password::hash(draft.new_password).await?;
    let own = request.cookie(session::COOKIE).map(|cookie| session::hash(cookie.value()));
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    repository::user::set_password(&transaction, account.id, &hash).await?;
    repository::session::end_all_of(&transaction, account.id, own.as_ref()).await?;
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
