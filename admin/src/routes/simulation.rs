//! `/api/v1/routing/simulate`: what a policy would do, over traffic that is made up or was recorded. Nobody is asked anything.

use actix_web::HttpResponse;
use deadpool_postgres::GenericClient;
use deltallm_routing::simulate::{Arrival, Scenario, ScenarioError, Traffic, simulate};
use deltallm_shared::{error::ErrorCode, time_text::Timestamp};
use tokio::sync::Semaphore;

use super::routing::Known;
use crate::{
    body::Body,
    error::AdminError,
    repository::routing_record::{self, Recorded},
    simulation::{OnRecord, Participant, tell},
    state::Shared,
    views::simulation::{
        RecordedTrafficDraft, SimulatedDeploymentDraft, SimulationDraft, SimulationView, TrafficDraft,
    },
};

const DAY_US: i64 = 24 * 3600 * 1_000_000;
const DEFAULT_CALLS: u64 = 5_000;
const MAX_CALLS: u64 = 50_000;
/// Calls that say how a group's deployments answer, where the traffic itself is made up.
const MEASURED_CALLS: i64 = 5_000;
const MAX_DEPLOYMENTS: usize = 200;

/// One at a time: a simulation keeps a core busy for a second or two, and this service has others to answer.
static RUNNING: Semaphore = Semaphore::const_new(1);

/// Tries a policy.
#[utoipa::path(post, path = "/api/v1/routing/simulate", tag = "routing", operation_id = "simulate_routing",
    request_body = SimulationDraft, responses((status = 200, body = SimulationView)))]
pub async fn run(state: Shared, Body(draft): Body<SimulationDraft>) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let known = Known::read(&client, &state).await?;
    let group = draft.model_name.as_deref().map(|name| known.group(name)).transpose()?;
    let recorded = recorded(&draft.traffic, group)?;
    let on_record = match recorded {
        Some(recorded) => OnRecord {
            attempts: routing_record::attempts(&client, recorded).await?,
            costs: routing_record::costs(&client, recorded).await?,
        },
        None => OnRecord::default(),
    };
    let traffic = traffic(&client, draft.traffic, recorded).await?;
    let settings = draft.settings.over(&known.effective(group));
    let participants = participants(&known, group, draft.deployments, &on_record, mean_tokens(&traffic))?;
    drop(client);
    let scenario = Scenario {
        settings: settings.clone(),
        deployments: participants.iter().map(|participant| participant.simulated.clone()).collect(),
        traffic,
        seed: draft.seed,
        samples: draft.samples.unwrap_or(20).min(Scenario::MAX_SAMPLES),
    };
    let Ok(place) = RUNNING.try_acquire() else {
        return Err(AdminError::caller(
            ErrorCode::RateLimitExceeded,
            "Another simulation is running. Try again shortly.",
        ));
    };
    // The place is kept until the thread is done, also where the caller has left.
    let outcome = tokio::task::spawn_blocking(move || {
        let outcome = simulate(&scenario);
        drop(place);
        outcome
    });
    let outcome = outcome.await.map_err(|error| AdminError::Internal(error.to_string()))?;
    let outcome =
        outcome.map_err(|error| AdminError::invalid(field(&error), format!("It cannot be simulated: {error}.")))?;
    Ok(HttpResponse::Ok().json(tell(&settings, participants, outcome)))
}

/// Which calls of the group are looked at; `None` where there is no group.
fn recorded<'a>(traffic: &TrafficDraft, group: Option<&'a str>) -> Result<Option<Recorded<'a>>, AdminError> {
    let now = Timestamp::now();
    let Some(model) = group else {
        return match traffic {
            TrafficDraft::Recorded(_) => {
                Err(AdminError::invalid("model_name", "`model_name` is needed: whose requests are meant?"))
            }
            TrafficDraft::Synthetic(_) => Ok(None),
        };
    };
    let TrafficDraft::Recorded(RecordedTrafficDraft { since, until, limit }) = traffic else {
        return Ok(Some(Recorded { model, since: Timestamp(now.0 - DAY_US), until: now, limit: MEASURED_CALLS }));
    };
    let until = until.unwrap_or(now);
    let since = since.unwrap_or(Timestamp(until.0.saturating_sub(DAY_US)));
    if since > until {
        return Err(AdminError::invalid("traffic.since", "`since` must not be after `until`."));
    }
    let limit = limit.unwrap_or(DEFAULT_CALLS);
    if !(1..=MAX_CALLS).contains(&limit) {
        return Err(AdminError::invalid("traffic.limit", format!("`limit` must be between 1 and {MAX_CALLS}.")));
    }
    Ok(Some(Recorded { model, since, until, limit: i64::try_from(limit).unwrap_or(i64::MAX) }))
}

