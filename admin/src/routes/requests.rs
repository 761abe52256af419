//! `/api/v1/requests`: the recorded calls, as a list and as they come.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header};
use bytes::Bytes;
use deadpool_postgres::GenericClient;
use deltallm_shared::{event::EventKind, time_text::Timestamp};
use futures_util::stream;
use tokio::{
    sync::{broadcast, watch},
    time::{Interval, interval_at},
};

use crate::{
    auth::session,
    body::Query,
    error::AdminError,
    live::LiveEvent,
    page::{Page, Window},
    permissions::Permission,
    repository::request::{self, RequestFilter, RequestKey, RequestRow},
    state::{Shared, State},
    views::request::{RequestQuery, RequestView},
};

const DEFAULT_RANGE_US: i64 = 30 * 24 * 3600 * 1_000_000;
/// The clocks of proxies may run a little ahead.
const CLOCK_SLACK_US: i64 = 3600 * 1_000_000;
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Recorded calls, newest first.
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests", operation_id = "list_requests", params(RequestQuery),
    responses((status = 200, body = Page<RequestView>)))]
pub async fn list(state: Shared, Query(query): Query<RequestQuery>) -> Result<HttpResponse, AdminError> {
    let window = Window::<RequestKey>::new(query.limit, query.cursor.as_deref())?;
    let until = query.until.unwrap_or(Timestamp(Timestamp::now().0.saturating_add(CLOCK_SLACK_US)));
    let since = query.since.unwrap_or(Timestamp(until.0.saturating_sub(DEFAULT_RANGE_US)));
    if since > until {
        return Err(AdminError::invalid("since", "`since` must not be after `until`."));
    }
    let (min_status, max_status) = statuses(query.status.as_deref())?;
    let filter = RequestFilter {
        since,
        until,
        min_status,
        max_status,
        model: query.model.as_deref(),
        provider: query.provider.as_deref(),
        key_id: query.key_id,
        team_id: query.team_id,
        user_id: query.user_id,
        kind: kind(query.kind.as_deref())?,
        request_id: query.q.as_deref().map(str::trim).filter(|text| !text.is_empty()),
    };
    let client = state.database.client().await?;
    let rows = request::list(&client, &filter, window.after, window.fetch_limit()).await?;
    let key = |row: &RequestRow| RequestKey { started_at: row.started_at, event_id: row.event_id };
    Ok(HttpResponse::Ok().json(window.page(rows, key, |row| view(&state, row))))
}

/// One recorded call, by its event's id or by the caller's request id.
#[utoipa::path(get, path = "/api/v1/requests/{id}", tag = "requests", operation_id = "get_request",
    params(("id" = String, Path)), responses((status = 200, body = RequestView)))]
pub async fn get(state: Shared, id: actix_web::web::Path<String>) -> Result<HttpResponse, AdminError> {
    let client = state.database.client().await?;
    let row = find(&client, &id).await?;
    Ok(HttpResponse::Ok().json(view(&state, row)))
}

/// A call by either of its ids.
pub(super) async fn find(client: &impl GenericClient, id: &str) -> Result<RequestRow, AdminError> {
    let by_event = match id.parse() {
        Ok(event_id) => request::find(client, event_id).await?,
        Err(_) => None,
    };
    let found = match by_event {
        Some(row) => Some(row),
        None if id.contains('\0') => None,
        None => request::find_by_request_id(client, id).await?,
    };
    found.ok_or_else(|| AdminError::not_found("request"))
}

/// Calls as they are recorded: server-sent events named `request`, and a comment every 15 s.
#[utoipa::path(get, path = "/api/v1/requests/stream", tag = "requests", operation_id = "stream_requests",
    responses((status = 200, body = RequestView, content_type = "text/event-stream")))]
