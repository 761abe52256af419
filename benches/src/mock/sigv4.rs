//! AWS Signature Version 4, seen from the side that verifies ("Signature Version 4 signing process", IAM User Guide).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use super::refusal::Refusal;
use super::vendor::Called;

/// The access key that Bedrock knows.
pub const ACCESS_KEY: &str = "AKIAMOCKUPSTREAM0001";
/// Its secret.
pub const SECRET_KEY: &str = "mock/upstream+secret0123456789abcdefghijk";
/// How far the clocks may be apart.
const SKEW_SECONDS: i64 = 300;

/// Whether the request is signed with the known secret, for `service`.
pub fn verify(called: &Called<'_>, service: &str) -> Result<(), Refusal> {
    let forbidden = |message: &str| Refusal { status: 403, ..Refusal::bad(message) };
    let Some(authorization) = called.header("authorization") else {
        return Err(forbidden("Missing Authentication Token"));
    };
    let Some(signed) = Signed::read(authorization) else {
        return Err(forbidden(
            "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters.",
        ));
    };
    let scope: Vec<&str> = signed.credential.split('/').collect();
    let [key, date, region, scope_service, "aws4_request"] = scope.as_slice() else {
        return Err(forbidden("Credential should be scoped to a valid region."));
    };
    if *key != ACCESS_KEY {
        return Err(forbidden("The security token included in the request is invalid."));
    }
    if *scope_service != service {
        return Err(forbidden(&format!("Credential should be scoped to correct service: '{service}'.")));
    }
    let at = called.header("x-amz-date").unwrap_or_default();
    let headers: Vec<&str> = signed.headers.split(';').collect();
    if !at.starts_with(date) || !is_now(at) || !headers.contains(&"host") || !headers.contains(&"x-amz-date") {
        return Err(forbidden("Signature expired, or 'host' and 'x-amz-date' are not signed."));
    }
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{at}\n{date}/{region}/{service}/aws4_request\n{}",
        hex(&Sha256::digest(canonical(called, &signed).as_bytes()))
    );
    let mut secret = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in [date, region, service, "aws4_request"] {
        secret = mac(&secret, part);
    }
    if hex(&mac(&secret, &to_sign)) == signed.signature {
        return Ok(());
    }
    Err(forbidden(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.",
    ))
}

struct Signed<'a> {
    credential: &'a str,
    headers: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn read(authorization: &'a str) -> Option<Self> {
        let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            rest.split(',')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        Some(Self {
            credential: field("Credential")?,
            headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }
}

/// The canonical request. The path is encoded once more than it was sent; all services but S3 do that.
fn canonical(called: &Called<'_>, signed: &Signed<'_>) -> String {
    let uri = &called.parts.uri;
    let mut query: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let mut headers = String::new();
    for name in signed.headers.split(';') {
        let own = (name == "host").then(|| uri.host()).flatten();
        let values = called.parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let values: Vec<String> = values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let value = if values.is_empty() { own.unwrap_or_default().to_owned() } else { values.join(",") };
        headers.extend([name, ":", &value, "\n"]);
    }
    let payload =
        called.header("x-amz-content-sha256").map_or_else(|| hex(&Sha256::digest(called.body)), str::to_owned);
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        called.parts.method,
        encoded(uri.path()),
        query.join("&"),
        signed.headers
    )
}

fn encoded(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    encoded
}

fn is_now(at: &str) -> bool {
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    let signed = time::PrimitiveDateTime::parse(at, form).map(|at| at.assume_utc());
    signed.is_ok_and(|at| (OffsetDateTime::now_utc() - at).whole_seconds().abs() <= SKEW_SECONDS)
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_derived_as_in_amazons_example() {
        // "Derive a signing key", IAM User Guide.
        let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec();
        for part in ["20120215", "us-east-1", "iam", "aws4_request"] {
            key = mac(&key, part);
        }
        assert_eq!(hex(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    #[test]
    fn what_was_encoded_is_encoded_again() {
        assert_eq!(encoded("/model/a.b-v1%3A0/converse"), "/model/a.b-v1%253A0/converse");
        assert_eq!(encoded("/model/a.b-v1:0/converse"), "/model/a.b-v1%3A0/converse");
    }

    #[test]
    fn old_signatures_are_refused() {
        assert!(!is_now("20150830T123600Z"));
        assert!(!is_now("now"));
    }
}
