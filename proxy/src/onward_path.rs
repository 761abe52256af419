//! The path of a call that is passed through to a provider as it is: what a client may append to a provider's address.
//!
//! The gateway signs such a call with its own credential, so a client must not be able to lead it anywhere but below the
//! deployment's address: no dots that climb, no empty segments, nothing that a server between could decode into them.

use deltallm_shared::error::{ApiError, ErrorCode};

const MAX_BYTES: usize = 4096;
/// Parameters of the query that carry a credential; the gateway's own takes their place.
const CREDENTIALS: [&str; 6] = ["key", "api_key", "api-key", "access_token", "token", "x-goog-api-key"];

/// The part of a path behind `/{provider}`, beginning with `/`, checked.
pub fn checked_path(rest: &str) -> Result<&str, ApiError> {
    if rest.len() > MAX_BYTES {
        return refuse("it is too long");
    }
    let Some(relative) = rest.strip_prefix('/').filter(|relative| !relative.is_empty()) else {
        return refuse("nothing stands behind the provider's name");
    };
    if !rest.bytes().all(is_path_byte) {
        return refuse("it holds a character that needs an escape");
    }
    let mut segments = relative.split('/').peekable();
    while let Some(segment) = segments.next() {
        // A last slash is a path of its own at some providers.
        if segment.is_empty() && segments.peek().is_some() {
            return refuse("it has an empty segment");
        }
        let Some(plain) = decode(segment) else { return refuse("an escape in it is broken") };
        // Twice: a server between may decode once more than the last one.
        let twice = decode(&plain).unwrap_or_else(|| plain.clone());
        for text in [&plain, &twice] {
            let bare = text.split(';').next().unwrap_or_default();
            if bare == "." || bare == ".." {
                return refuse("it climbs");
            }
            if text.contains(['/', '\\', '\0', '\r', '\n']) {
                return refuse("an escaped slash or control character stands in it");
            }
        }
    }
    Ok(rest)
}

fn refuse(reason: &str) -> Result<&str, ApiError> {
    Err(ApiError::new(ErrorCode::InvalidRequest, format!("The path cannot be passed on: {reason}.")))
}

/// The query without the client's credential; `None` where nothing is left.
pub fn without_credentials(query: &str) -> Option<String> {
    let is_kept = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        let plain = decode(name).unwrap_or_default().to_ascii_lowercase();
        !pair.is_empty() && !CREDENTIALS.contains(&plain.as_str()) && plain != "x-deltallm-model"
    };
    let left: Vec<&str> = query.split('&').filter(is_kept).collect();
    let left = left.join("&");
    (!left.is_empty() && left.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')).then_some(left)
}

/// The base's path and the client's, joined; where the client's begins with the base's, that stands there once, because
/// people write `/openai/v1/files` for a base that ends in `/v1`.
pub fn joined(base_path: &str, rest: &str) -> String {
    let mut segments: Vec<&str> = base_path.split('/').filter(|segment| !segment.is_empty()).collect();
    let first = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
    if segments.last() == Some(&first) {
        segments.pop();
    }
    let base = segments.iter().fold(String::new(), |path, segment| path + "/" + segment);
    base + rest
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte)
}

/// A value of a query without its escapes; as it is where they are broken.
pub fn decoded(text: &str) -> String {
    decode(text).unwrap_or_else(|| text.to_owned())
}

/// Without escapes; `None` where one is broken or the text is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            out.push(u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()?);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_provider_pass() {
        for good in [
            "/v1/files",
            "/v1/models/gpt-4o",
            "/model/anthropic.claude-v2%3A1/converse",
            "/v1beta/models/m:generateContent",
            "/a/b/",
            "/v1/files/file-1~x",
        ] {
            assert_eq!(checked_path(good).ok(), Some(good));
        }
        for bad in [
            "",
            "/",
            "v1",
            "/../x",
            "/v1/../../x",
            "/v1/./x",
            "/v1//x",
            "//evil.example/x",
            "/%2e%2e/x",
            "/v1/%2E./x",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/%252e%252e/x",
            "/a%252fb",
            "/..;a=b/x",
            "/a%00b",
            "/a%0d%0ab",
            "/a%",
            "/a%zz",
            "/a b",
            "/a?b",
            "/a#b",
            "/ä",
            "/user@host/../x",
            "/%ff",
        ] {
            assert!(checked_path(bad).is_err(), "{bad}");
        }
        assert!(checked_path(&format!("/{}", "a".repeat(5000))).is_err());
    }

    #[test]
    fn the_clients_credential_does_not_go_on() {
        assert_eq!(without_credentials("alt=sse&key=sk-mine&pageSize=2").as_deref(), Some("alt=sse&pageSize=2"));
        assert_eq!(without_credentials("key=sk-mine"), None);
        assert_eq!(without_credentials("k%65y=sk-mine&API_KEY=x"), None);
        assert_eq!(without_credentials(""), None);
    }

    #[test]
    fn a_version_stands_once() {
        assert_eq!(joined("/v1", "/v1/files"), "/v1/files");
        assert_eq!(joined("/v1", "/files"), "/v1/files");
        assert_eq!(joined("", "/v1/messages"), "/v1/messages");
        assert_eq!(joined("/openai/v1", "/v1/models"), "/openai/v1/models");
        assert_eq!(joined("/proxy", "/v1beta/models"), "/proxy/v1beta/models");
    }
}
