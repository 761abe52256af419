//! `/api/v1/providers`.

use actix_web::HttpResponse;
use deltallm_shared::providers::PROVIDERS;

use crate::{page::Page, views::deployment::ProviderView};

/// The vendors that deployments can be made for.
#[utoipa::path(get, path = "/api/v1/providers", tag = "models", operation_id = "list_providers",
    responses((status = 200, body = Page<ProviderView>)))]
pub async fn list() -> HttpResponse {
    HttpResponse::Ok().json(Page { data: PROVIDERS.iter().map(ProviderView::from).collect(), next_cursor: None })
}
