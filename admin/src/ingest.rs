//! `POST /internal/v1/events`: takes what proxies recorded, each event exactly once.
//!
//! Every event of a batch ends up in one of two places before the answer goes out: recorded with its sums, or put aside with
//! the reason. So one event that cannot be stored never holds up the ones behind it. Texts that a caller of the gateway
//! controls are cleaned instead of refused: nobody gets a call off the books by a strange `user` or `x-request-id`.

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use deadpool_postgres::Client;
use deltallm_shared::{
    error::ErrorCode,
    event::{EventAck, EventBatch, RejectedEvent, SpendEvent},
    ids::EventId,
    time_text::Timestamp,
};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::{
    body,
    error::{AdminError, describe},
    metrics::EventLabels,
    repository::{event, request, upkeep},
    routes,
    state::{Shared, State},
};

const MAX_TEXT_CHARS: usize = 512;
const DAY_US: i64 = 24 * 3600 * 1_000_000;
/// A journal may have waited long; older events would make partitions for nothing.
const MAX_AGE_US: i64 = 400 * DAY_US;
/// A clock that runs ahead further than this is wrong.
const MAX_AHEAD_US: i64 = DAY_US;
/// Bounds of one call: tokens and microseconds beyond it are a mistake, and sums of them would overflow.
const MAX_COUNT: u64 = 1 << 48;
/// A million dollars for one call is a mistake.
const MAX_COST_NANO_USD: i64 = 1_000_000_000_000_000;

/// A trace beyond it is not kept: what explains a call must not cost more than the call.
const MAX_ROUTE_BYTES: usize = 64 * 1024;

/// The batch with its events unread, so that one that cannot be read does not spoil the others.
#[derive(Deserialize)]
struct RawBatch {
    events: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct OnlyId {
    event_id: EventId,
}

/// An event that is put aside.
struct Rejected {
    event_id: Option<EventId>,
    reason: String,
    payload: String,
}

/// Months whose partition is known to be there.
static MONTHS: Mutex<Option<HashSet<(i32, u8)>>> = Mutex::new(None);

/// The handler. The body was bounded by the server.
pub async fn receive(state: Shared, body: web::Bytes) -> Result<HttpResponse, AdminError> {
    let batch: RawBatch = body::parse(&body)?;
    if batch.events.len() > EventBatch::MAX_EVENTS {
        return Err(AdminError::caller(
            ErrorCode::RequestTooLarge,
            format!("A batch may hold {} events at most.", EventBatch::MAX_EVENTS),
        ));
    }
    let now = Timestamp::now();
    let (mut events, mut rejected) = (Vec::with_capacity(batch.events.len()), Vec::new());
    for raw in &batch.events {
        match read(raw, now) {
            Ok(event) => events.push(event),
            Err(refused) => rejected.push(refused),
        }
    }
    let client = state.database.client().await?;
    ensure_partitions(&client, &events).await?;
    let mut inserted = Vec::new();
    let mut accepted = Vec::with_capacity(events.len());
    record(&client, &events, &mut inserted, &mut accepted, &mut rejected).await?;
    for refused in &rejected {
        put_aside(&client, refused).await?;
    }
    count(&state, inserted.len(), accepted.len() - inserted.len(), rejected.len());
    if !inserted.is_empty() {
        show(&state, &client, &inserted).await;
    }
    let rejected = rejected
        .into_iter()
        .filter_map(|refused| Some(RejectedEvent { event_id: refused.event_id?, reason: refused.reason }))
        .collect();
    Ok(HttpResponse::Ok().json(EventAck { accepted, rejected }))
}

fn read(raw: &RawValue, now: Timestamp) -> Result<SpendEvent, Rejected> {
    let refuse = |event_id, reason: String| Rejected { event_id, reason, payload: raw.get().to_owned() };
    let mut event: SpendEvent =
        serde_json::from_str(raw.get()).or_else(|error| without_route(raw).ok_or(error)).map_err(|error| {
            let event_id = serde_json::from_str::<OnlyId>(raw.get()).ok().map(|only| only.event_id);
            refuse(event_id, format!("it cannot be read: {error}"))
        })?;
    clean(&mut event);
    bound_route(&mut event);
    if !event.kind.is_call() {
        // It is the operator's own cost, whoever sent it.
        (event.key_id, event.team_id, event.user_id, event.organization_id) = (None, None, None, None);
    }
    check(&event, now).map_err(|reason| refuse(Some(event.event_id), reason))?;
    Ok(event)
}

/// The event without its trace, where only that cannot be read: a newer proxy may say more in it than is known here.
fn without_route(raw: &RawValue) -> Option<SpendEvent> {
    let mut event: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
    event.as_object_mut()?.remove("route")?;
    let event: SpendEvent = serde_json::from_value(event).ok()?;
    tracing::warn!(event_id = %event.event_id, "the trace of a call cannot be read here; the call is recorded without it");
    Some(event)
}

/// Leaves out a trace that cannot be stored. The call is recorded all the same.
fn bound_route(event: &mut SpendEvent) {
    let Some(route) = &event.route else { return };
    // PostgreSQL's JSON holds no U+0000.
    let reason = match serde_json::to_string(route) {
        Ok(text) if text.len() > MAX_ROUTE_BYTES => "is too large",
        Ok(text) if text.contains("\\u0000") => "holds a character that cannot be stored",
        Ok(_) => return,
        Err(_) => "cannot be written",
    };
    tracing::warn!(event_id = %event.event_id, reason, "the trace of a call is not kept");
    event.route = None;
}

/// Makes texts storable: PostgreSQL refuses U+0000, and an index refuses what is too long.
fn clean(event: &mut SpendEvent) {
    let required = [&mut event.request_id, &mut event.model, &mut event.endpoint, &mut event.price_version];
    let optional = [&mut event.error_code, &mut event.provider, &mut event.upstream_model, &mut event.end_user];
    for text in required.into_iter().chain(optional.into_iter().flatten()) {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{fffd}");
        }
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
            text.truncate(end);
        }
    }
}

