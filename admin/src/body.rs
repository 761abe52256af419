//! Reading a JSON body and a query strictly: every refusal names the field.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use deltallm_shared::error::ErrorCode;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::error::AdminError;

/// No body of this API is anywhere near as large.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A JSON body of type `T`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = AdminError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AdminError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        });
        let mut payload = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            if !is_json {
                return Err(AdminError::caller(
                    ErrorCode::UnsupportedMediaType,
                    "Send the body as JSON, with `Content-Type: application/json`.",
                ));
            }
            let payload = payload.as_mut().map_err(|error| AdminError::Internal(error.to_string()))?;
            let mut bytes = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| AdminError::caller(ErrorCode::InvalidRequest, "The body broke off."))?;
                if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                    return Err(AdminError::caller(
                        ErrorCode::RequestTooLarge,
                        format!("The body is larger than {MAX_BODY_BYTES} bytes."),
                    ));
                }
                bytes.extend_from_slice(&chunk);
            }
            parse(&bytes).map(Body)
        })
    }
}

/// Parses JSON; an error names the field it is about.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AdminError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let text = inner.to_string();
        if inner.is_syntax() || inner.is_eof() {
            return AdminError::caller(ErrorCode::InvalidRequest, format!("The body is not valid JSON: {text}."));
        }
        about_field(&path, &text)
    })?;
    deserializer
        .end()
        .map_err(|_| AdminError::caller(ErrorCode::InvalidRequest, "The body holds more than one JSON value."))?;
    Ok(value)
}

/// The query string as `T`.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = AdminError;
    type Future = std::future::Ready<Result<Self, AdminError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = web::Query::<T>::from_query(request.query_string());
        std::future::ready(
            parsed.map(|query| Self(query.into_inner())).map_err(|error| about_field(".", &error.to_string())),
        )
    }
}

/// serde names the field in its text where the path ends above it: "missing field `name`", "unknown field `nme`, …".
fn about_field(path: &str, text: &str) -> AdminError {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| text.split_once(start)?.1.split('`').next());
    let above = path.trim_start_matches('.');
    // The position in the text says little to somebody who sent a one-line body.
    let message = text.split(" at line ").next().unwrap_or(text);
    let param = match named {
        Some(field) if above.is_empty() => field.to_owned(),
        Some(field) if above == field || above.ends_with(&format!(".{field}")) => above.to_owned(),
        Some(field) => format!("{above}.{field}"),
        None => above.to_owned(),
    };
    let message =
        if named.is_some() || param.is_empty() { format!("{message}.") } else { format!("`{param}`: {message}.") };
    if param.is_empty() {
        return AdminError::caller(ErrorCode::InvalidRequest, message);
    }
    AdminError::invalid(&param, message)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Draft {
        #[expect(dead_code, reason = "only parsed")]
        name: String,
        #[expect(dead_code, reason = "only parsed")]
        #[serde(default)]
        limits: Vec<u32>,
    }

    fn param(body: &str) -> Option<String> {
        match parse::<Draft>(body.as_bytes()) {
            Err(AdminError::Caller(error)) => error.param,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refusals_name_the_field() {
        assert_eq!(param("{}").as_deref(), Some("name"));
        assert_eq!(param(r#"{"name":"a","nme":1}"#).as_deref(), Some("nme"));
        assert_eq!(param(r#"{"name":1}"#).as_deref(), Some("name"));
        assert_eq!(param(r#"{"name":"a","limits":[1,-2]}"#).as_deref(), Some("limits[1]"));
        assert_eq!(param("{"), None);
        assert_eq!(param("[]"), None);
    }
}
