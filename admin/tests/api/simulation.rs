//! What a policy would do: over made-up traffic, and over what is on record.

use deltallm_shared::{
    event::{Outcome, SpendEvent},
    ids::DeploymentId,
    routing::{AttemptEnd, AttemptTrace, Fault, RouteTrace},
    time_text::Timestamp,
};
use serde_json::{Value, json};

use crate::harness::{
    Admin,
    admin::Start,
    cluster::Database,
    events::{batch, event},
};

const SIMULATE: &str = "/api/v1/routing/simulate";
const FILE: &str = "
model_list:
  - { model_name: a, deltallm_params: { model: mock/echo, weight: 3 } }
  - { model_name: a, deltallm_params: { model: mock/lorem, weight: 1 } }
router_settings: { model_group_alias: { other: a } }
";

async fn admin() -> (Admin, Database) {
    let database = Database::create().await;
    (Start::on(&database.url()).config(FILE).up().await, database)
}

fn steady() -> Value {
    json!({"kind": "synthetic", "requests_per_minute": 600, "duration_ms": 60_000, "tokens": 100})
}

fn share(told: &Value, index: usize) -> u64 {
    told["deployments"][index]["share_ppm"].as_u64().unwrap()
}

#[tokio::test]
async fn a_groups_own_settings_are_tried_unless_others_are_given() {
    let (admin, _database) = admin().await;
    let body = json!({"model_name": "other", "traffic": steady(), "seed": 7});
    let told = admin.post(SIMULATE, body.clone()).await.expect(200);
    assert_eq!(told, admin.post(SIMULATE, body).await.expect(200), "the same seed has the same outcome");
    assert!(told["requests"].as_u64().unwrap() > 400 && told["requests"] == told["answered"], "{told}");
    assert_eq!(told["settings"]["strategy"], "simple-shuffle");
    assert_eq!((&told["deployments"][0]["source"], &told["client_errors"]), (&json!("default"), &json!(0)));
    assert!((700_000..800_000).contains(&share(&told, 0)), "three quarters by weight: {told}");
    let choice = &told["choices"][0]["choice"];
    assert!(choice["sentence"].as_str().unwrap().contains("among 2 deployments of"), "{choice}");
    assert!(choice["chosen"]["label"].as_str().unwrap().starts_with("mock/"));

    // A broken deployment: with a retry nobody sees it, without one many do.
    let deployments = json!([
        {"name": "good", "total": {"mean_ms": 100, "p95_ms": 200}},
        {"name": "bad", "total": {"mean_ms": 100, "p95_ms": 200}, "failures": [{"fault": "overloaded", "percent": 100}]},
    ]);
    let run = async |settings: Value| {
        let body = json!({"deployments": deployments, "settings": settings, "traffic": steady()});
        admin.post(SIMULATE, body).await.expect(200)
    };
    let patient = run(json!({"num_retries": 1})).await;
    assert_eq!((&patient["client_errors"], &patient["deployments"][1]["answered"]), (&json!(0), &json!(0)));
    assert!(patient["deployments"][1]["pause_count"].as_u64().unwrap() > 0);
    assert_eq!(patient["deployments"][1]["source"], "given");
    let hasty = run(json!({"num_retries": 0})).await;
    assert!(hasty["client_errors"].as_u64().unwrap() > 0);
    assert_eq!(hasty["errors"][0]["reason"], "overloaded");
}

