//! `/api/v1/requests/{id}/explain`: how a call found its deployment.

use actix_web::{HttpResponse, web};
use deltallm_shared::routing::RouteTrace;

use super::{requests, routing::Known};
use crate::{error::AdminError, explain, repository::request, state::Shared, views::explain::ExplainView};

/// What was decided for a call: who could have been asked and why each was or was not, each attempt, and what was paid beside it.
#[utoipa::path(get, path = "/api/v1/requests/{id}/explain", tag = "requests", operation_id = "explain_request",
    params(("id" = String, Path)), responses((status = 200, body = ExplainView)))]
pub async fn get(state: Shared, id: web::Path<String>) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let row = requests::find(&client, &id).await?;
    let trace = request::route(&client, row.event_id).await?.and_then(|stored| {
        let trace = serde_json::from_value::<RouteTrace>(stored);
        trace.inspect_err(|error| tracing::warn!(%error, event_id = %row.event_id, "a trace cannot be read")).ok()
    });
    let beside = request::beside(&client, &row).await?;
    let known = Known::read(&client, &state).await?;
    let beside = beside.into_iter().map(|row| requests::view(&state, row)).collect();
    let call = requests::view(&state, row);
    Ok(HttpResponse::Ok().json(explain::explain(call, trace, beside, &known.deployments)))
}