fn check(event: &SpendEvent, now: Timestamp) -> Result<(), String> {
    if event.started_at.0 < now.0 - MAX_AGE_US || event.started_at.0 > now.0 + MAX_AHEAD_US {
        return Err(format!("started_at {} is too far from now; is the proxy's clock right?", event.started_at));
    }
    if (event.finished_at.0 - event.started_at.0).abs() > MAX_AGE_US {
        return Err("finished_at is too far from started_at".to_owned());
    }
    let usage = &event.usage;
    let counts = [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cached_input_tokens", usage.cached_input_tokens),
        ("cache_creation_tokens", usage.cache_creation_tokens),
        ("reasoning_tokens", usage.reasoning_tokens),
        ("duration_us", event.duration_us),
        ("overhead_us", event.overhead_us),
        ("time_to_first_byte_us", event.time_to_first_byte_us.unwrap_or(0)),
    ];
    if let Some((name, value)) = counts.into_iter().find(|(_, value)| *value > MAX_COUNT) {
        return Err(format!("{name} {value} cannot be"));
    }
    match event.cost {
        Some(cost) if !(0..=MAX_COST_NANO_USD).contains(&cost.0) => Err(format!("cost {cost} USD cannot be")),
        _ => Ok(()),
    }
}

async fn ensure_partitions(client: &Client, events: &[SpendEvent]) -> Result<(), AdminError> {
    for event in events {
        let date = event.started_at.to_datetime();
        let month = (date.year(), u8::from(date.month()));
        let is_known = MONTHS.lock().as_ref().is_some_and(|months| months.contains(&month));
        if !is_known {
            upkeep::ensure_partition(client, event.started_at).await?;
            MONTHS.lock().get_or_insert_default().insert(month);
        }
    }
    Ok(())
}

/// Records events together; where the database refuses a batch for what is in it, in halves, until the one at fault is alone.
async fn record(
    client: &Client,
    events: &[SpendEvent],
    inserted: &mut Vec<Uuid>,
    accepted: &mut Vec<EventId>,
    rejected: &mut Vec<Rejected>,
) -> Result<(), AdminError> {
    let mut waiting = vec![events];
    let mut may_remake_partitions = true;
    while let Some(part) = waiting.pop() {
        if part.is_empty() {
            continue;
        }
        let refs: Vec<&SpendEvent> = part.iter().collect();
        match event::record(client, &refs).await {
            Ok(new) => {
                inserted.extend(new);
                accepted.extend(part.iter().map(|event| event.event_id));
            }
            Err(error) if is_missing_partition(&error) && may_remake_partitions => {
                // Retention dropped a month that we knew to be there.
                may_remake_partitions = false;
                MONTHS.lock().take();
                ensure_partitions(client, part).await?;
                waiting.push(part);
            }
            Err(error) if !is_about_data(&error) => return Err(error.into()),
            Err(error) => match part {
                [alone] => rejected.push(Rejected {
                    event_id: Some(alone.event_id),
                    reason: format!("the database refuses it: {}", describe(&error)),
                    payload: serde_json::to_string(alone).unwrap_or_default(),
                }),
                several => {
                    let (left, right) = several.split_at(several.len() / 2);
                    waiting.extend([right, left]);
                }
            },
        }
    }
    Ok(())
}

/// Whether the values are at fault and will be the next time too.
fn is_about_data(error: &tokio_postgres::Error) -> bool {
    let class = error.code().and_then(|code| code.code().get(..2)).unwrap_or_default();
    matches!(class, "22" | "23") && !is_missing_partition(error)
}

/// PostgreSQL says so as a broken check without a name.
fn is_missing_partition(error: &tokio_postgres::Error) -> bool {
    let detail = error.as_db_error();
    detail.is_some_and(|detail| *detail.code() == SqlState::CHECK_VIOLATION && detail.constraint().is_none())
}

