//! First stage: is this a request that can be understood in one way only, and what is it for?
//!
//! Refuses what a front and a back server could read differently (two lengths, length and chunks at once, no host), because
//! Pingora accepts some of it, and header blocks that no client of ours needs.

use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
};
use http::{HeaderMap, Method, Version, header, request::Parts};
use uuid::Uuid;

use crate::endpoints::{self, Action, Endpoint, Found, Surface};

const MAX_HEADER_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
const MAX_REQUEST_ID_CHARS: usize = 128;
const REQUEST_ID: &str = "x-request-id";
/// Media types of bodies.
const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";

/// A request that makes sense so far.
#[derive(Debug)]
pub struct Received {
    /// Which surface.
    pub endpoint: &'static Endpoint,
    /// The model or the id of a thing, where the path names it; without escapes.
    pub path_model: Option<String>,
    /// The media type of the body, without its parameters and in small letters; empty where the client names none.
    pub media_type: String,
    /// The body's length where it is known in advance.
    pub content_length: Option<u64>,
    /// Whether the client waits for `100 Continue`.
    pub expects_continue: bool,
}

/// The caller's request id, if it is one that can be passed on; else a new one.
pub fn request_id(headers: &HeaderMap) -> String {
    let is_usable = |id: &&str| {
        !id.is_empty() && id.len() <= MAX_REQUEST_ID_CHARS && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_usable);
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Whether a body follows the header.
pub fn announces_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).map(|value| value.as_bytes());
    length.is_some_and(|length| length != b"0") || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Runs the stage.
pub fn receive(head: &Parts) -> Result<Received, ApiError> {
    check_size(&head.headers)?;
    check_framing(head)?;
    let (endpoint, path_model) = match endpoints::find(&head.method, head.uri.path()) {
        Found::Endpoint(endpoint, model) => (endpoint, model.map(percent_decode)),
        Found::OtherMethod(allowed) => {
            let text = format!("{} is not allowed here; use {allowed}.", head.method);
            return Err(ApiError::new(ErrorCode::MethodNotAllowed, text));
        }
        Found::Nothing => {
            let text = format!(
                "There is nothing at `{}`. Model calls go to `/v1/chat/completions` or `/v1/embeddings`.",
                shorten(head.uri.path())
            );
            return Err(ApiError::new(ErrorCode::NotFound, text));
        }
    };
    let content_length = content_length(&head.headers)?;
    let media_type = media_type(&head.headers);
    match endpoint.surface {
        Surface::Model { .. } => check_media_type(&head.headers, &media_type, &[JSON])?,
        Surface::Upload { json: Some(_), .. } => check_media_type(&head.headers, &media_type, &[FORM, JSON])?,
        Surface::Upload { json: None, .. } => check_media_type(&head.headers, &media_type, &[FORM])?,
        Surface::Object { operation: Operation::Files, action: Action::Create } => {
            check_media_type(&head.headers, &media_type, &[FORM])?;
        }
        Surface::Object { action: Action::Create | Action::Cancel, .. } => {
            check_media_type(&head.headers, &media_type, &[JSON])?;
        }
        Surface::Onward => check_encoding(&head.headers)?,
        _ if content_length.is_some_and(|length| length > 0)
            || head.headers.contains_key(header::TRANSFER_ENCODING) =>
        {
            return Err(invalid("A GET request has no body here."));
        }
        _ => {}
    }
    let expects_continue =
        head.headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    Ok(Received { endpoint, path_model, media_type, content_length, expects_continue })
}

/// Names of models hold slashes and colons, which clients escape.
fn percent_decode(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let escaped =
            text.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn check_size(headers: &HeaderMap) -> Result<(), ApiError> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEADER_BYTES || headers.len() > MAX_HEADERS {
        let text = format!("The request has more than {MAX_HEADERS} header lines or {MAX_HEADER_BYTES} bytes of them.");
        return Err(ApiError::new(ErrorCode::HeadersTooLarge, text));
    }
    Ok(())
}

