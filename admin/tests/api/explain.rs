//! Why a call went where it went, and what was paid beside it.

use deltallm_shared::{
    event::{EventKind, Outcome, SpendEvent},
    ids::{DeploymentId, KeyId},
    routing::{
        AttemptEnd, AttemptTrace, CandidateTrace, Choice, FallbackKind, Fault, RouteTrace, SkipReason, Strategy,
    },
    time_text::Timestamp,
};
use serde_json::{Value, json};

use crate::harness::{
    Admin,
    events::{batch, event},
};

async fn record(admin: &Admin, events: &[SpendEvent]) {
    admin.post_internal("/internal/v1/events", &batch(events)).await.expect(200);
}

async fn deployment(admin: &Admin, name: &str, upstream: &str) -> DeploymentId {
    let draft =
        json!({"model_name": name, "provider": "openai", "upstream_model": upstream, "api_key": "sk-upstream-1"});
    admin.post("/api/v1/models", draft).await.expect(201)["id"].as_str().unwrap().parse().unwrap()
}

fn candidate(deployment_id: DeploymentId, score: Option<i64>, skipped: Option<SkipReason>) -> CandidateTrace {
    CandidateTrace { deployment_id, score, skipped }
}

/// The first deployment fails, the second one is set aside, the fallback group's answers.
fn trace(first: DeploymentId, second: DeploymentId, third: DeploymentId) -> RouteTrace {
    let attempt = |deployment_id, model: &str, at_us| AttemptTrace {
        deployment_id,
        model: model.to_owned(),
        at_us,
        waited_us: 0,
        first_token_us: None,
        duration_us: 1500,
        status: None,
        end: AttemptEnd::Failed,
        fault: None,
        is_hedge: false,
    };
    RouteTrace {
        choices: vec![
            Choice {
                model: "fast".to_owned(),
                strategy: Strategy::LatencyBased,
                candidates: vec![
                    candidate(first, Some(412_000), None),
                    candidate(second, None, Some(SkipReason::CoolingDown)),
                ],
                chosen: Some(first),
                at_us: 100,
                ..Choice::default()
            },
            Choice {
                model: "spare".to_owned(),
                fallback: Some(FallbackKind::General),
                candidates: vec![candidate(third, None, None)],
                chosen: Some(third),
                at_us: 1700,
                ..Choice::default()
            },
        ],
        attempts: vec![
            AttemptTrace { status: Some(503), fault: Some(Fault::Overloaded), ..attempt(first, "fast", 150) },
            AttemptTrace {
                status: Some(200),
                end: AttemptEnd::Answered,
                first_token_us: Some(900),
                ..attempt(third, "spare", 1800)
            },
        ],
        queued_us: 0,
        mirrored_to: Some("shadow".to_owned()),
    }
}

#[tokio::test]
async fn a_calls_way_is_told_with_names_reasons_and_costs() {
    let (admin, _database) = Admin::start().await;
    let first = deployment(&admin, "fast", "gpt-4o-mini").await;
    let second = deployment(&admin, "fast", "gpt-4o").await;
    let third = deployment(&admin, "spare", "gpt-4.1-mini").await;
    let call = SpendEvent {
        model: "fast".to_owned(),
        deployment_id: Some(third),
        attempts: 2,
        route: Some(Box::new(trace(first, second, third))),
        ..event()
    };
    let beside = |kind, cost: &str| SpendEvent {
        kind,
        request_id: call.request_id.clone(),
        about: Some(call.event_id),
        cost: Some(cost.parse().unwrap()),
        ..event()
    };
    // A caller that gives all its calls one request id: what was paid for another one of them is not paid for this one.
    let other =
        SpendEvent { request_id: call.request_id.clone(), started_at: Timestamp(call.started_at.0 - 1), ..event() };
    let unrelated = SpendEvent { about: Some(other.event_id), ..beside(EventKind::Mirror, "0.5") };
    let copy = beside(EventKind::Mirror, "0.01");
    record(&admin, &[call.clone(), copy.clone(), beside(EventKind::FailedAttempt, "0.002"), other, unrelated]).await;

    let told = admin.get(&format!("/api/v1/requests/{}/explain", call.request_id)).await.expect(200);
    assert_eq!(told, admin.get(&format!("/api/v1/requests/{}/explain", call.event_id)).await.expect(200));
    assert_eq!((&told["is_traced"], &told["request"]["event_id"]), (&json!(true), &json!(call.event_id)));
    assert_eq!(
        told["summary"],
        "`openai/gpt-4.1-mini` answered, after 1 failed attempt. It is of the group `spare`, which stands in for `fast`. \
         A copy went to `shadow`. Beside it, 0.012 USD were paid that the caller is not billed for."
    );
    let choice = &told["choices"][0];
    assert_eq!(
        choice["sentence"],
        "`openai/gpt-4o-mini` was chosen among 2 deployments of `fast` by `latency-based-routing`."
    );
    let [chosen, skipped] = choice["candidates"].as_array().unwrap().as_slice() else { panic!("{choice}") };
    assert_eq!(
        (&chosen["score"], &chosen["sentence"]),
        (&json!(412_000), &json!("It was chosen (expected to take 412 ms)."))
    );
    assert_eq!(
        (&skipped["deployment"]["label"], &skipped["skipped"]),
        (&json!("openai/gpt-4o"), &json!("cooling_down"))
    );
    assert!(skipped["sentence"].as_str().unwrap().contains("failed too often"));
    assert_eq!(told["choices"][1]["fallback"], "general");
    let attempt = &told["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["fault"], &attempt["end"]),
        (&json!(503), &json!("overloaded"), &json!("failed"))
    );
    assert_eq!(attempt["sentence"], "It failed with status 503 after 1 ms: its provider has no capacity.");
    let kinds: Vec<_> = told["beside"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&&json!("mirror")) && kinds.contains(&&json!("failed_attempt")), "{kinds:?}");
    assert_eq!(told["beside_cost_usd"], "0.012");

    // A deployment that is gone is still told of, by its id.
    admin.delete(&format!("/api/v1/models/{first}")).await.expect(204);
    let told = admin.get(&format!("/api/v1/requests/{}/explain", call.event_id)).await.expect(200);
    assert_eq!(told["attempts"][0]["deployment"]["label"], first.to_string());
}

