//! The record of calls, as a list, as sums and as they come.

use deltallm_shared::{
    event::{Outcome, SpendEvent},
    ids::KeyId,
    pricing::Usage,
    time_text::Timestamp,
};
use serde_json::json;

use crate::harness::{
    Admin, MASTER_KEY,
    admin::Start,
    events::{batch, event},
    stream::Lines,
};

async fn record(admin: &Admin, events: &[SpendEvent]) {
    admin.post_internal("/internal/v1/events", &batch(events)).await.expect(200);
}

#[tokio::test]
async fn a_call_is_shown_as_it_was_recorded() {
    let (admin, _) = Admin::start().await;
    let key = admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
    let call = SpendEvent {
        key_id: Some(key["id"].as_str().unwrap().parse().unwrap()),
        stream: true,
        outcome: Outcome::ClientClosed,
        status: 499,
        time_to_first_byte_us: Some(123_456),
        end_user: Some("customer 7".to_owned()),
        usage: Usage { audio_ms: 90_500, images: 2, ..event().usage },
        service_tier: Some("flex".to_owned()),
        ..event()
    };
    record(&admin, std::slice::from_ref(&call)).await;
    let listed = admin.get("/api/v1/requests").await.expect(200)["data"][0].clone();
    for path in [call.event_id.to_string(), call.request_id.clone()] {
        assert_eq!(admin.get(&format!("/api/v1/requests/{path}")).await.expect(200), listed);
    }
    let expected = json!({
        "event_id": call.event_id, "request_id": call.request_id, "started_at": call.started_at,
        "finished_at": call.finished_at, "status": 499, "outcome": "client_closed", "error_code": null,
        "endpoint": "chat_completions", "stream": true, "model": "gpt-4o-mini", "provider": "openai",
        "upstream_model": "gpt-4o-mini", "deployment_id": null, "key_id": key["id"], "key_name": "k", "team_id": null,
        "team_name": null, "user_id": null, "end_user": "customer 7", "input_tokens": 100, "output_tokens": 20,
        "cached_input_tokens": 0, "cache_creation_tokens": 0, "reasoning_tokens": 0, "usage_source": "provider",
        "cost_usd": "0.000027", "price_state": "catalog", "attempts": 1, "time_to_first_token_ms": 123,
        "duration_ms": 12, "overhead_us": 250, "usage_details": {"audio_ms": 90_500, "images": 2}, "service_tier": "flex",
        "kind": "call",
    });
    assert_eq!(listed, expected);
    admin.get("/api/v1/requests/nothing").await.refused(404, "not_found", None);
    // A revoked key keeps its name in the record.
    admin.delete(&format!("/api/v1/keys/{}", key["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(admin.get("/api/v1/requests").await.expect(200)["data"][0]["key_name"], "k");
}

#[tokio::test]
async fn pages_of_calls_neither_repeat_nor_leave_out() {
    let (admin, _) = Admin::start().await;
    let now = Timestamp::now();
    // Many at the same moment, so that the time alone does not order them.
    let calls: Vec<SpendEvent> =
        (0..25).map(|number| SpendEvent { started_at: Timestamp(now.0 - (number / 10) * 1000), ..event() }).collect();
    record(&admin, &calls).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/api/v1/requests?limit=4&cursor={cursor}")).await.expect(200);
        for row in page["data"].as_array().unwrap() {
            seen.push((row["started_at"].as_str().unwrap().to_owned(), row["event_id"].as_str().unwrap().to_owned()));
        }
        // New calls come meanwhile.
        record(&admin, &[SpendEvent { started_at: Timestamp(Timestamp::now().0 + 1_000_000), ..event() }]).await;
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 25);
}

#[tokio::test]
async fn calls_are_found_by_what_they_were() {
    let (admin, _) = Admin::start().await;
    let key = KeyId::new();
    let hour_us = 3_600_000_000;
    let earlier = Timestamp(Timestamp::now().0 - 5 * hour_us);
    let calls = [
        event(),
        SpendEvent { status: 429, outcome: Outcome::Refused, model: "other".to_owned(), ..event() },
        SpendEvent { status: 502, key_id: Some(key), provider: Some("mistral".to_owned()), ..event() },
        SpendEvent { started_at: earlier, finished_at: earlier, ..event() },
    ];
    record(&admin, &calls).await;
    let count = async |query: String| {
        admin.get(&format!("/api/v1/requests?{query}")).await.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!(count(String::new()).await, 4);
    assert_eq!(count("status=429".into()).await, 1);
    assert_eq!(count("status=5xx".into()).await, 1);
    assert_eq!(count("status=error".into()).await, 2);
    assert_eq!(count("status=success".into()).await, 2);
    assert_eq!(count("model=other".into()).await, 1);
    assert_eq!(count("provider=mistral".into()).await, 1);
    assert_eq!(count(format!("key_id={key}")).await, 1);
    assert_eq!(count(format!("q={}", calls[1].request_id)).await, 1);
    assert_eq!(count(format!("since={}", Timestamp(earlier.0 + hour_us))).await, 3);
    assert_eq!(count(format!("until={}", Timestamp(earlier.0 + hour_us))).await, 1);
    admin.get("/api/v1/requests?status=odd").await.refused(400, "invalid_request_error", Some("status"));
    let backwards = "/api/v1/requests?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z";
    admin.get(backwards).await.refused(400, "invalid_request_error", Some("since"));
}

#[tokio::test]
async fn sums_are_grouped_and_bounded_in_time() {
    let (admin, _) = Admin::start().await;
    let yesterday = Timestamp(Timestamp::now().0 - 26 * 3_600_000_000);
    let old = SpendEvent { started_at: yesterday, finished_at: yesterday, ..event() };
    let other = SpendEvent { model: "large".to_owned(), cost: Some("1.5".parse().unwrap()), ..event() };
    record(&admin, &[event(), old, other]).await;
    let summary = async |query: &str| admin.get(&format!("/api/v1/spend/summary?{query}")).await.expect(200);
    let by_model = summary("group_by=model").await;
    let groups: Vec<_> =
        by_model["data"].as_array().unwrap().iter().map(|row| (&row["group"], &row["spend_usd"])).collect();
    assert_eq!(groups, [(&json!("large"), &json!("1.5")), (&json!("gpt-4o-mini"), &json!("0.000054"))]);
    assert_eq!((&by_model["total"]["spend_usd"], &by_model["total"]["requests"]), (&json!("1.500054"), &json!(3)));
    let hours = summary("group_by=hour").await;
    let hours: Vec<_> = hours["data"].as_array().unwrap().iter().map(|row| row["group"].as_str().unwrap()).collect();
    assert_eq!(hours.len(), 2);
    assert!(hours[0] < hours[1] && hours[0].ends_with(":00:00Z"), "{hours:?}");
    assert_eq!(summary("group_by=day").await["data"].as_array().unwrap().len(), 2);
    let since = Timestamp(yesterday.0 + 2 * 3_600_000_000);
    assert_eq!(summary(&format!("since={since}")).await["total"]["requests"], 2);
    let long = "/api/v1/spend/summary?group_by=hour&since=2020-01-01T00:00:00Z";
    admin.get(long).await.refused(400, "invalid_request_error", Some("since"));
    let empty = summary("since=2001-01-01T00:00:00Z&until=2001-01-02T00:00:00Z").await;
    assert_eq!((&empty["data"], &empty["total"]["spend_usd"]), (&json!([]), &json!("0")));
}

#[tokio::test]
async fn calls_are_seen_live_on_every_replica() {
    let (one, database) = Admin::start().await;
    let two = Start::on(&database.url()).up().await;
    let watch = async |admin: &Admin| {
        let request = admin.request("GET", "/api/v1/requests/stream").bearer_auth(MASTER_KEY);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut lines = Lines::of(response);
        assert_eq!(lines.line().await.unwrap(), ": live");
        lines
    };
    let mut watchers = [watch(&one).await, watch(&two).await];
    let call = event();
    record(&one, std::slice::from_ref(&call)).await;
    // Sent again, it is no new call.
    record(&one, std::slice::from_ref(&call)).await;
    let next = event();
    record(&one, std::slice::from_ref(&next)).await;
    for lines in &mut watchers {
        for expected in [&call, &next] {
            let mut line = lines.line().await.unwrap();
            while line.is_empty() || line.starts_with(':') {
                line = lines.line().await.unwrap();
            }
            assert_eq!(line, "event: request");
            assert_eq!(lines.line().await.unwrap(), format!("id: {}", expected.event_id));
            let data = lines.line().await.unwrap();
            let data: serde_json::Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(data["request_id"], expected.request_id);
        }
    }
}

#[tokio::test]
async fn keys_of_the_file_have_their_names() {
    let database = crate::harness::cluster::Database::create().await;
    let yaml = "keys:\n  - { name: from-the-file, key: sk-a-key-that-stands-in-the-file }\n";
    let admin = Start::on(&database.url()).config(yaml).up().await;
    let id = KeyId::from_text("config key from-the-file");
    record(&admin, &[SpendEvent { key_id: Some(id), ..event() }]).await;
    assert_eq!(admin.get("/api/v1/requests").await.expect(200)["data"][0]["key_name"], "from-the-file");
}

#[tokio::test]
async fn a_live_list_ends_with_its_session() {
    let (admin, _) = Admin::start().await;
    let cookie = admin.session_as("viewer").await;
    let request =
        admin.request("GET", "/api/v1/requests/stream").header("cookie", format!("deltallm_session={cookie}"));
    let mut lines = Lines::of(request.send().await.unwrap());
    assert_eq!(lines.line().await.unwrap(), ": live");
    admin.with_cookie(&cookie, "DELETE", "/api/v1/session", None).await.expect(204);
    while lines.line().await.is_some() {}
}