async fn traffic(
    client: &impl GenericClient,
    draft: TrafficDraft,
    recorded: Option<Recorded<'_>>,
) -> Result<Traffic, AdminError> {
    let recorded = match (draft, recorded) {
        (TrafficDraft::Synthetic(synthetic), _) => return Ok(Traffic::Synthetic(synthetic.into())),
        (TrafficDraft::Recorded(_), Some(recorded)) => recorded,
        (TrafficDraft::Recorded(_), None) => return Ok(Traffic::Recorded { arrivals: Vec::new() }),
    };
    let calls = routing_record::arrivals(client, recorded).await?;
    let Some(first) = calls.first().map(|call| call.started_at) else {
        return Err(AdminError::invalid(
            "traffic",
            format!("No call of `{}` is on record in that time.", recorded.model),
        ));
    };
    let arrivals = calls.iter().map(|call| Arrival {
        at_ms: u64::try_from(call.started_at.since(first).as_millis()).unwrap_or(u64::MAX),
        tokens: call.tokens.unsigned_abs(),
        streams: call.is_stream,
        ..Arrival::default()
    });
    Ok(Traffic::Recorded { arrivals: arrivals.collect() })
}

fn participants(
    known: &Known,
    group: Option<&str>,
    given: Option<Vec<SimulatedDeploymentDraft>>,
    on_record: &OnRecord,
    tokens: u64,
) -> Result<Vec<Participant>, AdminError> {
    let of_group = || {
        let records = known.deployments.iter().filter(|record| group == Some(&record.model_name) && !record.blocked);
        records.map(|record| SimulatedDeploymentDraft { id: Some(record.id.0), ..Default::default() }).collect()
    };
    let drafts: Vec<_> = given.unwrap_or_else(of_group);
    if drafts.is_empty() {
        return Err(AdminError::invalid("deployments", "Name a group with `model_name`, or give `deployments`."));
    }
    if drafts.len() > MAX_DEPLOYMENTS {
        return Err(AdminError::invalid(
            "deployments",
            format!("At most {MAX_DEPLOYMENTS} deployments can be simulated."),
        ));
    }
    let mut seen = std::collections::HashSet::new();
    let mut participants = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        let wrong = |message: &str| AdminError::invalid(&format!("deployments[{index}].id"), message);
        let record = match draft.id {
            Some(id) if !seen.insert(id) => return Err(wrong("A deployment can take part once.")),
            Some(id) => {
                let found = known.deployments.iter().find(|record| record.id.0 == id);
                Some(found.ok_or_else(|| wrong("There is no such deployment; leave `id` out to make one up."))?)
            }
            None => None,
        };
        participants.push(Participant::new(draft, index, record, on_record, tokens));
    }
    Ok(participants)
}

fn mean_tokens(traffic: &Traffic) -> u64 {
    match traffic {
        Traffic::Synthetic(synthetic) => synthetic.tokens,
        Traffic::Recorded { arrivals } => {
            let all: u64 = arrivals.iter().map(|arrival| arrival.tokens).sum();
            all / u64::try_from(arrivals.len()).unwrap_or(1).max(1)
        }
    }
}

/// The field of the body that an error is about.
fn field(error: &ScenarioError) -> &str {
    match error {
        ScenarioError::NoDeployments => "deployments",
        ScenarioError::TooManyRequests { .. } | ScenarioError::TooMuchWork { .. } => "traffic",
        ScenarioError::MoreThanAll { field, .. } | ScenarioError::TooLarge { field, .. } => field,
        ScenarioError::Settings { .. } => "settings",
    }
}
