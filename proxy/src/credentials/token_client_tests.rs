//! Tokens from a token service of this machine: what is asked, what is made of the answers, and where nobody asks.

use std::sync::Mutex;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use deltallm_shared::{ids::CredentialId, providers::CredentialStyle};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::credentials::RequestParts;

const PARTS: RequestParts<'_> = RequestParts { method: "POST", url: "https://x.example/", region: None };

/// A token service: path and form of each request are kept, every request gets the same answer.
struct Service {
    url: String,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Service {
    async fn answering(status: u16, answer: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = String::new();
                let mut buffer = [0; 4096];
                loop {
                    let read = stream.read(&mut buffer).await.unwrap();
                    text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    if body.len() == length.parse::<usize>().unwrap() {
                        let path = head.split(' ').nth(1).unwrap().to_owned();
                        kept.lock().unwrap().push((path, body.to_owned()));
                        break;
                    }
                }
                let body = answer.to_string();
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { url, asked }
    }

    async fn with_token() -> Self {
        Self::answering(200, json!({"access_token": "ya29.the-token", "expires_in": 3599, "token_type": "Bearer"}))
            .await
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

fn client(allow_private: &[&str]) -> TokenClient {
    TokenClient::new(allow_private.iter().map(|text| text.parse().unwrap()).collect()).unwrap()
}

fn credential(values: Value, is_guarded: bool) -> Arc<Credential> {
    let values = serde_json::from_value(values).unwrap();
    Arc::new(Credential::new(CredentialId::new(), "c".to_owned(), values, is_guarded).unwrap())
}

fn entra(authority_host: &str, is_guarded: bool) -> Arc<Credential> {
    credential(
        json!({"kind": "azure_entra", "tenant_id": "my-tenant", "client_id": "my-app", "client_secret": "se cret&1".replace(' ', "+"),
            "authority_host": authority_host}),
        is_guarded,
    )
}

fn form(body: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn field(body: &str, name: &str) -> String {
    form(body).into_iter().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
}

#[tokio::test]
async fn a_service_account_signs_an_assertion_and_its_token_is_used_until_it_ends() {
    let service = Service::with_token().await;
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    let token_uri = format!("{}/token", service.url);
    let account = credential(
        json!({"kind": "google", "google": {"type": "service_account", "client_email": "robot@p.iam.gserviceaccount.com",
            "private_key": pem, "private_key_id": "key-1", "project_id": "p", "token_uri": token_uri}}),
        false,
    );
    assert_eq!(account.project(), Some("p"));
    let client = client(&[]);
    for _ in 0..3 {
        account.ready(&client).await.unwrap();
    }
    let asked = service.asked();
    let [(path, body)] = asked.as_slice() else { panic!("asked once: {asked:?}") };
    assert_eq!((path.as_str(), field(body, "grant_type").as_str()), ("/token", JWT_BEARER));

    let assertion = field(body, "assertion");
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(message.as_bytes(), &signature).unwrap();
    let [header, claims] = [0, 1].map(|at: usize| {
        let part = URL_SAFE_NO_PAD.decode(message.split('.').nth(at).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()
    });
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    assert_eq!(claims["iss"], "robot@p.iam.gserviceaccount.com");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
    assert_eq!(claims["aud"], token_uri);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);

    let headers = account.headers_for(CredentialStyle::GoogleOauth, PARTS, b"", Timestamp::now()).unwrap();
    assert_eq!((headers[0].0.as_str(), headers[0].1.to_str().unwrap()), ("authorization", "Bearer ya29.the-token"));
    assert!(account.hidden_texts().contains(&"ya29.the-token".to_owned()));
}

#[tokio::test]
async fn an_authorized_user_hands_in_its_refresh_token_and_names_who_pays() {
    let service = Service::with_token().await;
    let user = credential(
        json!({"kind": "google", "google": {"type": "authorized_user", "client_id": "app", "client_secret": "s",
            "refresh_token": "1//refresh", "quota_project_id": "payer", "token_uri": service.url}}),
        false,
    );
    user.ready(&client(&[])).await.unwrap();
    let (_, body) = service.asked().remove(0);
    assert_eq!(
        (field(&body, "grant_type"), field(&body, "refresh_token")),
        ("refresh_token".into(), "1//refresh".into())
    );
    let headers = user.headers_for(CredentialStyle::XGoogApiKey, PARTS, b"", Timestamp::now()).unwrap();
    assert_eq!((headers[1].0.as_str(), headers[1].1.to_str().unwrap()), ("x-goog-user-project", "payer"));
}

#[tokio::test]
async fn an_entra_application_hands_in_its_secret_and_a_refused_token_is_fetched_anew() {
    let service = Service::with_token().await;
    let (app, client) = (entra(&service.url, false), client(&[]));
    app.ready(&client).await.unwrap();
    let (path, body) = service.asked().remove(0);
    assert_eq!(path, "/my-tenant/oauth2/v2.0/token");
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "my-app"),
        ("client_secret", "se+cret&1"),
        ("scope", "https://cognitiveservices.azure.com/.default"),
    ];
    assert_eq!(form(&body), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let headers = app.headers_for(CredentialStyle::AzureKey, PARTS, b"", Timestamp::now()).unwrap();
    assert_eq!(headers[0].1, "Bearer ya29.the-token");

    let pool = crate::credentials::CredentialPool::new([Arc::clone(&app)]);
    let later = Timestamp(Timestamp::now().0 + 60_000_000);
    assert!(pool.set_aside(&app, 401, None, later));
    app.ready(&client).await.unwrap();
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn refusals_are_told_without_secrets_and_redirects_are_not_followed() {
    for (status, answer, expected) in [
        (
            400,
            json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}),
            "no token could be had: the token service answered 400: invalid_client AADSTS7000215: Invalid client secret provided.",
        ),
        (503, json!("gone"), "no token could be had: the token service answered 503"),
        (302, json!({}), "no token could be had: the token service answered 302"),
        (200, json!({"token": "other-form"}), "no token could be had: the token service's answer holds no token"),
    ] {
        let service = Service::answering(status, answer).await;
        let error = entra(&service.url, false).ready(&client(&[])).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn token_addresses_that_came_through_the_api_pass_the_egress_guard() {
    let service = Service::with_token().await;
    let by_name = service.url.replace("127.0.0.1", "localhost");
    for url in [&service.url, &by_name] {
        let error = entra(url, true).ready(&client(&[])).await.unwrap_err().to_string();
        assert!(error.contains("egress.allow_private"), "{error}");
        assert!(service.asked().is_empty());
    }
    entra(&service.url, true).ready(&client(&["127.0.0.0/8"])).await.unwrap();
    entra(&by_name, true).ready(&client(&["127.0.0.0/8"])).await.unwrap();
    entra(&service.url, false).ready(&client(&[])).await.unwrap();
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn keys_and_signatures_are_ready_without_a_call() {
    let key = credential(json!({"kind": "api_key", "api_key": "sk-0123456789"}), true);
    let aws = credential(json!({"kind": "aws", "access_key_id": "A", "secret_access_key": "s"}), true);
    for credential in [key, aws] {
        credential.ready(&client(&[])).await.unwrap();
    }
}

#[test]
fn a_private_key_that_is_none_is_refused_when_the_credential_is_made() {
    let values = json!({"kind": "google", "google": {"type": "service_account", "client_email": "a",
        "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}});
    let made = Credential::new(CredentialId::new(), "c".to_owned(), serde_json::from_value(values).unwrap(), false);
    assert!(made.err().unwrap().to_string().contains("private_key"));
}
