//! Deployments: of the database, of the file, built in.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::harness::{Admin, MASTER_KEY, admin::Start, cluster::Database, wait_until};

fn draft(model_name: &str) -> Value {
    json!({"model_name": model_name, "provider": "openai", "upstream_model": "gpt-4o-mini", "api_key": "sk-upstream-1"})
}

#[tokio::test]
async fn a_deployment_is_made_changed_and_removed() {
    let (admin, _) = Admin::start().await;
    let made = admin.post("/api/v1/models", draft("fast")).await.expect(201);
    assert_eq!(
        (&made["source"], &made["price_state"], &made["weight"]),
        (&json!("database"), &json!("catalog"), &json!(1))
    );
    assert_eq!(made["input_cost_per_token"], "0.00000015");
    let path = format!("/api/v1/models/{}", made["id"].as_str().unwrap());

    let change = json!({"weight": 3, "tags": ["eu"], "input_cost_per_token": "1.5e-7", "output_cost_per_token": "0.000001", "timeout_ms": 5000});
    let changed = admin.patch(&path, change).await.expect(200);
    assert_eq!((&changed["price_state"], &changed["output_cost_per_token"]), (&json!("override"), &json!("0.000001")));
    assert_eq!(
        (&changed["weight"], &changed["tags"], &changed["timeout_ms"]),
        (&json!(3), &json!(["eu"]), &json!(5000))
    );
    let limits = json!({"priority": 2, "rpm": 600, "tpm": 5_000_000_000_u64, "max_parallel_requests": 8});
    let limited = admin.patch(&path, limits.clone()).await.expect(200);
    for name in ["priority", "rpm", "tpm", "max_parallel_requests"] {
        assert_eq!(limited[name], limits[name], "{name}");
    }
    let free = admin.patch(&path, json!({"rpm": null, "max_parallel_requests": null})).await.expect(200);
    assert_eq!((&free["rpm"], &free["max_parallel_requests"]), (&Value::Null, &Value::Null));
    assert_eq!((&free["priority"], &free["tpm"]), (&limits["priority"], &limits["tpm"]));
    let back =
        json!({"input_cost_per_token": null, "output_cost_per_token": null, "timeout_ms": null, "blocked": true});
    let back = admin.patch(&path, back).await.expect(200);
    assert_eq!((&back["price_state"], &back["blocked"]), (&json!("catalog"), &json!(true)));
    assert!(back["timeout_ms"].is_null());
    assert_eq!(admin.get(&path).await.expect(200), back);

    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn wrong_deployments_are_told_which_field() {
    let (admin, _) = Admin::start().await;
    for (field, value, param) in [
        ("model_name", json!(""), "model_name"),
        ("provider", json!("opennai"), "provider"),
        ("upstream_model", json!(" "), "upstream_model"),
        ("api_key", json!(null), "api_key"),
        ("api_key", json!("a\nb"), "api_key"),
        ("timeout_ms", json!(0), "timeout_ms"),
        ("weight", json!(-1), "weight"),
        ("priority", json!(1_000_001), "priority"),
        ("rpm", json!(0), "rpm"),
        ("tpm", json!(1_000_000_000_001_u64), "tpm"),
        ("max_parallel_requests", json!(0), "max_parallel_requests"),
        ("tags", json!([""]), "tags[0]"),
        ("mode", json!("song"), "mode"),
        ("input_cost_per_token", json!("cheap"), "input_cost_per_token"),
        ("input_cost_per_token", json!("0.1"), "output_cost_per_token"),
        ("mock", json!({"delay_ms": 5}), "mock"),
        ("mock", json!({"delay": 5}), "mock.delay"),
        ("api_base", json!("ftp://example.com"), "api_base"),
        ("api_base", json!("https://u:p@example.com/v1"), "api_base"),
        ("api_base", json!("http://127.0.0.1:9/v1"), "api_base"),
        ("api_base", json!("http://localhost:9/v1"), "api_base"),
        ("api_base", json!("http://[::ffff:10.0.0.1]/v1"), "api_base"),
        ("api_base", json!("http://169.254.169.254/latest"), "api_base"),
    ] {
        let mut wrong = draft("m");
        wrong[field] = value;
        let reply = admin.post("/api/v1/models", wrong.clone()).await;
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text);
        reply.refused(400, "invalid_request_error", Some(param));
    }
    let mut missing = draft("m");
    missing["provider"] = json!("openai_compatible");
    admin.post("/api/v1/models", missing).await.refused(400, "invalid_request_error", Some("api_base"));
}

#[tokio::test]
async fn a_stored_key_is_not_sent_elsewhere() {
    let database = Database::create().await;
    let yaml = "general_settings: { egress: { allow_private: [127.0.0.0/8] } }\n";
    let admin = Start::on(&database.url()).config(yaml).up().await;
    let made = admin.post("/api/v1/models", draft("fast")).await.expect(201);
    let path = format!("/api/v1/models/{}", made["id"].as_str().unwrap());
    let moved = json!({"api_base": "http://127.0.0.1:9/v1"});
    admin.patch(&path, moved).await.refused(400, "invalid_request_error", Some("api_key"));
    let with_key = json!({"api_base": "http://127.0.0.1:9/v1", "api_key": "sk-upstream-2"});
    assert_eq!(admin.patch(&path, with_key).await.expect(200)["api_base"], "http://127.0.0.1:9/v1");
}