#[tokio::test]
async fn recorded_traffic_comes_as_it_came_and_is_answered_as_it_was() {
    let (admin, _database) = admin().await;
    let models = admin.get("/api/v1/models").await.expect(200);
    let ids: Vec<DeploymentId> =
        models["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect();
    let (quick, slow) = (ids[0], ids[1]);
    let start = Timestamp::now().0 - 3_600_000_000;
    let attempt = |deployment_id, duration_us, fault: Option<Fault>| AttemptTrace {
        deployment_id,
        model: "a".to_owned(),
        at_us: 0,
        waited_us: 0,
        first_token_us: None,
        duration_us,
        status: None,
        end: if fault.is_some() { AttemptEnd::Failed } else { AttemptEnd::Answered },
        fault,
        is_hedge: false,
    };
    let calls: Vec<SpendEvent> = (0..100_i64)
        .map(|number| {
            let at = Timestamp(start + number * 1_000_000);
            let base = SpendEvent { started_at: at, finished_at: at, model: "a".to_owned(), ..event() };
            // Half of them without a trace at the quick one; of the others each second one failed at the slow one first.
            if number % 2 == 0 {
                return SpendEvent {
                    deployment_id: Some(quick),
                    duration_us: 50_250,
                    outcome: Outcome::Completed,
                    ..base
                };
            }
            let attempts = if number % 4 == 1 {
                vec![attempt(slow, 7_000, Some(Fault::RateLimit)), attempt(quick, 50_000, None)]
            } else {
                vec![attempt(slow, 900_000, None)]
            };
            let route = RouteTrace { attempts, ..RouteTrace::default() };
            SpendEvent { deployment_id: Some(quick), route: Some(Box::new(route)), ..base }
        })
        .collect();
    admin.post_internal("/internal/v1/events", &batch(&calls)).await.expect(200);

    let body =
        json!({"model_name": "a", "traffic": {"kind": "recorded"}, "settings": {"strategy": "latency-based-routing"}});
    let told = admin.post(SIMULATE, body).await.expect(200);
    assert_eq!((&told["requests"], &told["settings"]["strategy"]), (&json!(100), &json!("latency-based-routing")));
    let of = |id: DeploymentId| {
        let all = told["deployments"].as_array().unwrap();
        all.iter().find(|row| row["deployment"]["id"] == json!(id)).unwrap().clone()
    };
    let (quick, slow) = (of(quick), of(slow));
    assert_eq!((&quick["source"], &quick["total"]), (&json!("record"), &json!({"mean_ms": 50, "p95_ms": 50})));
    assert_eq!(slow["total"], json!({"mean_ms": 900, "p95_ms": 900}));
    assert_eq!((&slow["failures"][0]["fault"], &slow["failures"][0]["percent"]), (&json!("rate_limit"), &json!(50)));
    assert!(quick["share_ppm"].as_u64() > slow["share_ppm"].as_u64(), "the quicker one is asked more: {told}");
    // 0.000027 USD on record for each of the quick one's answers.
    let expected = 27_000 * quick["answered"].as_u64().unwrap();
    assert_eq!(quick["spend_usd"], json!(deltallm_shared::money::NanoUsd(i64::try_from(expected).unwrap())));

    let fewer = json!({"model_name": "a", "traffic": {"kind": "recorded", "limit": 10}});
    assert_eq!(admin.post(SIMULATE, fewer).await.expect(200)["requests"], 10);
}

#[tokio::test]
async fn what_cannot_be_simulated_names_its_field() {
    let (admin, _database) = admin().await;
    let one = json!([{"name": "one"}]);
    for (body, field) in [
        (json!({"traffic": steady()}), "deployments"),
        (json!({"deployments": [], "traffic": steady()}), "deployments"),
        (json!({"model_name": "nobody", "traffic": steady()}), "model_name"),
        (json!({"deployments": one, "traffic": {"kind": "recorded"}}), "model_name"),
        (json!({"model_name": "a", "traffic": {"kind": "recorded"}}), "traffic"),
        (json!({"model_name": "a", "traffic": {"kind": "recorded", "limit": 0}}), "traffic.limit"),
        (json!({"deployments": [{"id": DeploymentId::new()}], "traffic": steady()}), "deployments[0].id"),
        (json!({"deployments": one, "settings": {"num_retries": 99}, "traffic": steady()}), "settings"),
        (
            json!({"deployments": one, "traffic": {"kind": "synthetic", "requests_per_minute": 1_000_000, "duration_ms": 3_600_000}}),
            "traffic",
        ),
        (
            json!({"deployments": one, "traffic": {"kind": "synthetic", "requests_per_minute": 1, "duration_ms": 1, "speed": 1}}),
            "traffic.speed",
        ),
    ] {
        let reply = admin.post(SIMULATE, body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        reply.refused(400, "invalid_request_error", Some(field));
    }
}
