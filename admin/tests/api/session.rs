//! Logging in, staying in, being thrown out.

use serde_json::json;

use crate::harness::{
    Admin, MASTER_KEY,
    admin::{FIRST_EMAIL, FIRST_PASSWORD, Start, send},
};

#[tokio::test]
async fn the_first_account_logs_in_and_out() {
    let (admin, _) = Admin::start().await;
    let reply = admin.log_in(json!({"email": FIRST_EMAIL, "password": FIRST_PASSWORD})).await;
    let set = reply.header("set-cookie").to_owned();
    for word in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(word), "{set}");
    }
    let cookie = reply.cookie();
    assert_eq!(reply.expect(200)["user"]["email"], FIRST_EMAIL);
    let me = admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.expect(200);
    assert_eq!(me["user"]["role"], "admin");
    assert_eq!(me["gateway"]["version"], env!("CARGO_PKG_VERSION"));
    admin.with_cookie(&cookie, "DELETE", "/api/v1/session", None).await.expect(204);
    admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.refused(401, "invalid_api_key", None);
}

#[tokio::test]
async fn a_cookie_is_secure_where_the_browser_came_over_tls() {
    let (admin, _) = Admin::start().await;
    let login = admin.request("POST", "/api/v1/session").json(&json!({"master_key": MASTER_KEY}));
    let reply = send(login.header("x-forwarded-proto", "https")).await;
    assert!(reply.header("set-cookie").contains("Secure"), "{reply:?}");
}