#[tokio::test]
async fn what_stands_in_the_file_is_listed_and_cannot_be_changed() {
    let database = Database::create().await;
    let yaml = "model_list:\n  - model_name: filed\n    deltallm_params: { model: openai/gpt-4o-mini, api_key: sk-in-the-file }\n";
    let admin = Start::on(&database.url()).config(yaml).up().await;
    admin.post("/api/v1/models", draft("added")).await.expect(201);
    let list = admin.get("/api/v1/models").await.expect(200);
    let rows: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|row| (&row["model_name"], &row["source"])).collect();
    assert!(rows.contains(&(&json!("added"), &json!("database"))), "{rows:?}");
    assert!(rows.contains(&(&json!("filed"), &json!("config"))), "{rows:?}");
    assert!(!list.to_string().contains("sk-in-the-file"));
    let filed = list["data"].as_array().unwrap().iter().find(|row| row["model_name"] == "filed").unwrap();
    assert_eq!(filed["has_api_key"], true);
    let path = format!("/api/v1/models/{}", filed["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200), *filed);
    admin.patch(&path, json!({"weight": 2})).await.refused(409, "conflict", None);
    admin.delete(&path).await.refused(409, "conflict", None);
}

#[tokio::test]
async fn built_in_models_are_listed_and_pages_hold_all() {
    let database = Database::create().await;
    let admin = Start::on(&database.url()).env("MISTRAL_API_KEY", "key-of-the-environment").up().await;
    for number in 0..4 {
        admin.post("/api/v1/models", draft(&format!("m{number}"))).await.expect(201);
    }
    let all = admin.get("/api/v1/models?limit=500").await.expect(200);
    let all = all["data"].as_array().unwrap();
    assert!(all.iter().any(|row| row["provider"] == "mistral" && row["source"] == "built_in"));
    assert!(all.iter().any(|row| row["model_name"] == "mock/echo" && row["price_state"] == "free"));
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/api/v1/models?limit=3&cursor={cursor}")).await.expect(200);
        paged.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(&paged, all);
    let found = admin.get("/api/v1/models?q=M1&source=database").await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let providers = admin.get("/api/v1/providers").await.expect(200);
    assert!(
        providers["data"].as_array().unwrap().iter().any(|row| row["id"] == "openai" && row["needs_api_key"] == true)
    );
}

#[tokio::test]
async fn a_model_is_tried_through_the_proxys_public_api() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // One call of a proxy, as it stands on the wire.
    let proxy = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert!(socket.read_buf(&mut request).await.unwrap() > 0);
        }
        let body = json!({"choices": [{"message": {"content": "Hello."}}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req-1\r\nx-deltallm-cost-usd: 0.00001\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let database = Database::create().await;
    let admin = Start::on(&database.url()).env("DELTALLM_API_URL", &url).up().await;
    let tried = admin.post("/api/v1/models/test", json!({"model_name": "mock/echo", "prompt": "Hi"})).await.expect(200);
    assert_eq!((&tried["ok"], &tried["status"], &tried["output_text"]), (&json!(true), &json!(200), &json!("Hello.")));
    assert_eq!(tried["usage"], json!({"input_tokens": 9, "output_tokens": 2}));
    assert_eq!((&tried["cost_usd"], &tried["request_id"]), (&json!("0.00001"), &json!("req-1")));
    let request = proxy.await.unwrap();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1") && request.contains(MASTER_KEY), "{request}");

    // The proxy is gone now: that is the result, not an error of this service.
    let tried = admin.post("/api/v1/models/test", json!({"model_name": "mock/echo"})).await.expect(200);
    assert_eq!((&tried["ok"], &tried["status"]), (&json!(false), &json!(0)));
    assert!(tried["error"].as_str().unwrap().contains("DELTALLM_API_URL"));
}

#[tokio::test]
async fn a_changed_file_is_listed_and_a_broken_one_is_not() {
    let model =
        |name: &str| format!("model_list:\n  - model_name: {name}\n    deltallm_params: {{ model: mock/echo }}\n");
    let database = Database::create().await;
    let admin = Start::on(&database.url()).config(&model("before")).up().await;
    let names = async || {
        let list = admin.get("/api/v1/models").await.expect(200);
        list["data"].as_array().unwrap().iter().map(|row| row["model_name"].to_string()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(names().await, "\"before\"");
    admin.rewrite_config(&model("afterwards"));
    wait_until("the new file is listed", || async { names().await == "\"afterwards\"" }).await;
    admin.rewrite_config("model_lst: []\n");
    wait_until("the log says what is wrong", || async { admin.log().contains("did you mean `model_list`?") }).await;
    assert_eq!(names().await, "\"afterwards\"");
}
