//! The OpenAPI document of the public API. The dashboard's client is made from it.

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        Components, Content, Ref, RefOr, Response, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    auth::session,
    routes::{
        credentials, explain, keys, me, models, organizations, providers, requests, routing, session as log_in, spend,
        teams, users,
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "DeltaLLM admin API",
        description = "Keys, models, teams and the record of calls. Errors are `{\"error\":{\"message\",\"type\",\"param\",\"code\"}}`. \
                       Money is decimal text in US dollars; times are RFC 3339 in UTC."
    ),
    paths(
        log_in::log_in, log_in::log_out, me::get, me::set_password,
        keys::list, keys::create, keys::get, keys::update, keys::delete, keys::block, keys::unblock,
        models::list, models::create, models::get, models::update, models::delete, models::test, providers::list,
        credentials::list, credentials::create, credentials::get, credentials::update, credentials::delete,
        teams::list, teams::create, teams::get, teams::update, teams::delete,
        users::list, users::create, users::get, users::update, users::delete,
        organizations::list, organizations::create, organizations::get, organizations::update, organizations::delete,
        requests::list, requests::stream, requests::get, explain::get,
        routing::get, routing::set, routing::reset, routing::get_group, routing::set_group, routing::reset_group,
        spend::summary,
        get,
    ),
    components(schemas(ErrorBody)),
    modifiers(&Everywhere)
)]
struct Document;

/// What every error is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the shared crate's envelope in the document")]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the shared crate's envelope in the document")]
struct ErrorDetail {
    /// For people: says what to change.
    message: String,
    /// The class, in OpenAI's words.
    r#type: String,
    /// The field at fault.
    #[schema(required)]
    param: Option<String>,
    /// For programs: stable.
    code: String,
}

/// What holds of every operation: how one says who one is, and what an error looks like.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session::COOKIE)));
        components.add_security_scheme("session", cookie);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The master key")).build();
        components.add_security_scheme("master_key", SecurityScheme::Http(bearer));
        let any = ["session", "master_key"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
        document.security = Some(any.into());
        let error = Response::builder()
            .description("An error")
            .content("application/json", Content::new(Some(Ref::from_schema_name("ErrorBody"))))
            .build();
        for path in document.paths.paths.values_mut() {
            let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
            for operation in operations.into_iter().flatten() {
                operation.responses.responses.insert("default".to_owned(), RefOr::T(error.clone()));
            }
        }
    }
}

/// The document as JSON, one line per value so that a change shows as one.
pub fn json() -> Result<String, String> {
    let mut text =
        Document::openapi().to_pretty_json().map_err(|error| format!("the document cannot be written: {error}"))?;
    text.push('\n');
    Ok(text)
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "about", operation_id = "get_openapi",
    responses((status = 200, body = Object)), security(()))]
pub async fn get() -> HttpResponse {
    HttpResponse::Ok().json(Document::openapi())
}
