//! Who may do what: every endpoint of the OpenAPI document, with nobody, a member, a viewer and an administrator.

use serde_json::{Value, json};

use crate::harness::{Admin, MASTER_KEY, admin::send, wait_until};

/// The endpoints that anybody may call. This list may only get shorter.
const PUBLIC: [(&str, &str); 2] = [("post", "/api/v1/session"), ("get", "/api/openapi.json")];

/// The endpoints of one's own account.
const OWN: [(&str, &str); 3] = [("delete", "/api/v1/session"), ("get", "/api/v1/me"), ("put", "/api/v1/me/password")];

async fn endpoints(admin: &Admin) -> Vec<(String, String)> {
    let document = send(admin.request("GET", "/api/openapi.json")).await.expect(200);
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            found.push((method.clone(), path.clone()));
        }
    }
    assert!(found.len() > 30, "{found:?}");
    found
}

fn filled(path: &str) -> String {
    path.replace("{id}", "01890000-0000-7000-8000-000000000000")
}

#[tokio::test]
async fn every_documented_endpoint_refuses_strangers() {
    let (admin, _) = Admin::start().await;
    for (method, path) in endpoints(&admin).await {
        if PUBLIC.contains(&(method.as_str(), path.as_str())) {
            continue;
        }
        let request = || admin.request(&method.to_uppercase(), &filled(&path)).json(&json!({}));
        for reply in [
            send(request()).await,
            send(request().bearer_auth("sk-not-the-master-key")).await,
            send(request().header("cookie", "deltallm_session=not-a-session")).await,
            send(request().bearer_auth(&MASTER_KEY[..MASTER_KEY.len() - 1])).await,
        ] {
            assert_eq!(reply.status, 401, "{method} {path}: {}", reply.text);
            reply.refused(401, "invalid_api_key", None);
        }
    }
}

#[tokio::test]
async fn roles_are_kept_to_what_they_may() {
    let (admin, _) = Admin::start().await;
    let (member, viewer) = (admin.session_as("member").await, admin.session_as("viewer").await);
    for (method, path) in endpoints(&admin).await {
        let endpoint = (method.as_str(), path.as_str());
        // A live list goes on for ever, and a log-out would end the test.
        if PUBLIC.contains(&endpoint) || endpoint == OWN[0] || path == "/api/v1/requests/stream" {
            continue;
        }
        let body = (method != "get").then(|| json!({}));
        let (upper, path) = (method.to_uppercase(), filled(&path));
        let of_member = admin.with_cookie(&member, &upper, &path, body.clone()).await;
        let of_viewer = admin.with_cookie(&viewer, &upper, &path, body).await;
        if OWN.contains(&endpoint) {
            assert!(of_member.status != 403 && of_viewer.status != 403, "{endpoint:?}");
            continue;
        }
        of_member.refused(403, "permission_denied", None);
        assert_eq!(of_viewer.status == 403, method != "get", "{endpoint:?}: {}", of_viewer.text);
    }
    let reply = admin.with_cookie(&member, "GET", "/api/v1/requests/stream", None).await;
    reply.refused(403, "permission_denied", None);
}