async fn put_aside(client: &Client, refused: &Rejected) -> Result<(), AdminError> {
    let event_id = refused.event_id.map(|id| id.0);
    tracing::error!(event_id = event_id.map(tracing::field::display), reason = refused.reason, "spend event put aside");
    // The payload is JSON text, where U+0000 can only stand escaped.
    event::put_aside(client, event_id, &refused.reason.replace('\0', "\u{fffd}"), &refused.payload).await
}

fn count(state: &State, inserted: usize, duplicate: usize, rejected: usize) {
    for (outcome, number) in [("inserted", inserted), ("duplicate", duplicate), ("rejected", rejected)] {
        let counter = state.metrics.events.get_or_create(&EventLabels { outcome });
        counter.inc_by(u64::try_from(number).unwrap_or(0));
    }
}

/// Shows new calls here and tells the other replicas. The events are recorded by now: what fails here is only not shown live.
async fn show(state: &State, client: &Client, inserted: &[Uuid]) {
    if let Err(error) = state.hub.announce_events(client, inserted).await {
        tracing::warn!(%error, "new calls were not announced to the other replicas");
    }
    if !state.live.has_watchers() {
        return;
    }
    match request::by_ids(client, inserted).await {
        Ok(rows) => state.live.show(rows.into_iter().map(|row| routes::requests::view(state, row))),
        Err(error) => tracing::warn!(%error, "new calls were not shown live"),
    }
}

#[cfg(test)]
mod tests {
    use deltallm_shared::{
        event::EventKind,
        ids::KeyId,
        money::NanoUsd,
        routing::{Choice, RouteTrace},
    };

    use super::*;

    fn event() -> SpendEvent {
        let now = Timestamp::now();
        SpendEvent { started_at: now, finished_at: now, model: "m".to_owned(), ..SpendEvent::default() }
    }

    #[test]
    fn a_callers_texts_never_keep_a_call_off_the_books() {
        let mut event = SpendEvent { request_id: "a\0b".to_owned(), end_user: Some("é".repeat(10_000)), ..event() };
        clean(&mut event);
        assert_eq!(event.request_id, "a\u{fffd}b");
        assert_eq!(event.end_user.as_deref().map(|text| text.chars().count()), Some(MAX_TEXT_CHARS));
        assert_eq!(check(&event, Timestamp::now()), Ok(()));
    }

    #[test]
    fn a_trace_that_cannot_be_kept_is_left_out_and_the_call_stays() {
        let choice = |model: &str| Choice { model: model.to_owned(), ..Choice::default() };
        let with =
            |choices| SpendEvent { route: Some(Box::new(RouteTrace { choices, ..RouteTrace::default() })), ..event() };
        let kept = |event: &SpendEvent| {
            let raw = RawValue::from_string(serde_json::to_string(event).unwrap()).unwrap();
            read(&raw, Timestamp::now()).ok().unwrap().route.is_some()
        };
        assert!(kept(&with(vec![choice("m")])));
        assert!(!kept(&with(vec![choice(&"m".repeat(100_000))])));
        assert!(!kept(&with(vec![choice("a\0b")])));
        let newer = serde_json::to_string(&with(vec![choice("m")])).unwrap().replace("simple-shuffle", "clairvoyant");
        let read = read(&RawValue::from_string(newer).unwrap(), Timestamp::now()).ok().unwrap();
        assert_eq!((read.model.as_str(), read.route), ("m", None));
    }

    #[test]
    fn what_is_no_call_is_on_nobodys_account() {
        let mirror = SpendEvent { kind: EventKind::Mirror, key_id: Some(KeyId::new()), ..event() };
        let raw = RawValue::from_string(serde_json::to_string(&mirror).unwrap()).unwrap();
        let read = read(&raw, Timestamp::now()).ok().unwrap();
        assert_eq!((read.kind, read.key_id), (EventKind::Mirror, None));
    }

    #[test]
    fn figures_that_cannot_be_are_refused() {
        let now = Timestamp::now();
        let mut tokens = event();
        tokens.usage.input_tokens = u64::MAX;
        assert!(check(&tokens, now).is_err());
        assert!(check(&SpendEvent { cost: Some(NanoUsd(-1)), ..event() }, now).is_err());
        assert!(check(&SpendEvent { started_at: Timestamp(0), ..event() }, now).is_err());
        assert!(check(&SpendEvent { finished_at: Timestamp(0), ..event() }, now).is_err());
    }

    #[test]
    fn an_event_that_cannot_be_read_is_named_where_its_id_can() {
        let raw = RawValue::from_string(format!("{{\"event_id\":\"{}\",\"status\":\"x\"}}", Uuid::nil())).unwrap();
        let refused = read(&raw, Timestamp::now()).err().unwrap();
        assert_eq!(refused.event_id, Some(EventId(Uuid::nil())));
        let raw = RawValue::from_string("[1]".to_owned()).unwrap();
        assert_eq!(read(&raw, Timestamp::now()).err().unwrap().event_id, None);
    }
}
