//! Where access tokens come from: Google's for service accounts, Microsoft Entra's for applications.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::options::MockOptions;
use super::refusal::Refusal;
use super::reply::Reply;
use super::vendor::{Called, ErrorBody, Frames, Task, Vendor};

/// The token that Vertex AI takes.
pub const GOOGLE_TOKEN: &str = "ya29.mock-access-token";
/// The token that Azure OpenAI takes beside any key.
pub const ENTRA_TOKEN: &str = "eyJ0eXAiOiJKV1Qi.mock-entra-token";
/// The secret of the application at Entra.
pub const ENTRA_SECRET: &str = "mock-entra-secret";

/// `POST /token` (RFC 7523: a JWT that the service account signed, for a token).
pub struct GoogleTokens;

/// `POST /{tenant}/oauth2/v2.0/token` (client credentials).
pub struct EntraTokens;

/// A field of a form.
fn field(called: &Called<'_>, name: &str) -> String {
    let body = String::from_utf8_lossy(called.body);
    let value = body.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    let value = value.map(|(_, value)| value.replace('+', " ")).unwrap_or_default();
    percent_decode_str(&value).decode_utf8_lossy().into_owned()
}

fn token(token: &'static str) -> Task {
    let make = move |_: &MockOptions, _| {
        json!({ "access_token": token, "expires_in": 3599, "ext_expires_in": 3599, "token_type": "Bearer" })
            .to_string()
            .into_bytes()
    };
    Task::Plain { model: "token".to_owned(), make: Box::new(make) }
}

/// What a signed JWT claims, if it has the shape of one.
fn claims(jwt: &str) -> Option<Value> {
    let mut parts = jwt.split('.');
    let mut json = || serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
    let (header, claims) = (json()?, json()?);
    let signature = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    // RSA with 2048 bits and more signs with 256 bytes and more.
    let is_whole = parts.next().is_none() && signature.len() >= 256;
    (is_whole && header.get("alg").and_then(Value::as_str) == Some("RS256")).then_some(claims)
}

fn google(called: &Called<'_>) -> Result<Task, Refusal> {
    let refuse = |message: &str| Err(Refusal { code: Some("invalid_grant".to_owned()), ..Refusal::bad(message) });
    if field(called, "grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return refuse("Invalid grant_type");
    }
    let Some(claims) = claims(&field(called, "assertion")) else {
        return refuse("Invalid JWT Signature.");
    };
    let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or(0);
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if !(1..=3600).contains(&(number("exp") - number("iat"))) {
        return refuse("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.");
    }
    if !text("iss").contains('@') || !text("aud").ends_with("/token") {
        return refuse("Invalid JWT: Failed audience check.");
    }
    if !text("scope").split(' ').any(|scope| scope == "https://www.googleapis.com/auth/cloud-platform") {
        return refuse("Invalid OAuth scope or ID token audience provided.");
    }
    Ok(token(GOOGLE_TOKEN))
}

fn entra(called: &Called<'_>) -> Result<Task, Refusal> {
    let refuse = |code: &str, message: &str| Err(Refusal { code: Some(code.to_owned()), ..Refusal::bad(message) });
    if field(called, "grant_type") != "client_credentials" {
        return refuse("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.");
    }
    if field(called, "client_id").is_empty() || field(called, "client_secret") != ENTRA_SECRET {
        return Err(Refusal {
            status: 401,
            code: Some("invalid_client".to_owned()),
            ..Refusal::bad("AADSTS7000215: Invalid client secret provided.")
        });
    }
    if !field(called, "scope").ends_with("/.default") {
        return refuse("invalid_scope", "AADSTS1002012: The provided value for scope is not valid.");
    }
    Ok(token(ENTRA_TOKEN))
}

/// RFC 6749's error body.
fn oauth_error(refusal: &Refusal) -> ErrorBody {
    let code = refusal.code.as_deref().unwrap_or("invalid_request");
    ErrorBody::json(json!({ "error": code, "error_description": refusal.message }))
}

impl Vendor for GoogleTokens {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        called.posts_to(&["/token"]).then(|| google(called))
    }

    fn whole(&self, _: &Reply) -> Vec<u8> {
        Vec::new()
    }

    fn frames(&self, _: Reply) -> Frames {
        Box::new(std::iter::empty())
    }

    fn stream_fault(&self) -> Bytes {
        Bytes::new()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        oauth_error(refusal)
    }
}

impl Vendor for EntraTokens {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let tenant = called.path.strip_suffix("/oauth2/v2.0/token")?;
        (called.posts_to(&[called.path]) && tenant.len() > 1).then(|| entra(called))
    }

    fn whole(&self, _: &Reply) -> Vec<u8> {
        Vec::new()
    }

    fn frames(&self, _: Reply) -> Frames {
        Box::new(std::iter::empty())
    }

    fn stream_fault(&self) -> Bytes {
        Bytes::new()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        oauth_error(refusal)
    }
}
