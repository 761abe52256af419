//! What texts, lists and addresses people may give; every refusal names its field.

use std::net::{IpAddr, SocketAddr};

use deltallm_shared::{
    egress::{self, Cidr},
    providers,
    time_text::Timestamp,
};
use serde_json::{Map, Value};

use crate::error::AdminError;

const MAX_NAME_CHARS: usize = 200;
const MAX_MODELS: usize = 1000;
const MAX_TAGS: usize = 50;
const MAX_METADATA_BYTES: usize = 16 * 1024;
const MAX_TIMEOUT_MS: u64 = 24 * 3600 * 1000;
const MAX_API_KEY_BYTES: usize = 8 * 1024;

/// A name of one line, trimmed.
pub fn name(param: &str, text: &str) -> Result<String, AdminError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(AdminError::invalid(param, format!("`{param}` must not be empty.")));
    }
    if text.chars().count() > MAX_NAME_CHARS {
        return Err(AdminError::invalid(param, format!("`{param}` must have at most {MAX_NAME_CHARS} characters.")));
    }
    if text.chars().any(char::is_control) {
        return Err(AdminError::invalid(param, format!("`{param}` must not hold control characters.")));
    }
    Ok(text.to_owned())
}

/// A name that may be left out; an empty one is none.
pub fn optional_name(param: &str, text: Option<&str>) -> Result<Option<String>, AdminError> {
    text.filter(|text| !text.trim().is_empty()).map(|text| name(param, text)).transpose()
}

/// Public model names; each at most once.
pub fn models(param: &str, models: Option<Vec<String>>) -> Result<Option<Vec<String>>, AdminError> {
    let Some(models) = models else { return Ok(None) };
    Ok(Some(names(param, models, MAX_MODELS)?))
}

/// Routing tags.
pub fn tags(param: &str, tags: Vec<String>) -> Result<Vec<String>, AdminError> {
    names(param, tags, MAX_TAGS)
}

fn names(param: &str, list: Vec<String>, max: usize) -> Result<Vec<String>, AdminError> {
    if list.len() > max {
        return Err(AdminError::invalid(param, format!("`{param}` must have at most {max} entries.")));
    }
    let mut checked: Vec<String> = Vec::with_capacity(list.len());
    for (at, text) in list.iter().enumerate() {
        let text = name(&format!("{param}[{at}]"), text)?;
        if !checked.contains(&text) {
            checked.push(text);
        }
    }
    Ok(checked)
}

/// An address that mail could be sent to, as far as one can see; lower case, as people write it in any.
pub fn email(param: &str, text: &str) -> Result<String, AdminError> {
    let text = text.trim().to_lowercase();
    let wrong = || AdminError::invalid(param, format!("`{param}` must be an e-mail address such as ada@example.com."));
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let is_plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if local.is_empty() || domain.is_empty() || text.len() > 254 || !is_plain || local.contains('@') {
        return Err(wrong());
    }
    Ok(text)
}

/// A moment that is still to come.
pub fn future(param: &str, at: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>, AdminError> {
    match at {
        Some(at) if at <= now => Err(AdminError::invalid(param, format!("`{param}` must lie in the future."))),
        at => Ok(at),
    }
}

/// A small JSON object.
pub fn metadata(param: &str, metadata: Option<Map<String, Value>>) -> Result<Value, AdminError> {
    let value = Value::Object(metadata.unwrap_or_default());
    let text = value.to_string();
    if text.len() > MAX_METADATA_BYTES {
        return Err(AdminError::invalid(
            param,
            format!("`{param}` must be at most {MAX_METADATA_BYTES} bytes of JSON."),
        ));
    }
    // PostgreSQL's jsonb cannot hold this character.
    if text.contains("\\u0000") {
        return Err(AdminError::invalid(param, format!("`{param}` must not hold the character U+0000.")));
    }
    Ok(value)
}

/// A known provider's id.
pub fn provider(param: &str, id: &str) -> Result<&'static providers::Provider, AdminError> {
    providers::provider(id).ok_or_else(|| {
        let known: Vec<_> = providers::PROVIDERS.iter().map(|provider| provider.id).collect();
        AdminError::invalid(param, format!("`{param}` must be one of: {}.", known.join(", ")))
    })
}