/// The value of a parameter of the query, as it stands there.
pub fn query_value<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.uri.query()?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn check_framing(head: &Parts) -> Result<(), ApiError> {
    let count = |name: header::HeaderName| head.headers.get_all(name).iter().count();
    if matches!(head.method, Method::TRACE | Method::CONNECT) {
        return Err(ApiError::new(ErrorCode::MethodNotAllowed, format!("{} is not allowed.", head.method)));
    }
    if head.version == Version::HTTP_11 && count(header::HOST) != 1 {
        return Err(invalid("An HTTP/1.1 request has exactly one `host` header."));
    }
    if count(header::CONTENT_LENGTH) > 1 {
        return Err(invalid("The request has two `content-length` headers."));
    }
    let encodings = count(header::TRANSFER_ENCODING);
    if encodings > 0 {
        let chunked = head
            .headers
            .get(header::TRANSFER_ENCODING)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if encodings > 1 || !chunked || count(header::CONTENT_LENGTH) > 0 {
            return Err(invalid(
                "The body's length must be given by `content-length` or by `transfer-encoding: chunked`, not by both.",
            ));
        }
    }
    if count(header::AUTHORIZATION) > 1 {
        return Err(invalid("The request has two `authorization` headers."));
    }
    Ok(())
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| invalid("`content-length` is not a number."))
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    String::from_utf8_lossy(essence).to_ascii_lowercase()
}

fn check_media_type(headers: &HeaderMap, media_type: &str, wanted: &[&str]) -> Result<(), ApiError> {
    check_encoding(headers)?;
    // No type at all is taken for JSON: every client that names one names it right.
    let is_wanted = wanted.contains(&media_type) || (media_type.is_empty() && wanted.contains(&JSON));
    if is_wanted && headers.get_all(header::CONTENT_TYPE).iter().count() <= 1 {
        return Ok(());
    }
    let wanted = wanted.join("` or `");
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, format!("Send the body as `content-type: {wanted}`.")))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let text = "A compressed body is not read here; send it without `content-encoding`.";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, text));
    }
    Ok(())
}

fn invalid(text: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, text)
}

fn shorten(path: &str) -> String {
    path.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn code(method: &str, path: &str, headers: &[(&str, &str)]) -> &'static str {
        let mut builder = Request::builder().method(method).uri(path).version(Version::HTTP_11).header("host", "x");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        receive(&head).map_or_else(|error| error.code.code(), |received| received.endpoint.name)
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        let chat = |headers: &[(&str, &str)]| code("POST", "/v1/chat/completions", headers);
        assert_eq!(chat(&[("content-length", "3")]), "chat_completions");
        assert_eq!(chat(&[("transfer-encoding", "chunked")]), "chat_completions");
        for headers in [
            &[("content-length", "3"), ("content-length", "4")][..],
            &[("content-length", "3"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "identity, chunked")],
            &[("content-length", "+3")],
            &[("host", "y")],
            &[("authorization", "a"), ("authorization", "b")],
        ] {
            assert_eq!(chat(headers), "invalid_request_error", "{headers:?}");
        }
    }

    #[test]
    fn types_methods_and_sizes_are_checked() {
        assert_eq!(
            code("POST", "/v1/chat/completions", &[("content-type", "Application/JSON; charset=utf-8")]),
            "chat_completions"
        );
        assert_eq!(code("POST", "/v1/chat/completions", &[("content-type", "text/plain")]), "unsupported_media_type");
        assert_eq!(code("POST", "/v1/chat/completions", &[("content-encoding", "gzip")]), "unsupported_media_type");
        assert_eq!(code("GET", "/v1/chat/completions", &[]), "method_not_allowed");
        assert_eq!(code("TRACE", "/v1/models", &[]), "method_not_allowed");
        assert_eq!(code("GET", "/nowhere", &[]), "not_found");
        assert_eq!(code("GET", "/v1/models", &[("content-length", "5")]), "invalid_request_error");
        assert_eq!(code("GET", "/v1/models", &[("x-a", &"a".repeat(70_000))]), "headers_too_large");
    }

    #[test]
    fn a_usable_request_id_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, "abc-1".parse().unwrap());
        assert_eq!(request_id(&headers), "abc-1");
        headers.insert(REQUEST_ID, "a b".parse().unwrap());
        assert_eq!(request_id(&headers).len(), 36);
    }
}