pub async fn stream(request: HttpRequest, state: Shared) -> HttpResponse {
    let watching = Watching {
        request,
        events: state.live.watch(),
        heartbeat: interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT),
        stopping: state.stopping.clone(),
        open: OpenStream::count(&state),
    };
    let hello = stream::iter([Ok::<_, AdminError>(Bytes::from_static(b": live\n\n"))]);
    let calls = stream::unfold(watching, |mut watching| async move {
        let bytes = watching.next().await?;
        Some((Ok(bytes), watching))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(futures_util::StreamExt::chain(hello, calls))
}

struct Watching {
    request: HttpRequest,
    events: broadcast::Receiver<LiveEvent>,
    heartbeat: Interval,
    stopping: watch::Receiver<bool>,
    open: OpenStream,
}

impl Watching {
    async fn next(&mut self) -> Option<Bytes> {
        let event = tokio::select! {
            event = self.events.recv() => Some(event),
            _ = self.heartbeat.tick() => None,
            _ = self.stopping.wait_for(|stopping| *stopping) => return None,
        };
        match event {
            Some(Ok(event)) => Some(event.as_ref().clone()),
            Some(Err(broadcast::error::RecvError::Lagged(missed))) => Some(format!(": missed {missed}\n\n").into()),
            Some(Err(broadcast::error::RecvError::Closed)) => None,
            None => self.may_go_on().await.then(|| Bytes::from_static(b": heartbeat\n\n")),
        }
    }

    /// Whether who looks may still look: a log-out or a block ends the list too. A database that is away decides nothing.
    async fn may_go_on(&self) -> bool {
        match session::identify(&self.request, &self.open.0).await {
            Ok(principal) => principal.is_some_and(|principal| principal.role().allows(Permission::Read)),
            Err(_) => true,
        }
    }
}

/// Counts an open stream for as long as it lives.
struct OpenStream(Shared);

impl OpenStream {
    fn count(state: &Shared) -> Self {
        state.metrics.live_streams.inc();
        Self(state.clone())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.metrics.live_streams.dec();
    }
}

/// Keys of `config.yaml` are not in the database; their names are added here.
pub fn view(state: &State, mut row: RequestRow) -> RequestView {
    if row.key_name.is_none()
        && let Some(id) = row.key_id
    {
        let config = state.config();
        let key = config.keys.iter().find(|key| key.record.id.0 == id);
        row.key_name = key.map(|key| key.record.name.clone());
    }
    row.into()
}

/// The kind that a list shows; `None`: every kind.
fn kind(text: Option<&str>) -> Result<Option<&'static str>, AdminError> {
    let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| EventKind::Call.name());
    if text == "all" {
        return Ok(None);
    }
    let known = EventKind::NAMES.into_iter().find(|(_, name)| *name == text).map(|(_, name)| name);
    known.map(Some).ok_or_else(|| {
        let names = EventKind::NAMES.map(|(_, name)| format!("`{name}`")).join(", ");
        AdminError::invalid("kind", format!("`kind` must be one of {names} or `all`."))
    })
}

fn statuses(text: Option<&str>) -> Result<(Option<i32>, Option<i32>), AdminError> {
    let wrong = || {
        AdminError::invalid(
            "status",
            "`status` must be a number such as 200, a class such as 4xx, `success` or `error`.",
        )
    };
    match text {
        None | Some("") => Ok((None, None)),
        Some("success") => Ok((None, Some(399))),
        Some("error") => Ok((Some(400), None)),
        Some(text) => {
            if let Some(class) = text.strip_suffix("xx") {
                let class: i32 = class.parse().map_err(|_| wrong())?;
                return if (1..=5).contains(&class) {
                    Ok((Some(class * 100), Some(class * 100 + 99)))
                } else {
                    Err(wrong())
                };
            }
            let status: i32 = text.parse().map_err(|_| wrong())?;
            if (100..=599).contains(&status) { Ok((Some(status), Some(status))) } else { Err(wrong()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_classes_or_words() {
        assert_eq!(statuses(None).unwrap(), (None, None));
        assert_eq!(statuses(Some("429")).unwrap(), (Some(429), Some(429)));
        assert_eq!(statuses(Some("4xx")).unwrap(), (Some(400), Some(499)));
        assert_eq!(statuses(Some("error")).unwrap(), (Some(400), None));
        for wrong in ["7xx", "xx", "99", "fine"] {
            assert!(statuses(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
