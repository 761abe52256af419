//! Listens, reads requests, and answers them as their options ask.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use memchr::memmem;
use percent_encoding::percent_decode_str;
use tokio::net::{TcpListener, TcpStream};

use super::body::{Ending, Script, ScriptedBody};
use super::connection::{MockConnection, ResetSwitch};
use super::ledger::{Entry, Ledger, Outcome};
use super::openai::Chat;
use super::options::{MockOptions, OPENING, OptionError};
use super::refusal::Refusal;
use super::reply::Reply;
use super::script::{StreamScript, unstreamed};
use super::storm;
use super::vendor::{Called, Task, VENDORS, Vendor};
use super::{openai_media, openai_realtime};

/// Serves until the listener fails.
pub async fn serve(listener: TcpListener, ledger: Arc<Ledger>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // Streams are made of small writes: waiting to fill a segment would falsify every gap.
        stream.set_nodelay(true)?;
        tokio::spawn(serve_connection(stream, Arc::clone(&ledger)));
    }
}

async fn serve_connection(stream: TcpStream, ledger: Arc<Ledger>) {
    let switch = ResetSwitch::default();
    let connection = MockConnection::new(stream, switch.clone(), Arc::clone(&ledger));
    let service = service_fn(move |request| {
        let (ledger, switch) = (Arc::clone(&ledger), switch.clone());
        async move { answer(request, &ledger, switch).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(10_000);
    // A connection that ends badly ends for its peer too; the ledger has noted it by then.
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(connection), service).await;
}

/// Why there is no answer: the connection is to be torn down without one.
#[derive(Debug)]
struct TornDown;

impl std::fmt::Display for TornDown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection torn down on request")
    }
}

impl std::error::Error for TornDown {}

