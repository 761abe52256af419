//! A client of the admin service, with the master key.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::caller::Answer;
use crate::config::MASTER_KEY;

/// Somebody who administers the system.
#[derive(Clone, Debug)]
pub struct Dashboard {
    client: Client,
    base: String,
}

/// A virtual key as the API shows it once.
#[derive(Clone, Debug)]
pub struct CreatedKey {
    /// Its id.
    pub id: String,
    /// The key itself.
    pub key: String,
}

impl Dashboard {
    /// A client of the admin service at `address`.
    pub fn new(address: SocketAddr) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build();
        Self { client: client.expect("a client can be made"), base: format!("http://{address}") }
    }

    /// Scheme, host and port.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A call with the master key.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(MASTER_KEY);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await.expect("the admin service answers")).await
    }

    /// A GET that has to be answered with 200.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text);
        answer.json
    }

    /// Makes a virtual key for all models.
    pub async fn create_key(&self, name: &str) -> CreatedKey {
        self.create_key_with(&json!({ "name": name })).await
    }

    /// Makes a virtual key.
    pub async fn create_key_with(&self, body: &Value) -> CreatedKey {
        let answer = self.call(Method::POST, "/api/v1/keys", Some(body)).await;
        assert_eq!(answer.status, 201, "making a key: {}", answer.text);
        let field = |name: &str| answer.json[name].as_str().map(str::to_owned);
        CreatedKey {
            id: field("id").expect("a made key has an id"),
            key: field("key").expect("a made key is shown once"),
        }
    }

    /// Revokes a key for good.
    pub async fn revoke_key(&self, id: &str) {
        let answer = self.call(Method::DELETE, &format!("/api/v1/keys/{id}"), None).await;
        assert!((200..300).contains(&answer.status), "revoking a key: {} {}", answer.status, answer.text);
    }
}