#[tokio::test]
async fn a_change_from_another_site_is_refused() {
    let (admin, _) = Admin::start().await;
    let cookie = admin.session_as("admin").await;
    let attempt = |headers: &'static [(&'static str, &'static str)]| {
        let mut request = admin.request("POST", "/api/v1/keys").header("cookie", format!("deltallm_session={cookie}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request.json(&json!({"name": "k"})))
    };
    attempt(&[("sec-fetch-site", "cross-site")]).await.refused(403, "permission_denied", None);
    attempt(&[("sec-fetch-site", "same-site")]).await.refused(403, "permission_denied", None);
    attempt(&[("origin", "https://evil.example")]).await.refused(403, "permission_denied", None);
    attempt(&[("origin", "null")]).await.refused(403, "permission_denied", None);
    attempt(&[("sec-fetch-site", "same-origin"), ("origin", "https://behind.a.proxy")]).await.expect(201);
    attempt(&[("sec-fetch-site", "none")]).await.expect(201);
    attempt(&[]).await.expect(201);
    // A log-in that another site starts is refused as well: it would be somebody else's session.
    let login = admin.request("POST", "/api/v1/session").header("sec-fetch-site", "cross-site");
    send(login.json(&json!({"master_key": MASTER_KEY}))).await.refused(403, "permission_denied", None);
    // A form cannot send JSON, and nothing else is read.
    let form = admin.request("POST", "/api/v1/keys").bearer_auth(MASTER_KEY).header("content-type", "text/plain");
    send(form.body("{\"name\":\"k\"}")).await.refused(415, "unsupported_media_type", None);
    // No other site is let in by CORS.
    let preflight = admin.request("OPTIONS", "/api/v1/keys").header("origin", "https://evil.example");
    let reply = send(preflight.header("access-control-request-method", "POST")).await;
    assert!(reply.status >= 400 && reply.header("access-control-allow-origin").is_empty());
}

#[tokio::test]
async fn the_internal_port_is_for_proxies_of_this_installation() {
    let (admin, _) = Admin::start().await;
    for token in [None, Some("nonsense"), Some(MASTER_KEY)] {
        admin.internal_with(reqwest::Method::GET, "/internal/v1/config", token).await.refused(
            401,
            "invalid_api_key",
            None,
        );
        admin.internal_with(reqwest::Method::POST, "/internal/v1/events", token).await.refused(
            401,
            "invalid_api_key",
            None,
        );
    }
    // And none of it is on the public port.
    admin.get("/internal/v1/config").await.refused(404, "not_found", None);
}

#[tokio::test]
async fn metrics_are_not_for_everybody() {
    let (admin, _) = Admin::start().await;
    admin.get("/api/v1/keys").await.expect(200);
    let page = async || send(admin.request("GET", "/metrics")).await.text;
    wait_until("the database is seen", || async { page().await.contains("deltallm_admin_database_up 1") }).await;
    let local = send(admin.request("GET", "/metrics")).await;
    assert_eq!(local.status, 200);
    for name in ["deltallm_admin_requests_total{", "deltallm_admin_database_up 1", "route=\"/api/v1/keys\""] {
        assert!(local.text.contains(name), "{name} is not in {}", local.text);
    }
    let forwarded = || admin.request("GET", "/metrics").header("x-forwarded-for", "203.0.113.7");
    send(forwarded()).await.refused(401, "invalid_api_key", None);
    assert_eq!(send(forwarded().bearer_auth(MASTER_KEY)).await.status, 200);
}

#[tokio::test]
async fn errors_under_api_are_always_json() {
    let (admin, _) = Admin::start().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/keys", "/api/v1/keys/not-an-id"] {
        admin.get(path).await.refused(404, "not_found", None);
    }
    let wrong = admin.call("PUT", "/api/v1/keys", Some(Value::Null)).await;
    wrong.refused(405, "method_not_allowed", None);
    assert_eq!(wrong.header("allow"), "GET, POST");
    let large =
        admin.request("POST", "/api/v1/keys").bearer_auth(MASTER_KEY).header("content-type", "application/json");
    send(large.body(vec![b' '; 2_000_000])).await.refused(413, "request_too_large", None);
    let broken =
        admin.request("POST", "/api/v1/keys").bearer_auth(MASTER_KEY).header("content-type", "application/json");
    send(broken.body("{\"name\":")).await.refused(400, "invalid_request_error", None);
    admin.get("/api/v1/keys?nme=a").await.refused(400, "invalid_request_error", Some("nme"));
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_keeps_a_plain_one() {
    let (admin, _) = Admin::start().await;
    let reply = send(admin.request("GET", "/health/liveness")).await;
    assert!(!reply.header("x-request-id").is_empty());
    let reply = send(admin.request("GET", "/api/v1/me").header("x-request-id", "mine-1")).await;
    assert_eq!((reply.status, reply.header("x-request-id")), (401, "mine-1"));
    let reply = send(admin.request("GET", "/api/v1/me").header("x-request-id", "a b")).await;
    assert_ne!(reply.header("x-request-id"), "a b");
}