async fn answer(
    request: Request<Incoming>,
    ledger: &Arc<Ledger>,
    switch: ResetSwitch,
) -> Result<Response<ScriptedBody>, TornDown> {
    if openai_realtime::is_handshake(&request) {
        let (parts, body) = request.into_parts();
        ledger.open(&parts, &Bytes::new(), "", None).close(Outcome::Completed, 0, 0);
        return Ok(openai_realtime::accept(Request::from_parts(parts, body)));
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else {
        return Err(TornDown);
    };
    if parts.uri.path() == "/_ledger" {
        return Ok(show_ledger(&parts, ledger));
    }
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let called = Called { parts: &parts, path: &path, body: &body };
    if let Some(response) = serve_media(&called, ledger, &switch) {
        return response;
    }
    let understood = VENDORS.iter().find_map(|vendor| Some((*vendor, vendor.read(&called)?)));
    match understood {
        Some((vendor, task)) => serve_task(called, vendor, task, ledger, switch).await,
        None => {
            let refusal = Refusal::not_found(format!("Invalid URL ({} {path})", parts.method));
            Ok(error_response(&Chat, &refusal))
        }
    }
}

/// Sound, pictures, files: known at once, whatever the type.
fn serve_media(
    called: &Called<'_>,
    ledger: &Arc<Ledger>,
    switch: &ResetSwitch,
) -> Option<Result<Response<ScriptedBody>, TornDown>> {
    let options = read_options(called).ok()?;
    let fixed = openai_media::answer(called, &options)?;
    let mut entry = ledger.open(called.parts, called.body, &fixed.model, options.tag.as_deref());
    if options.reset_before_headers {
        entry.close(Outcome::Broken, 0, 0);
        switch.turn_on();
        return Some(Err(TornDown));
    }
    if options.status >= 400 {
        return Some(Ok(refuse(called, &Chat, &options, entry, switch.clone())));
    }
    let ending = Ending { outcome: Outcome::Completed, prompt_tokens: 0, completion_tokens: 0 };
    let mut response = whole(fixed.body, &options, entry, ending, switch.clone());
    *response.status_mut() = StatusCode::from_u16(fixed.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(fixed.content_type));
    Some(Ok(response))
}

fn show_ledger(parts: &Parts, ledger: &Ledger) -> Response<ScriptedBody> {
    let query = parts.uri.query().unwrap_or_default();
    let last = query.split('&').find_map(|pair| pair.strip_prefix("last=")?.parse().ok()).unwrap_or(0);
    let view = ledger.view(last, true);
    let body = serde_json::to_vec(&view).unwrap_or_else(|error| error.to_string().into_bytes());
    let mut response = Response::new(ScriptedBody::plain(Bytes::from(body)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn serve_task(
    called: Called<'_>,
    vendor: &'static dyn Vendor,
    task: Result<Task, Refusal>,
    ledger: &Arc<Ledger>,
    switch: ResetSwitch,
) -> Result<Response<ScriptedBody>, TornDown> {
    let options = read_options(&called);
    let (task, options) = match (task, options) {
        (Ok(task), Ok(options)) => (task, options),
        (Err(refusal), _) => return Ok(refuse_reading(&called, vendor, &refusal, ledger)),
        (_, Err(error)) => {
            let refusal = Refusal::bad(error.to_string());
            return Ok(refuse_reading(&called, vendor, &refusal, ledger));
        }
    };
    if called.parts.method == Method::GET {
        // Lists are not worth a line in the ledger.
        return Ok(plain(task, &options));
    }
    let mut entry = ledger.open(called.parts, called.body, task.model(), options.tag.as_deref());
    if options.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(options.delay_ms)).await;
    }
    let options = storm::blow(options, entry.requests_of_tag());
    let is_failing = options.fail_first.is_none_or(|count| entry.requests_of_tag() <= u64::from(count));
    if options.reset_before_headers && is_failing {
        entry.close(Outcome::Broken, 0, 0);
        switch.turn_on();
        return Err(TornDown);
    }
    if options.status >= 400 && is_failing {
        return Ok(refuse(&called, vendor, &options, entry, switch));
    }
    let mut response = match task {
        Task::Chat(prompt) => {
            let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let reply = Reply::new(*prompt, &options, entry.sequence(), created);
            if reply.prompt.is_streamed {
                stream(vendor, options, reply, entry, switch)
            } else {
                let ending = ending(&reply);
                whole(vendor.whole(&reply), &options, entry, ending, switch)
            }
        }
        Task::Plain { make, .. } => {
            let ending =
                Ending { outcome: Outcome::Completed, prompt_tokens: options.prompt_tokens, completion_tokens: 0 };
            whole(make(&options, entry.sequence()), &options, entry, ending, switch)
        }
    };
    for (name, value) in vendor.headers() {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Options stand anywhere in the body or path, in the query, in headers; the later source wins.
fn read_options(called: &Called<'_>) -> Result<MockOptions, OptionError> {
    let mut options = MockOptions::default();
    options.read_text(called.path)?;
    if memmem::find(called.body, OPENING.as_bytes()).is_some() {
        options.read_text(&String::from_utf8_lossy(called.body))?;
    }
    options.read_query(called.parts.uri.query().unwrap_or_default())?;
    for (name, value) in &called.parts.headers {
        options.read_header(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    Ok(options)
}

fn refuse_reading(
    called: &Called<'_>,
    vendor: &dyn Vendor,
    refusal: &Refusal,
    ledger: &Arc<Ledger>,
) -> Response<ScriptedBody> {
    ledger.open(called.parts, called.body, "", None).close(Outcome::Refused, 0, 0);
    error_response(vendor, refusal)
}

fn error_response(vendor: &dyn Vendor, refusal: &Refusal) -> Response<ScriptedBody> {
    let error = vendor.error(refusal);
    dress_error(Response::new(ScriptedBody::plain(Bytes::from(error.body))), refusal.status, error.headers)
}

fn dress_error(
    mut response: Response<ScriptedBody>,
    status: u16,
    headers: Vec<(&'static str, String)>,
) -> Response<ScriptedBody> {
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An error that the request asked for.
fn refuse(
    called: &Called<'_>,
    vendor: &dyn Vendor,
    options: &MockOptions,
    entry: Entry,
    switch: ResetSwitch,
) -> Response<ScriptedBody> {
    let presented = ["x-api-key", "api-key", "x-goog-api-key"].into_iter().find_map(|name| called.header(name));
    let presented = called.bearer().or(presented).unwrap_or("(none)");
    let message = match options.status {
        // OpenAI's own names the key as received: a gateway must not let that through.
        401 => format!("Incorrect API key provided: {presented}."),
        404 => "The model does not exist.".to_owned(),
        429 => "Rate limit reached for requests.".to_owned(),
        400..=499 => "The mock upstream refused the request.".to_owned(),
        _ => "The mock upstream had an error.".to_owned(),
    };
    let refusal = Refusal { status: options.status, message, param: None, code: options.code.clone() };
    let error = vendor.error(&refusal);
    let ending = Ending { outcome: Outcome::Refused, prompt_tokens: 0, completion_tokens: 0 };
    let response = whole(error.body, options, entry, ending, switch);
    let mut response = dress_error(response, options.status, error.headers);
    if let Some(seconds) = options.retry_after {
        response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
    }
    if let Some(millis) = options.retry_after_ms {
        response.headers_mut().insert("retry-after-ms", HeaderValue::from(millis));
    }
    response
}

fn ending(reply: &Reply) -> Ending {
    Ending { outcome: Outcome::Completed, prompt_tokens: reply.tokens.input, completion_tokens: reply.tokens.output }
}

fn stream(
    vendor: &dyn Vendor,
    options: MockOptions,
    reply: Reply,
    entry: Entry,
    switch: ResetSwitch,
) -> Response<ScriptedBody> {
    let mut ending = ending(&reply);
    if options.error_after_chunks.is_some() {
        ending.outcome = Outcome::Broken;
    }
    let split_bytes = options.split_bytes;
    let script = StreamScript::new(options, vendor.frames(reply), vendor.stream_fault());
    let script = Script::Stream(Box::new(script));
    let mut response = Response::new(ScriptedBody::new(script, Some(entry), ending, switch, split_bytes, None));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(vendor.stream_type()));
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-cache"));
    response
}

fn plain(task: Task, options: &MockOptions) -> Response<ScriptedBody> {
    let body = match task {
        Task::Plain { make, .. } => make(options, 0),
        Task::Chat(_) => Vec::new(),
    };
    let mut response = Response::new(ScriptedBody::plain(Bytes::from(body)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn whole(
    body: Vec<u8>,
    options: &MockOptions,
    entry: Entry,
    ending: Ending,
    switch: ResetSwitch,
) -> Response<ScriptedBody> {
    let body = Bytes::from(body);
    let length = if options.chunked { None } else { u64::try_from(body.len()).ok() };
    let script = Script::Fixed(unstreamed(options, body).into());
    let body = ScriptedBody::new(script, Some(entry), ending, switch, options.split_bytes, length);
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // As OpenAI does; a gateway has to put its own id in the place of this one.
    response.headers_mut().insert("x-request-id", HeaderValue::from_static("req_mock"));
    response
}
