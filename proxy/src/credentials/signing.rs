//! From a credential to the headers of one request.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use deltallm_shared::{
    credential::{CredentialValues, GoogleKey},
    providers::CredentialStyle,
    time_text::Timestamp,
};
use http::{HeaderName, HeaderValue, header};

use super::{
    Credential, CredentialError,
    credential::{PlainKey, secret_header},
};

/// The name under which AWS signs requests to Bedrock ("Signature Version 4", service endpoints of Amazon Bedrock).
const BEDROCK: &str = "bedrock";
const AZURE_KEY: HeaderName = HeaderName::from_static("api-key");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const GOOGLE_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The whole address as it is sent: `https://host/path?query`, escapes included.
    pub url: &'a str,
    /// The deployment's region.
    pub region: Option<&'a str>,
}

impl Credential {
    /// The headers that sign a request in. `body` is every byte that is sent.
    ///
    /// Tokens must have been made [ready](Self::ready); a signature holds for five minutes from `now`.
    pub fn headers_for(
        &self,
        style: CredentialStyle,
        parts: RequestParts<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, CredentialError> {
        if style == CredentialStyle::None {
            return Ok(Vec::new());
        }
        if !self.values.suits(style) {
            return Err(CredentialError::Unsuitable(self.kind().name()));
        }
        match (&self.values, &self.plain) {
            (CredentialValues::Aws { .. }, _) => self.signature(BEDROCK, parts, body, now),
            (_, Some(PlainKey { bearer, bare })) => Ok(vec![match style {
                CredentialStyle::AzureKey => (AZURE_KEY, bare.clone()),
                CredentialStyle::XApiKey => (X_API_KEY, bare.clone()),
                CredentialStyle::XGoogApiKey | CredentialStyle::GoogleOauth => (GOOGLE_KEY, bare.clone()),
                _ => (header::AUTHORIZATION, bearer.clone()),
            }]),
            (values, None) => {
                let token =
                    self.token.current().and_then(|token| token.bearer(now)).ok_or(CredentialError::NotReady)?;
                let mut headers = vec![(header::AUTHORIZATION, token)];
                if let CredentialValues::Google {
                    google: GoogleKey::AuthorizedUser { quota_project_id: Some(project), .. },
                } = values
                {
                    headers.push((GOOGLE_PROJECT, secret_header(project)?));
                }
                Ok(headers)
            }
        }
    }

    fn signature(
        &self,
        service: &str,
        parts: RequestParts<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, CredentialError> {
        let CredentialValues::Aws { access_key_id, secret_access_key, session_token } = &self.values else {
            return Err(CredentialError::Unsuitable(self.kind().name()));
        };
        let token = session_token.as_ref().map(|token| token.expose().clone());
        let identity =
            Credentials::new(access_key_id.as_str(), secret_access_key.expose().as_str(), token, None, "deltallm")
                .into();
        let unusable = || CredentialError::Unusable("the request cannot be signed".to_owned());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(parts.region.ok_or(CredentialError::NoRegion)?)
            .name(service)
            .time(system_time(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| unusable())?
            .into();
        let request = SignableRequest::new(parts.method, parts.url, std::iter::empty(), SignableBody::Bytes(body))
            .map_err(|_| unusable())?;
        let (instructions, _) = sign(request, &params).map_err(|_| unusable())?.into_parts();
        instructions
            .headers()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
                Ok((name, secret_header(value)?))
            })
            .collect()
    }
}

fn system_time(now: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(now.0).unwrap_or(0))
}

#[cfg(test)]
#[path = "signing_tests.rs"]
mod tests;
