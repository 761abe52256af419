//! Spend events: each once, whatever is sent again, and none lost silently.

use deltallm_shared::{
    event::{EventAck, SpendEvent},
    ids::{EventId, KeyId, TeamId},
    money::NanoUsd,
    pricing::PriceState,
    time_text::Timestamp,
};
use serde_json::{Value, json};

use crate::harness::{
    Admin,
    events::{batch, event},
};

const EVENTS: &str = "/internal/v1/events";

async fn post(admin: &Admin, events: &[SpendEvent]) -> EventAck {
    serde_json::from_value(admin.post_internal(EVENTS, &batch(events)).await.expect(200)).unwrap()
}

#[tokio::test]
async fn a_batch_counts_once_however_often_it_comes() {
    let (admin, _) = Admin::start().await;
    let team = admin.post("/api/v1/teams", json!({"name": "blue"})).await.expect(201);
    let key = admin.post("/api/v1/keys", json!({"name": "k", "team_id": team["id"]})).await.expect(201);
    let key_id: KeyId = key["id"].as_str().unwrap().parse().unwrap();
    let team_id: TeamId = team["id"].as_str().unwrap().parse().unwrap();
    let of_key = || SpendEvent { key_id: Some(key_id), team_id: Some(team_id), ..event() };
    let unpriced = SpendEvent { cost: None, price_state: PriceState::Unpriced, ..of_key() };
    let failed = SpendEvent { status: 502, error_code: Some("upstream_error".to_owned()), ..of_key() };
    let events = [of_key(), of_key(), unpriced, failed];

    for _ in 0..3 {
        let ack = post(&admin, &events).await;
        let ids: Vec<EventId> = events.iter().map(|event| event.event_id).collect();
        assert_eq!(ack.accepted, ids);
        assert!(ack.rejected.is_empty());
    }
    // The same event twice in one batch, with a new one beside it.
    let new = of_key();
    assert_eq!(post(&admin, &[new.clone(), events[0].clone(), new]).await.accepted.len(), 3);

    let key = admin.get(&format!("/api/v1/keys/{}", key["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&key["requests_count"], &key["spend_usd"]), (&json!(5), &json!("0.000108")));
    assert!(!key["last_used_at"].is_null());
    let team = admin.get(&format!("/api/v1/teams/{}", team["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(team["spend_usd"], "0.000108");
    let summary = admin.get("/api/v1/spend/summary?group_by=key").await.expect(200);
    let group = &summary["data"][0];
    assert_eq!((&group["requests"], &group["errors"], &group["unpriced_requests"]), (&json!(5), &json!(1), &json!(1)));
    assert_eq!((&group["spend_usd"], &group["label"]), (&json!("0.000108"), &json!("k")));
    assert_eq!((&group["input_tokens"], &group["output_tokens"]), (&json!(500), &json!(100)));
}

#[tokio::test]
async fn overlapping_batches_at_the_same_time_count_once() {
    let (admin, database) = Admin::start().await;
    let keys: Vec<KeyId> = (0..5).map(|_| KeyId::new()).collect();
    let events: Vec<SpendEvent> =
        (0..200).map(|number| SpendEvent { key_id: Some(keys[number % 5]), ..event() }).collect();
    // Eight shippers send the same events, each in another order.
    let shippers = (0..8).map(|shipper: usize| {
        let mut events = events.clone();
        events.rotate_left(shipper * 25);
        if shipper % 2 == 1 {
            events.reverse();
        }
        let admin = &admin;
        async move {
            for part in events.chunks(50) {
                // A shipper tries again what was not acknowledged.
                while admin.post_internal(EVENTS, &batch(part)).await.status != 200 {}
            }
        }
    });
    futures_util::future::join_all(shippers).await;
    assert_eq!(database.number("SELECT count(*) FROM spend_event").await, 200);
    assert_eq!(database.number("SELECT sum(requests)::bigint FROM spend_hourly").await, 200);
    assert_eq!(database.number("SELECT sum(requests)::bigint FROM key_usage").await, 200);
    assert_eq!(database.number("SELECT sum(spend_nano_usd)::bigint FROM key_usage").await, 200 * 27_000);
}

#[tokio::test]
async fn a_poisonous_event_is_put_aside_and_holds_up_nothing() {
    let (admin, database) = Admin::start().await;
    let good = event();
    let mut tokens = event();
    tokens.usage.input_tokens = u64::MAX;
    let negative = SpendEvent { cost: Some(NanoUsd(-1)), ..event() };
    let ancient = SpendEvent { started_at: Timestamp(0), ..event() };
    let future = SpendEvent { started_at: Timestamp(Timestamp::now().0 + 10 * 86_400_000_000), ..event() };
    let unreadable = json!({"event_id": EventId::new(), "status": "fine"});
    let nameless = json!(["not", "an", "event"]);
    let mut events: Vec<Value> = [&tokens, &negative, &ancient, &future, &good].map(|event| json!(event)).into();
    events.extend([unreadable.clone(), nameless]);
    for _ in 0..2 {
        let reply = admin.post_internal(EVENTS, &json!({"events": events})).await.expect(200);
        let ack: EventAck = serde_json::from_value(reply).unwrap();
        assert_eq!(ack.accepted, [good.event_id]);
        let rejected: Vec<String> = ack.rejected.iter().map(|rejected| rejected.event_id.to_string()).collect();
        let expected = [&tokens, &negative, &ancient, &future].map(|event| event.event_id.to_string());
        assert_eq!(rejected[..4], expected);
        assert_eq!(rejected[4], unreadable["event_id"].as_str().unwrap());
        assert!(ack.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
    }
    assert_eq!(database.number("SELECT count(*) FROM spend_event").await, 1);
    // Each named one once; the nameless one each time, as nothing tells that it is the same.
    assert_eq!(database.number("SELECT count(*) FROM spend_event_rejected").await, 7);
    assert_eq!(database.number("SELECT count(*) FROM spend_event_rejected WHERE payload::jsonb IS NOT NULL").await, 7);
    assert!(admin.log().contains("spend event put aside"));
    let metrics = crate::harness::admin::send(admin.request("GET", "/metrics")).await.text;
    assert!(metrics.contains("deltallm_admin_spend_events_total{outcome=\"rejected\"} 12"), "{metrics}");
    assert!(metrics.contains("deltallm_admin_spend_events_total{outcome=\"duplicate\"} 1"), "{metrics}");
}

#[tokio::test]
async fn what_only_the_database_refuses_is_found_among_many() {
    let (admin, database) = Admin::start().await;
    let client = database.connect().await;
    client.batch_execute("ALTER TABLE spend_event ADD CONSTRAINT no_evil CHECK (model <> 'evil')").await.unwrap();
    let mut events: Vec<SpendEvent> = (0..100).map(|_| event()).collect();
    events[37].model = "evil".to_owned();
    let ack = post(&admin, &events).await;
    assert_eq!(ack.accepted.len(), 99);
    assert_eq!(ack.rejected[0].event_id, events[37].event_id);
    assert!(ack.rejected[0].reason.contains("no_evil"), "{}", ack.rejected[0].reason);
    assert_eq!(database.number("SELECT sum(requests)::bigint FROM spend_hourly").await, 99);
}

#[tokio::test]
async fn strange_texts_of_callers_do_not_keep_a_call_off_the_books() {
    let (admin, _) = Admin::start().await;
    let strange = SpendEvent {
        request_id: "a\u{0}b".to_owned(),
        model: "m".repeat(100_000),
        end_user: Some("'; DROP TABLE spend_event; --\u{0}".to_owned()),
        ..event()
    };
    let ack = post(&admin, std::slice::from_ref(&strange)).await;
    assert_eq!(ack.accepted, [strange.event_id]);
    let shown = admin.get(&format!("/api/v1/requests/{}", strange.event_id)).await.expect(200);
    assert_eq!(shown["request_id"], "a\u{fffd}b");
    assert_eq!(shown["model"].as_str().unwrap().len(), 512);
    assert_eq!(shown["end_user"], "'; DROP TABLE spend_event; --\u{fffd}");
}

#[tokio::test]
async fn events_of_other_months_get_their_partitions() {
    let (admin, database) = Admin::start().await;
    let month_us = 31 * 86_400_000_000_i64;
    let now = Timestamp::now();
    let events: Vec<SpendEvent> = (0..6)
        .map(|ago| {
            let at = Timestamp(now.0 - ago * month_us);
            SpendEvent { started_at: at, finished_at: at, ..event() }
        })
        .collect();
    assert_eq!(post(&admin, &events).await.accepted.len(), 6);
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'spend_event'::regclass";
    // Six of the past and, made ahead, the next two.
    assert_eq!(database.number(partitions).await, 8);
    // A partition that retention has dropped comes back when it is needed.
    let oldest = events[5].clone();
    let name = oldest.started_at.to_string()[..7].replace('-', "_");
    database.connect().await.batch_execute(&format!("DROP TABLE spend_event_{name}")).await.unwrap();
    let again = SpendEvent { event_id: EventId::new(), ..oldest };
    let reply = admin.post_internal(EVENTS, &batch(std::slice::from_ref(&again))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(database.number(partitions).await, 8);
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_as_a_whole() {
    let (admin, _) = Admin::start().await;
    admin.post_internal(EVENTS, &json!({"event": []})).await.refused(400, "invalid_request_error", Some("events"));
    let many: Vec<Value> = (0..1001).map(|_| json!({})).collect();
    admin.post_internal(EVENTS, &json!({"events": many})).await.refused(413, "request_too_large", None);
    admin.post_internal(EVENTS, &json!({"events": []})).await.expect(200);
}
