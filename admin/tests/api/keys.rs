//! The life of a virtual key.

use serde_json::{Value, json};

use crate::harness::{Admin, admin::key_hash};

fn id(view: &Value) -> String {
    view["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_made_shown_once_changed_blocked_and_revoked() {
    let (admin, database) = Admin::start().await;
    let draft = json!({
        "name": " first ", "models": ["gpt-4o-mini", "gpt-4o-mini"], "expires_at": "2100-01-01T00:00:00Z",
        "metadata": {"cost_center": 7},
    });
    let made = admin.post("/api/v1/keys", draft).await.expect(201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk-") && key.len() == 46, "{key}");
    assert_eq!(made["name"], "first");
    assert_eq!(made["models"], json!(["gpt-4o-mini"]));
    assert_eq!(made["state"], "active");
    assert_eq!(made["spend_usd"], "0");
    assert_eq!(made["key_hint"], format!("sk-…{}", &key[42..]));
    let path = format!("/api/v1/keys/{}", id(&made));

    // Neither the API, the database nor the log gives it away again.
    let shown = admin.get(&path).await.expect(200);
    assert!(shown.get("key").is_none() && shown.get("hash").is_none());
    let row = database.connect().await.query_one("SELECT key_hash, v::text FROM virtual_key v", &[]).await.unwrap();
    assert_eq!(row.get::<_, Vec<u8>>(0), key_hash(key).0);
    assert!(!row.get::<_, String>(1).contains(key));
    assert!(!admin.log().contains(key));

    let changed = admin.patch(&path, json!({"name": "second", "models": null, "expires_at": null})).await.expect(200);
    assert_eq!(changed["name"], "second");
    assert!(changed["models"].is_null() && changed["expires_at"].is_null());
    assert_eq!(changed["metadata"], json!({"cost_center": 7}));
    let unchanged = admin.patch(&path, json!({})).await.expect(200);
    assert_eq!(unchanged, changed);

    assert_eq!(admin.post(&format!("{path}/block"), json!({})).await.expect(200)["state"], "blocked");
    assert_eq!(admin.call("POST", &format!("{path}/unblock"), None).await.expect(200)["state"], "active");
    admin.delete(&path).await.expect(204);
    for reply in [admin.get(&path).await, admin.delete(&path).await, admin.patch(&path, json!({})).await] {
        reply.refused(404, "not_found", None);
    }
}

#[tokio::test]
async fn wrong_drafts_are_told_which_field() {
    let (admin, _) = Admin::start().await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (draft, param) in [
        (json!({}), "name"),
        (json!({"name": "  "}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"name": "a\u{0}b"}), "name"),
        (json!({"name": 7}), "name"),
        (json!({"name": "k", "models": ["a", ""]}), "models[1]"),
        (json!({"name": "k", "models": "a"}), "models"),
        (json!({"name": "k", "expires_at": "tomorrow"}), "expires_at"),
        (json!({"name": "k", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
        (json!({"name": "k", "team_id": nobody}), "team_id"),
        (json!({"name": "k", "team_id": "x"}), "team_id"),
        (json!({"name": "k", "user_id": nobody}), "user_id"),
        (json!({"name": "k", "metadata": {"a": "x".repeat(20_000)}}), "metadata"),
        (json!({"name": "k", "spend_usd": "5"}), "spend_usd"),
    ] {
        admin.post("/api/v1/keys", draft.clone()).await.refused(400, "invalid_request_error", Some(param));
    }
    let made = admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
    let path = format!("/api/v1/keys/{}", id(&made));
    admin.patch(&path, json!({"key_hint": "x"})).await.refused(400, "invalid_request_error", Some("key_hint"));
    admin.patch(&path, json!({"team_id": nobody})).await.refused(400, "invalid_request_error", Some("team_id"));
}

#[tokio::test]
async fn lists_come_in_pages_and_can_be_narrowed() {
    let (admin, _) = Admin::start().await;
    let team = admin.post("/api/v1/teams", json!({"name": "blue"})).await.expect(201);
    for number in 0..7 {
        let team_id = (number % 2 == 0).then(|| team["id"].clone());
        admin.post("/api/v1/keys", json!({"name": format!("key {number}"), "team_id": team_id})).await.expect(201);
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/api/v1/keys?limit=3&cursor={cursor}")).await.expect(200);
        let rows = page["data"].as_array().unwrap().clone();
        names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        if names.len() == 3 {
            // What is made meanwhile is before the first page and moves nothing.
            admin.post("/api/v1/keys", json!({"name": "late"})).await.expect(201);
        }
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(names, ["key 6", "key 5", "key 4", "key 3", "key 2", "key 1", "key 0"]);

    let count = async |query: &str| {
        admin.get(&format!("/api/v1/keys?{query}")).await.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!(count("q=KEY%205").await, 1);
    assert_eq!(count("q=%25").await, 0);
    assert_eq!(count(&format!("team_id={}", id(&team))).await, 4);
    assert_eq!(count("state=active").await, 8);
    assert_eq!(count("state=expired").await, 0);
    for (query, param) in [("limit=0", "limit"), ("limit=501", "limit"), ("cursor=x", "cursor"), ("state=odd", "state")]
    {
        let reply = admin.get(&format!("/api/v1/keys?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        if param != "state" {
            reply.refused(400, "invalid_request_error", Some(param));
        }
    }
}

#[tokio::test]
async fn an_expired_key_says_so() {
    let (admin, database) = Admin::start().await;
    let made = admin.post("/api/v1/keys", json!({"name": "k", "expires_at": "2100-01-01T00:00:00Z"})).await.expect(201);
    database.connect().await.batch_execute("UPDATE virtual_key SET expires_at = now() - interval '1 s'").await.unwrap();
    assert_eq!(admin.get(&format!("/api/v1/keys/{}", id(&made))).await.expect(200)["state"], "expired");
    assert_eq!(admin.get("/api/v1/keys?state=expired").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn parallel_changes_of_one_key_lose_nothing() {
    let (admin, _) = Admin::start().await;
    let made = admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
    let path = format!("/api/v1/keys/{}", id(&made));
    let changes = [
        json!({"name": "n"}),
        json!({"models": ["m"]}),
        json!({"metadata": {"a": 1}}),
        json!({"expires_at": "2100-01-01T00:00:00Z"}),
    ];
    let replies = futures_util::future::join_all(changes.into_iter().map(|change| admin.patch(&path, change))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let now = admin.get(&path).await.expect(200);
    assert_eq!((&now["name"], &now["models"], &now["metadata"]), (&json!("n"), &json!(["m"]), &json!({"a": 1})));
    assert_eq!(now["expires_at"], "2100-01-01T00:00:00Z");
}
