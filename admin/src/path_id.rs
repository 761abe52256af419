//! The `{id}` of a path. A text that is no id names nothing, so it is 404 as an unknown id is.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use uuid::Uuid;

use crate::error::AdminError;

/// The id.
pub struct PathId(pub Uuid);

impl FromRequest for PathId {
    type Error = AdminError;
    type Future = std::future::Ready<Result<Self, AdminError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = request.match_info().get("id").and_then(|text| text.parse().ok());
        std::future::ready(parsed.map(Self).ok_or_else(|| AdminError::not_found("object")))
    }
}
