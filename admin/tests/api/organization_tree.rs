//! Organizations hold teams, teams hold keys and people; what holds something cannot be removed.

use serde_json::json;

use crate::harness::Admin;

#[tokio::test]
async fn the_tree_is_built_and_taken_down_from_the_leaves() {
    let (admin, _) = Admin::start().await;
    let organization = admin.post("/api/v1/organizations", json!({"name": "Acme"})).await.expect(201);
    let organization_path = format!("/api/v1/organizations/{}", organization["id"].as_str().unwrap());
    let draft = json!({"name": "blue", "organization_id": organization["id"], "models": ["gpt-4o-mini"]});
    let team = admin.post("/api/v1/teams", draft).await.expect(201);
    assert_eq!(team["organization_name"], "Acme");
    let team_path = format!("/api/v1/teams/{}", team["id"].as_str().unwrap());
    let user = json!({"email": "a@example.com", "role": "member", "team_id": team["id"]});
    let user = admin.post("/api/v1/users", user).await.expect(201);
    let user_path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    let key = json!({"name": "k", "team_id": team["id"], "user_id": user["id"]});
    let key = admin.post("/api/v1/keys", key).await.expect(201);
    assert_eq!((&key["team_name"], &key["user_email"]), (&json!("blue"), &json!("a@example.com")));
    let key_path = format!("/api/v1/keys/{}", key["id"].as_str().unwrap());

    let team = admin.get(&team_path).await.expect(200);
    assert_eq!((&team["keys_count"], &team["members_count"]), (&json!(1), &json!(1)));
    assert_eq!(admin.get(&organization_path).await.expect(200)["teams_count"], 1);

    for path in [&organization_path, &team_path, &user_path] {
        admin.delete(path).await.refused(409, "conflict", None);
    }
    for path in [&key_path, &user_path, &team_path, &organization_path] {
        admin.delete(path).await.expect(204);
        admin.get(path).await.refused(404, "not_found", None);
    }
}

#[tokio::test]
async fn names_are_unique_while_they_are_in_use() {
    let (admin, _) = Admin::start().await;
    for noun in ["teams", "organizations"] {
        let path = format!("/api/v1/{noun}");
        let made = admin.post(&path, json!({"name": "Blue"})).await.expect(201);
        admin.post(&path, json!({"name": "blue"})).await.refused(409, "conflict", Some("name"));
        let other = admin.post(&path, json!({"name": "green"})).await.expect(201);
        let other = format!("{path}/{}", other["id"].as_str().unwrap());
        admin.patch(&other, json!({"name": "BLUE"})).await.refused(409, "conflict", Some("name"));
        admin.delete(&format!("{path}/{}", made["id"].as_str().unwrap())).await.expect(204);
        admin.patch(&other, json!({"name": "BLUE"})).await.expect(200);
    }
}

#[tokio::test]
async fn a_team_is_changed_field_by_field() {
    let (admin, _) = Admin::start().await;
    let team =
        admin.post("/api/v1/teams", json!({"name": "blue", "models": ["a"], "metadata": {"a": 1}})).await.expect(201);
    let path = format!("/api/v1/teams/{}", team["id"].as_str().unwrap());
    let changed = admin.patch(&path, json!({"blocked": true, "models": null, "metadata": null})).await.expect(200);
    assert_eq!(
        (&changed["blocked"], &changed["metadata"], &changed["name"]),
        (&json!(true), &json!({}), &json!("blue"))
    );
    assert!(changed["models"].is_null());
    let nobody = json!({"organization_id": "01890000-0000-7000-8000-000000000000"});
    admin.patch(&path, nobody).await.refused(400, "invalid_request_error", Some("organization_id"));
}

#[tokio::test]
async fn lists_find_by_name() {
    let (admin, _) = Admin::start().await;
    for name in ["red one", "red two", "blue"] {
        admin.post("/api/v1/teams", json!({"name": name})).await.expect(201);
        admin.post("/api/v1/organizations", json!({"name": name})).await.expect(201);
        let email = format!("{}@example.com", name.replace(' ', "."));
        admin.post("/api/v1/users", json!({"email": email, "name": name, "role": "viewer"})).await.expect(201);
    }
    for noun in ["teams", "organizations", "users"] {
        let found = admin.get(&format!("/api/v1/{noun}?q=RED&limit=1")).await.expect(200);
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{noun}");
        let next = format!("/api/v1/{noun}?q=RED&limit=1&cursor={}", found["next_cursor"].as_str().unwrap());
        let last = admin.get(&next).await.expect(200);
        assert_eq!(last["data"].as_array().unwrap().len(), 1, "{noun}");
        assert!(last["next_cursor"].is_null(), "{noun}");
    }
}
