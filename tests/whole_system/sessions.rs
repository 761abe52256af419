//! Dashboard sessions: who gets in, and that other sites cannot act through a browser.

use deltallm_tests::{Answer, MASTER_KEY, System};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

struct Browser {
    client: Client,
    base: String,
    cookie: String,
}

impl Browser {
    async fn call(&self, method: Method, path: &str, site: &str) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("cookie", &self.cookie).header("sec-fetch-site", site);
        Answer::read(request.json(&json!({ "name": "from a browser" })).send().await.unwrap()).await
    }
}

async fn log_in(system: &System) -> Browser {
    let client = Client::builder().no_proxy().build().unwrap();
    let base = system.dashboard().base().to_owned();
    let body = json!({ "master_key": MASTER_KEY });
    let sent = client.post(format!("{base}/api/v1/session")).json(&body).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
    let cookie = sent.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["deltallm_session=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    Browser { client, base, cookie }
}

#[tokio::test(flavor = "multi_thread")]
async fn session_opens_the_api_until_it_is_ended() {
    let system = System::builder().without_proxy().start().await;
    let browser = log_in(&system).await;
    assert_eq!(browser.call(Method::GET, "/api/v1/me", "same-origin").await.status, 200);
    assert_eq!(browser.call(Method::POST, "/api/v1/keys", "same-origin").await.status, 201);
    let ended = browser.call(Method::DELETE, "/api/v1/session", "same-origin").await;
    assert!((200..300).contains(&ended.status), "{}", ended.text);
    assert_eq!(browser.call(Method::GET, "/api/v1/me", "same-origin").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_cannot_act_with_a_session() {
    let system = System::builder().without_proxy().start().await;
    let browser = log_in(&system).await;
    for site in ["cross-site", "same-site"] {
        let answer = browser.call(Method::POST, "/api/v1/keys", site).await;
        assert_eq!(answer.status, 403, "{site}: {}", answer.text);
    }
    let listed = system.dashboard().get("/api/v1/keys").await;
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_open_nothing() {
    let system = System::builder().without_proxy().start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let base = system.dashboard().base().to_owned();
    let session = |body: serde_json::Value| client.post(format!("{base}/api/v1/session")).json(&body).send();
    for body in [
        json!({ "master_key": "sk-wrong" }),
        json!({ "master_key": "" }),
        json!({ "email": "nobody@example.com", "password": "wrong" }),
        json!({ "email": "' OR '1'='1", "password": "' OR '1'='1" }),
    ] {
        let answer = Answer::read(session(body.clone()).await.unwrap()).await;
        assert!(matches!(answer.status, 400 | 401), "{body}: {} {}", answer.status, answer.text);
        assert!(answer.headers.get("set-cookie").is_none(), "{body}");
    }
    for path in ["/api/v1/keys", "/api/v1/models", "/api/v1/requests", "/api/v1/users", "/api/v1/me"] {
        let answer = client.get(format!("{base}{path}")).bearer_auth("sk-wrong").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}