#[tokio::test]
async fn a_call_without_a_trace_is_told_from_what_is_on_record() {
    let (admin, _database) = Admin::start().await;
    let plain = SpendEvent { deployment_id: Some(DeploymentId::new()), ..event() };
    let refused = SpendEvent {
        status: 401,
        outcome: Outcome::Refused,
        error_code: Some("invalid_api_key".to_owned()),
        attempts: 0,
        ..event()
    };
    let failed = SpendEvent { status: 502, outcome: Outcome::UpstreamError, attempts: 3, ..plain.clone() };
    let failed = SpendEvent { event_id: event().event_id, request_id: event().request_id, ..failed };
    record(&admin, &[plain.clone(), refused.clone(), failed.clone()]).await;
    let told = async |event: &SpendEvent| -> Value {
        admin.get(&format!("/api/v1/requests/{}/explain", event.event_id)).await.expect(200)
    };
    let plain = told(&plain).await;
    assert_eq!((&plain["is_traced"], &plain["summary"]), (&json!(false), &json!("`openai/gpt-4o-mini` answered.")));
    assert_eq!((&plain["attempts"][0]["end"], &plain["attempts"][0]["status"]), (&json!("answered"), &json!(200)));
    assert_eq!(plain["beside"], json!([]));
    let refused = told(&refused).await;
    assert_eq!(refused["summary"], "No deployment was asked; the caller was given status 401 (`invalid_api_key`).");
    assert_eq!(refused["attempts"], json!([]));
    let failed = told(&failed).await;
    assert!(failed["summary"].as_str().unwrap().ends_with("Of 3 attempts 1 are on record."), "{}", failed["summary"]);
    assert_eq!(failed["attempts"][0]["status"], Value::Null, "what the provider said is not on record");
    admin.get("/api/v1/requests/nothing/explain").await.refused(404, "not_found", None);
}

#[tokio::test]
async fn what_is_no_call_costs_money_and_is_no_request() {
    let (admin, database) = Admin::start().await;
    let key = admin.post("/api/v1/keys", json!({"name": "k"})).await.expect(201);
    let key_id: KeyId = key["id"].as_str().unwrap().parse().unwrap();
    let call = SpendEvent { key_id: Some(key_id), ..event() };
    // Even where a proxy named the caller.
    let others = [EventKind::FailedAttempt, EventKind::HedgeLoser, EventKind::Mirror, EventKind::Probe]
        .map(|kind| SpendEvent { kind, status: 500, request_id: call.request_id.clone(), ..call.clone() })
        .map(|other| SpendEvent { event_id: event().event_id, ..other });
    record(&admin, &others).await;
    record(&admin, std::slice::from_ref(&call)).await;

    let key = admin.get(&format!("/api/v1/keys/{key_id}")).await.expect(200);
    assert_eq!((&key["requests_count"], &key["spend_usd"]), (&json!(1), &json!("0.000027")));
    let total = admin.get("/api/v1/spend/summary?group_by=model").await.expect(200)["total"].clone();
    assert_eq!((&total["requests"], &total["errors"]), (&json!(1), &json!(0)));
    assert_eq!((&total["spend_usd"], &total["input_tokens"]), (&json!("0.000135"), &json!(500)));
    assert_eq!(
        database.number("SELECT count(*) FROM spend_event WHERE kind <> 'call' AND key_id IS NOT NULL").await,
        0
    );

    let listed = async |query: &str| {
        admin.get(&format!("/api/v1/requests?{query}")).await.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!((listed("").await, listed("kind=call").await, listed("kind=all").await), (1, 1, 5));
    assert_eq!((listed("kind=hedge_loser").await, listed("kind=probe").await), (1, 1));
    admin.get("/api/v1/requests?kind=odd").await.refused(400, "invalid_request_error", Some("kind"));
    let by_request = admin.get(&format!("/api/v1/requests/{}", call.request_id)).await.expect(200);
    assert_eq!(by_request["event_id"], json!(call.event_id));
}

#[tokio::test]
async fn an_oversized_trace_is_dropped_and_its_call_kept() {
    let (admin, database) = Admin::start().await;
    let choice = Choice { model: "m".repeat(200_000), ..Choice::default() };
    let route = RouteTrace { choices: vec![choice], ..RouteTrace::default() };
    let call = SpendEvent { route: Some(Box::new(route)), ..event() };
    record(&admin, std::slice::from_ref(&call)).await;
    assert_eq!(database.number("SELECT count(*) FROM spend_event WHERE route IS NULL").await, 1);
    assert!(admin.log().contains("the trace of a call is not kept"));
    let told = admin.get(&format!("/api/v1/requests/{}/explain", call.event_id)).await.expect(200);
    assert_eq!(told["is_traced"], false);
}
