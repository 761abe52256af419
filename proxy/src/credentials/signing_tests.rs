//! Headers of every style, and signatures against known ones.

use deltallm_shared::{ids::CredentialId, secret::Secret, time_text::Timestamp};

use super::*;

/// 2015-08-30T12:36:00Z, the moment of AWS' test suite.
const MOMENT: Timestamp = Timestamp(1_440_938_160_000_000);

fn credential(values: CredentialValues) -> Credential {
    Credential::new(CredentialId::new(), "c".to_owned(), values, false).unwrap()
}

fn api_key() -> Credential {
    credential(CredentialValues::api_key(Secret::from("the-key")))
}

fn aws(session_token: Option<&str>) -> Credential {
    credential(CredentialValues::Aws {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: session_token.map(Secret::from),
    })
}

const PARTS: RequestParts<'_> =
    RequestParts { method: "POST", url: "https://example.amazonaws.com/", region: Some("us-east-1") };

fn find(headers: &[(HeaderName, HeaderValue)], name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap().to_owned())
}

#[test]
fn a_key_goes_into_the_header_that_the_provider_reads() {
    for (style, name, value) in [
        (CredentialStyle::Bearer, "authorization", "Bearer the-key"),
        (CredentialStyle::AzureKey, "api-key", "the-key"),
        (CredentialStyle::XApiKey, "x-api-key", "the-key"),
        (CredentialStyle::XGoogApiKey, "x-goog-api-key", "the-key"),
        (CredentialStyle::GoogleOauth, "x-goog-api-key", "the-key"),
        (CredentialStyle::AwsSigV4, "authorization", "Bearer the-key"),
    ] {
        let headers = api_key().headers_for(style, PARTS, b"", MOMENT).unwrap();
        let [(header, text)] = headers.as_slice() else { panic!("{style:?}: {headers:?}") };
        assert_eq!((header.as_str(), text.to_str().unwrap()), (name, value), "{style:?}");
        assert!(text.is_sensitive());
    }
    assert!(api_key().headers_for(CredentialStyle::None, PARTS, b"", MOMENT).unwrap().is_empty());
}

#[test]
fn what_cannot_be_sent_is_an_error_and_never_an_unsigned_request() {
    let error = aws(None).headers_for(CredentialStyle::XApiKey, PARTS, b"", MOMENT).unwrap_err();
    assert_eq!(error, CredentialError::Unsuitable("aws"));
    let nowhere = RequestParts { region: None, ..PARTS };
    let error = aws(None).headers_for(CredentialStyle::AwsSigV4, nowhere, b"", MOMENT).unwrap_err();
    assert_eq!(error, CredentialError::NoRegion);
    let entra = credential(CredentialValues::AzureEntra {
        tenant_id: "t".to_owned(),
        client_id: "c".to_owned(),
        client_secret: Secret::from("s"),
        authority_host: "https://login.example".to_owned(),
    });
    let error = entra.headers_for(CredentialStyle::AzureKey, PARTS, b"", MOMENT).unwrap_err();
    assert_eq!(error, CredentialError::NotReady);
}

/// `get-vanilla` and `post-vanilla` of AWS' Signature Version 4 test suite.
#[test]
fn signatures_are_those_of_the_test_suite() {
    for (method, signature) in [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ] {
        let headers = aws(None).signature("service", RequestParts { method, ..PARTS }, b"", MOMENT).unwrap();
        assert_eq!(find(&headers, "x-amz-date").unwrap(), "20150830T123600Z");
        assert_eq!(
            find(&headers, "authorization").unwrap(),
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            )
        );
    }
}

/// The expected signature was computed apart from this program, by the steps of AWS' "Create a signed AWS API request".
#[test]
fn a_bedrock_request_is_signed_with_its_body_its_escaped_path_and_its_session_token() {
    let parts = RequestParts {
        method: "POST",
        url: "https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
        region: Some("eu-west-1"),
    };
    let body = br#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
    let sign = |credential: &Credential, body: &[u8]| {
        credential.headers_for(CredentialStyle::AwsSigV4, parts, body, MOMENT).unwrap()
    };
    let headers = sign(&aws(Some("the-session-token")), body);
    assert_eq!(find(&headers, "x-amz-security-token").unwrap(), "the-session-token");
    assert_eq!(
        find(&headers, "authorization").unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/bedrock/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-security-token, \
         Signature=0678c614f904caa6d9a52e9da4707efa095c308365daef9a12e93f7b8ee4c754"
    );
    assert_ne!(
        find(&headers, "authorization"),
        find(&sign(&aws(Some("the-session-token")), b"{}"), "authorization"),
        "another body has another signature"
    );
}