#[tokio::test]
async fn the_master_key_opens_a_session_that_ends_with_it() {
    let (admin, database) = Admin::start().await;
    let cookie = admin.log_in(json!({"master_key": MASTER_KEY})).await.cookie();
    let me = admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.expect(200);
    assert_eq!(me["user"]["role"], "admin");
    assert!(me["user"]["id"].is_null());
    let other = Start::on(&database.url()).env("DELTALLM_MASTER_KEY", "sk-another-master-key-of-tests").up().await;
    other.with_cookie(&cookie, "GET", "/api/v1/me", None).await.refused(401, "invalid_api_key", None);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_are_told_the_same() {
    let (admin, _) = Admin::start().await;
    let wrong = admin.log_in(json!({"email": FIRST_EMAIL, "password": "not the password"})).await;
    let unknown = admin.log_in(json!({"email": "nobody@example.com", "password": "not the password"})).await;
    wrong.refused(401, "invalid_api_key", None);
    assert_eq!(wrong.text, unknown.text);
    admin.log_in(json!({"master_key": "sk-wrong"})).await.refused(401, "invalid_api_key", None);
    admin.log_in(json!({"email": FIRST_EMAIL})).await.refused(400, "invalid_request_error", None);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_account() {
    let (admin, _) = Admin::start().await;
    for _ in 0..10 {
        admin.log_in(json!({"email": FIRST_EMAIL, "password": "a guess, again"})).await.refused(
            401,
            "invalid_api_key",
            None,
        );
    }
    let reply = admin.log_in(json!({"email": FIRST_EMAIL, "password": FIRST_PASSWORD})).await;
    reply.refused(429, "rate_limit_exceeded", None);
    assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0);
    // Whoever holds the master key is not shut out by it.
    admin.log_in(json!({"master_key": MASTER_KEY})).await.expect(200);
}

#[tokio::test]
async fn the_database_never_holds_a_password_or_a_token() {
    let (admin, database) = Admin::start().await;
    let cookie = admin.log_in(json!({"email": FIRST_EMAIL, "password": FIRST_PASSWORD})).await.cookie();
    let client = database.connect().await;
    let hash: String = client.query_one("SELECT password_hash FROM app_user", &[]).await.unwrap().get(0);
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let token: Vec<u8> = client.query_one("SELECT token_hash FROM session", &[]).await.unwrap().get(0);
    assert_eq!(token.len(), 32);
    assert!(!admin.log().contains(&cookie) && !admin.log().contains(FIRST_PASSWORD));
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_over() {
    let (admin, database) = Admin::start().await;
    let cookie = admin.session_as("viewer").await;
    database.connect().await.batch_execute("UPDATE session SET expires_at = now() - interval '1 s'").await.unwrap();
    admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.refused(401, "invalid_api_key", None);
}

#[tokio::test]
async fn use_moves_a_sessions_end_but_not_beyond_the_last() {
    let (admin, database) = Admin::start().await;
    let cookie = admin.session_as("viewer").await;
    let client = database.connect().await;
    client
        .batch_execute(
            "UPDATE session SET last_seen_at = now() - interval '2 min', expires_at = now() + interval '1 min'",
        )
        .await
        .unwrap();
    admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.expect(200);
    assert_eq!(database.number("SELECT count(*) FROM session WHERE expires_at > now() + interval '11 h'").await, 1);
    client
        .batch_execute("UPDATE session SET last_seen_at = now() - interval '2 min', ends_at = now() + interval '1 min'")
        .await
        .unwrap();
    admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.expect(200);
    assert_eq!(database.number("SELECT count(*) FROM session WHERE expires_at = ends_at").await, 1);
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let (admin, _) = Admin::start().await;
    let login = json!({"email": FIRST_EMAIL, "password": FIRST_PASSWORD});
    let (here, elsewhere) = (admin.log_in(login.clone()).await.cookie(), admin.log_in(login.clone()).await.cookie());
    let path = "/api/v1/me/password";
    let draft = |current: &str, new: &str| Some(json!({"current_password": current, "new_password": new}));
    let reply = admin.with_cookie(&here, "PUT", path, draft("wrong", "a new long password")).await;
    reply.refused(400, "invalid_request_error", Some("current_password"));
    let reply = admin.with_cookie(&here, "PUT", path, draft(FIRST_PASSWORD, "short")).await;
    reply.refused(400, "invalid_request_error", Some("new_password"));
    admin.with_cookie(&here, "PUT", path, draft(FIRST_PASSWORD, "a new long password")).await.expect(204);
    admin.with_cookie(&here, "GET", "/api/v1/me", None).await.expect(200);
    admin.with_cookie(&elsewhere, "GET", "/api/v1/me", None).await.refused(401, "invalid_api_key", None);
    admin.log_in(login).await.refused(401, "invalid_api_key", None);
    admin.log_in(json!({"email": FIRST_EMAIL, "password": "a new long password"})).await.expect(200);
}

#[tokio::test]
async fn a_blocked_account_is_out_at_once() {
    let (admin, _) = Admin::start().await;
    let made = admin.post("/api/v1/users", json!({"email": "Ada@Example.com", "role": "viewer"})).await.expect(201);
    let login = json!({"email": "ada@example.com", "password": made["password"]});
    let cookie = admin.log_in(login.clone()).await.cookie();
    let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    admin.patch(&path, json!({"blocked": true})).await.expect(200);
    admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.refused(401, "invalid_api_key", None);
    admin.log_in(login.clone()).await.refused(401, "invalid_api_key", None);
    admin.patch(&path, json!({"blocked": false})).await.expect(200);
    admin.with_cookie(&cookie, "GET", "/api/v1/me", None).await.refused(401, "invalid_api_key", None);
    admin.log_in(login).await.expect(200);
}

#[tokio::test]
async fn nobody_locks_themselves_out() {
    let (admin, _) = Admin::start().await;
    let reply = admin.log_in(json!({"email": FIRST_EMAIL, "password": FIRST_PASSWORD})).await;
    let (cookie, me) = (reply.cookie(), reply.json());
    let path = format!("/api/v1/users/{}", me["user"]["id"].as_str().unwrap());
    let own = |method: &'static str, body| admin.with_cookie(&cookie, method, &path, body);
    own("PATCH", Some(json!({"role": "viewer"}))).await.refused(409, "conflict", Some("role"));
    own("PATCH", Some(json!({"blocked": true}))).await.refused(409, "conflict", Some("blocked"));
    own("DELETE", None).await.refused(409, "conflict", None);
}

#[tokio::test]
async fn a_generated_password_is_shown_once_and_accounts_are_unique() {
    let (admin, _) = Admin::start().await;
    let made =
        admin.post("/api/v1/users", json!({"email": "a@example.com", "role": "member", "name": "A"})).await.expect(201);
    assert!(made["password"].as_str().unwrap().len() >= 12);
    let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    let shown = admin.get(&path).await.expect(200);
    assert!(shown.get("password").is_none() && shown.get("password_hash").is_none());
    let again = admin.post("/api/v1/users", json!({"email": "A@example.com", "role": "member"})).await;
    again.refused(409, "conflict", Some("email"));
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.refused(404, "not_found", None);
    // The address is free again.
    let given = json!({"email": "a@example.com", "role": "member", "password": "a password of one's own"});
    assert!(admin.post("/api/v1/users", given).await.expect(201).get("password").is_none());
}

#[tokio::test]
async fn without_a_given_password_there_is_no_first_account() {
    let database = crate::harness::cluster::Database::create().await;
    let admin = Start::on(&database.url()).without("DELTALLM_ADMIN_PASSWORD").up().await;
    assert_eq!(admin.get("/api/v1/users").await.expect(200)["data"].as_array().unwrap().len(), 0);
}