/// A credential as a provider hands it out: visible ASCII, since it goes into a header.
pub fn api_key(param: &str, text: &str) -> Result<String, AdminError> {
    let text = text.trim();
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if text.is_empty() || text.len() > MAX_API_KEY_BYTES || !is_visible {
        return Err(AdminError::invalid(param, format!("`{param}` must be visible ASCII characters.")));
    }
    Ok(text.to_owned())
}

/// A time limit of one to so many milliseconds as a day has.
pub fn timeout(param: &str, value: Option<u64>) -> Result<Option<u64>, AdminError> {
    match value {
        Some(ms) if !(1..=MAX_TIMEOUT_MS).contains(&ms) => {
            Err(AdminError::invalid(param, format!("`{param}` must be between 1 and {MAX_TIMEOUT_MS} milliseconds.")))
        }
        value => Ok(value),
    }
}

/// A provider's address set through the API: well formed, and every address that its host stands for may be called.
///
/// The proxy asks again at connection time, as a name may point elsewhere by then; here it is said early and clearly.
pub async fn api_base(param: &str, url: &str, allow_private: &[Cidr]) -> Result<String, AdminError> {
    let url = url.trim().trim_end_matches('/');
    egress::check_url(url).map_err(|why| AdminError::invalid(param, format!("`{param}` cannot be used: {why}.")))?;
    for address in resolve(param, url).await? {
        if !egress::is_allowed(address, allow_private) {
            return Err(AdminError::invalid(
                param,
                format!(
                    "`{param}` points to a private or local address. The operator can allow its network in config.yaml: \
                     `general_settings: {{ egress: {{ allow_private: [10.0.0.0/8] }} }}`."
                ),
            ));
        }
    }
    Ok(url.to_owned())
}

async fn resolve(param: &str, url: &str) -> Result<Vec<IpAddr>, AdminError> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => (host, 443),
        None => authority.rsplit_once(':').map_or((authority, 443), |(host, port)| (host, port.parse().unwrap_or(443))),
    };
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let lookup = tokio::time::timeout(std::time::Duration::from_secs(5), tokio::net::lookup_host((host, port)));
    let found: Vec<SocketAddr> = match lookup.await {
        Ok(Ok(found)) => found.collect(),
        // A name that does not resolve here may still resolve for the proxy, which will judge the addresses it gets.
        Ok(Err(_)) | Err(_) => {
            tracing::info!(param, host, "the name does not resolve here; the proxy will judge its addresses");
            Vec::new()
        }
    };
    Ok(found.into_iter().map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(name("name", " a b ").unwrap(), "a b");
        assert!(name("name", " ").is_err());
        assert!(name("name", "a\0b").is_err());
        assert!(name("name", &"x".repeat(201)).is_err());
    }

    #[test]
    fn addresses_of_mail_are_recognised() {
        assert_eq!(email("email", " Ada@Example.com ").unwrap(), "ada@example.com");
        for wrong in ["ada", "@example.com", "ada@", "a b@example.com", "a@b@c"] {
            assert!(email("email", wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_base_url_may_not_point_inside_unless_the_operator_says_so() {
        for url in [
            "http://127.0.0.1:8080/v1",
            "http://[::1]/v1",
            "http://localhost:11434/v1",
            "http://169.254.169.254/latest",
            "http://10.1.2.3/v1",
            "file:///etc/passwd",
            "https://user:secret@api.example.com/v1",
        ] {
            assert!(api_base("api_base", url, &[]).await.is_err(), "{url}");
        }
        let allowed = ["10.1.0.0/16".parse().unwrap()];
        assert_eq!(api_base("api_base", "http://10.1.2.3/v1/", &allowed).await.unwrap(), "http://10.1.2.3/v1");
        assert!(api_base("api_base", "https://8.8.8.8/v1", &[]).await.is_ok());
    }

    #[test]
    fn metadata_stays_small_and_storable() {
        let object = |value: Value| value.as_object().cloned();
        assert!(metadata("metadata", object(serde_json::json!({"a": "b"}))).is_ok());
        assert!(metadata("metadata", object(serde_json::json!({"a": "\0"}))).is_err());
        assert!(metadata("metadata", object(serde_json::json!({"a": "x".repeat(20_000)}))).is_err());
    }
}
