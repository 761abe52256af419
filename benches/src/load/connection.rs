//! One keep-alive connection: takes its turns until the run is over.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::plan::Plan;
use super::report::Tally;
use super::request;
use super::schedule::{Schedule, Turn};
use super::sse::EventCounter;

type Sender = SendRequest<Full<Bytes>>;

/// Sends requests until the schedule has no more turns.
pub async fn work(plan: Arc<Plan>, schedule: Arc<Schedule>) -> Result<Tally, String> {
    let template = Template::new(&plan)?;
    let mut tally = Tally::new()?;
    let mut sender = None;
    while let Some(turn) = schedule.next_turn().await {
        tally.timer_lag.record(turn.timer_lag);
        let exchange = exchange(&mut sender, &template, &plan, &turn, &mut tally);
        let result = match tokio::time::timeout(plan.timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err("timeout".to_owned()),
        };
        if let Err(cause) = result {
            *tally.transport_errors.entry(cause).or_default() += 1;
            sender = None;
        }
    }
    Ok(tally)
}

/// The request, made once and sent many times.
struct Template {
    uri: Uri,
    host: String,
    authorization: Option<String>,
    body: Bytes,
}

impl Template {
    fn new(plan: &Plan) -> Result<Self, String> {
        Ok(Self {
            uri: plan.path.parse().map_err(|error| format!("path `{}`: {error}", plan.path))?,
            host: plan.host.clone(),
            authorization: plan.args.key.as_ref().map(|key| format!("Bearer {key}")),
            body: request::body(&plan.args),
        })
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, String> {
        let mut builder =
            Request::post(self.uri.clone()).header(HOST, &self.host).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        builder.body(Full::new(self.body.clone())).map_err(|error| format!("request: {error}"))
    }
}

async fn connect(plan: &Plan) -> Result<Sender, String> {
    let stream = TcpStream::connect(plan.address).await.map_err(|error| format!("connect: {}", error.kind()))?;
    stream.set_nodelay(true).map_err(|error| format!("connect: {}", error.kind()))?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| format!("connect: {error}"))?;
    // Its error is seen by the request that waits for an answer.
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(
    sender: &mut Option<Sender>,
    template: &Template,
    plan: &Plan,
    turn: &Turn,
    tally: &mut Tally,
) -> Result<(), String> {
    if sender.as_ref().is_none_or(SendRequest::is_closed) {
        *sender = Some(connect(plan).await?);
    }
    let Some(sender) = sender else {
        return Err("no connection".to_owned());
    };
    sender.ready().await.map_err(|error| format!("send: {error}"))?;
    let response = sender.send_request(template.request()?).await.map_err(|error| format!("answer: {error}"))?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut events = EventCounter::default();
    let mut last_event: Option<Instant> = None;
    let mut is_first = true;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map(|frame| frame.into_data().unwrap_or_default()) else {
            *tally.statuses.entry(status).or_default() += 1;
            tally.truncated += u64::from((200..300).contains(&status));
            return Ok(());
        };
        let now = Instant::now();
        if std::mem::take(&mut is_first) {
            tally.first_byte.record(now.duration_since(turn.since));
        }
        tally.received_bytes += u64::try_from(data.len()).unwrap_or(0);
        if plan.is_stream {
            let ended = events.push(&data);
            tally.chunks += ended;
            if ended > 0
                && let Some(last) = last_event.replace(now)
            {
                tally.inter_chunk.record(now.duration_since(last));
            }
        }
    }
    tally.latency.record(turn.since.elapsed());
    *tally.statuses.entry(status).or_default() += 1;
    let is_cut_short = plan.is_stream && (200..300).contains(&status) && !events.is_done();
    tally.truncated += u64::from(is_cut_short);
    Ok(())
}
