//! Every route of the service, in one place. What stands around them is in `middleware.rs`, who may call them in
//! `permissions.rs`.

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::header,
    middleware::from_fn,
    web,
};
use deltallm_shared::{crypto, error::ErrorCode};

use crate::{
    auth::session,
    config_stream,
    error::AdminError,
    ingest, middleware, openapi, permissions,
    routes::{
        credentials, explain, health, keys, me, models, organizations, providers, requests, routing, session as log_in,
        spend, teams, users,
    },
    state::Shared,
    ui,
};

/// A batch of events at its largest.
const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

/// The public port: dashboard and API.
pub fn public(config: &mut web::ServiceConfig) {
    config
        .service(
            web::scope("/api")
                .wrap(from_fn(middleware::guard))
                .service(at("/openapi.json").get(openapi::get))
                .service(web::scope("/v1").configure(api))
                .default_service(web::to(not_found)),
        )
        .route("/health/liveness", web::get().to(health::liveness))
        .route("/health/readiness", web::get().to(health::readiness))
        .route("/metrics", web::get().to(health::metrics))
        // What is left is the dashboard's.
        .default_service(web::to(ui::serve));
}

fn api(config: &mut web::ServiceConfig) {
    config
        .service(at("/session").post(log_in::log_in).delete(log_in::log_out))
        .service(at("/me").get(me::get))
        .service(at("/me/password").put(me::set_password))
        .service(at("/keys").get(keys::list).post(keys::create))
        .service(at("/keys/{id}").get(keys::get).patch(keys::update).delete(keys::delete))
        .service(at("/keys/{id}/block").post(keys::block))
        .service(at("/keys/{id}/unblock").post(keys::unblock))
        .service(at("/models").get(models::list).post(models::create))
        // Before `/models/{id}`, which would take it.
        .service(at("/models/test").post(models::test))
        .service(at("/models/{id}").get(models::get).patch(models::update).delete(models::delete))
        .service(at("/providers").get(providers::list))
        .service(at("/credentials").get(credentials::list).post(credentials::create))
        .service(at("/credentials/{id}").get(credentials::get).patch(credentials::update).delete(credentials::delete))
        .service(at("/teams").get(teams::list).post(teams::create))
        .service(at("/teams/{id}").get(teams::get).patch(teams::update).delete(teams::delete))
        .service(at("/users").get(users::list).post(users::create))
        .service(at("/users/{id}").get(users::get).patch(users::update).delete(users::delete))
        .service(at("/organizations").get(organizations::list).post(organizations::create))
        .service(
            at("/organizations/{id}")
                .get(organizations::get)
                .patch(organizations::update)
                .delete(organizations::delete),
        )
        .service(at("/requests").get(requests::list))
        // Before `/requests/{id}`, which would take it.
        .service(at("/requests/stream").get(requests::stream))
        .service(at("/requests/{id}").get(requests::get))
        .service(at("/requests/{id}/explain").get(explain::get))
        .service(at("/routing").get(routing::get).put(routing::set).delete(routing::reset))
        .service(
            at("/routing/groups/{model_name}")
                .get(routing::get_group)
                .put(routing::set_group)
                .delete(routing::reset_group),
        )
        .service(at("/spend/summary").get(spend::summary));
}

/// The internal port: for proxies, by their token.
pub fn internal(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(MAX_BATCH_BYTES))
        .service(
            web::scope("/internal/v1")
                .wrap(from_fn(proxies_only))
                .route("/config", web::get().to(config_stream::stream))
                .route("/events", web::post().to(ingest::receive))
                .default_service(web::to(not_found)),
        )
        .route("/health/liveness", web::get().to(health::liveness))
        .default_service(web::to(not_found));
}

/// A path with a bound on its answer's time and a 405 that names the methods it knows.
fn at(
    path: &str,
) -> Resource<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<actix_web::body::BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    web::resource(path).default_service(web::to(wrong_method)).wrap(from_fn(middleware::hurry))
}

async fn not_found() -> Result<HttpResponse, AdminError> {
    Err(AdminError::caller(ErrorCode::NotFound, "There is nothing at this address."))
}

async fn wrong_method(request: HttpRequest) -> HttpResponse {
    use actix_web::ResponseError;
    let methods = request.match_pattern().map(|pattern| permissions::methods(&pattern)).unwrap_or_default().join(", ");
    let error = AdminError::caller(ErrorCode::MethodNotAllowed, format!("This address knows the methods {methods}."));
    let mut response = error.error_response();
    if let Ok(value) = header::HeaderValue::from_str(&methods) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The internal port answers nobody but proxies of this installation.
async fn proxies_only(
    request: ServiceRequest,
    next: actix_web::middleware::Next<impl actix_web::body::MessageBody + 'static>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    let is_known = match (session::bearer(request.request()), request.app_data::<Shared>()) {
        (Some(token), Some(state)) => crypto::constant_time_eq(token, state.internal_token.expose()),
        _ => false,
    };
    if !is_known {
        return Ok(request.error_response(AdminError::caller(
            ErrorCode::InvalidApiKey,
            "The internal token is not right: does this proxy have the same DELTALLM_SALT_KEY?",
        )));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
