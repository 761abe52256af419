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
use tokio::net::{TcpListener, TcpStream};

use super::body::{Ending, Script, ScriptedBody};
use super::connection::{MockConnection, ResetSwitch};
use super::embeddings::embeddings;
use super::ledger::{Entry, Ledger, Outcome};
use super::openai::{self, ChunkWriter, RequestBody};
use super::options::{MockOptions, OptionError};
use super::script::{StreamScript, unstreamed};

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
    let _ = builder.serve_connection(TokioIo::new(connection), service).await;
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
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else {
        return Err(TornDown);
    };
    let path = parts.uri.path();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    match (&parts.method, path) {
        (&Method::GET, "/_ledger") => Ok(show_ledger(&parts, ledger)),
        (&Method::GET, "/models") => Ok(json(StatusCode::OK, openai::models())),
        (&Method::POST, "/chat/completions" | "/completions" | "/embeddings") => {
            generate(&parts, path, &body, ledger, switch).await
        }
        _ => Ok(json(StatusCode::NOT_FOUND, openai::error(404, Some("unknown_url"), None))),
    }
}

fn show_ledger(parts: &Parts, ledger: &Ledger) -> Response<ScriptedBody> {
    let query = parts.uri.query().unwrap_or_default();
    let last = query.split('&').find_map(|pair| pair.strip_prefix("last=")?.parse().ok()).unwrap_or(0);
    let view = ledger.view(last, true);
    let body = serde_json::to_vec(&view).unwrap_or_else(|error| error.to_string().into_bytes());
    json(StatusCode::OK, body)
}

async fn generate(
    parts: &Parts,
    path: &str,
    body: &Bytes,
    ledger: &Arc<Ledger>,
    switch: ResetSwitch,
) -> Result<Response<ScriptedBody>, TornDown> {
    let request: RequestBody = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => return Ok(refuse_reading(parts, body, ledger, &error.to_string())),
    };
    let options = match read_options(parts, &request) {
        Ok(options) => options,
        Err(error) => return Ok(refuse_reading(parts, body, ledger, &error.to_string())),
    };
    let mut entry = ledger.open(parts, body, &request.model, options.tag.as_deref());
    if options.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(options.delay_ms)).await;
    }
    let is_failing = options.fail_first.is_none_or(|count| entry.requests_of_tag() <= u64::from(count));
    if options.reset_before_headers && is_failing {
        entry.close(Outcome::Broken, 0, 0);
        switch.turn_on();
        return Err(TornDown);
    }
    if options.status >= 400 && is_failing {
        return Ok(refuse(parts, &options, entry, switch));
    }
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if request.stream == Some(true) && path == "/chat/completions" {
        let writer = ChunkWriter::new(entry.sequence(), created, &request.model, request.is_usage_asked());
        return Ok(stream(options, writer, entry, switch));
    }
    let body = match path {
        "/embeddings" => embeddings(&request, &options),
        "/completions" => openai::text_completion(entry.sequence(), created, &request.model, &options),
        _ => openai::chat_completion(entry.sequence(), created, &request.model, &options),
    };
    let ending = Ending {
        outcome: Outcome::Completed,
        prompt_tokens: options.prompt_tokens,
        completion_tokens: if path == "/embeddings" { 0 } else { options.completion_tokens() },
    };
    Ok(whole(StatusCode::OK, body, &options, entry, ending, switch))
}

fn read_options(parts: &Parts, request: &RequestBody) -> Result<MockOptions, OptionError> {
    let mut options = MockOptions::default();
    options.read_text(&request.model)?;
    options.read_text(request.user.as_deref().unwrap_or_default())?;
    options.read_query(parts.uri.query().unwrap_or_default())?;
    for (name, value) in &parts.headers {
        options.read_header(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    Ok(options)
}

fn refuse_reading(parts: &Parts, body: &Bytes, ledger: &Arc<Ledger>, why: &str) -> Response<ScriptedBody> {
    ledger.open(parts, body, "", None).close(Outcome::Refused, 0, 0);
    let error = serde_json::json!({ "error": {
        "message": why, "type": "invalid_request_error", "param": null, "code": null
    }});
    json(StatusCode::BAD_REQUEST, error.to_string().into_bytes())
}

fn refuse(parts: &Parts, options: &MockOptions, entry: Entry, switch: ResetSwitch) -> Response<ScriptedBody> {
    let presented = parts
        .headers
        .get("authorization")
        .or_else(|| parts.headers.get("api-key"))
        .and_then(|value| value.to_str().ok())
        .map(|value| value.trim_start_matches("Bearer "));
    let body = openai::error(options.status, options.code.as_deref(), presented);
    let ending = Ending { outcome: Outcome::Refused, prompt_tokens: 0, completion_tokens: 0 };
    let status = StatusCode::from_u16(options.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = whole(status, body, options, entry, ending, switch);
    if let Some(seconds) = options.retry_after {
        response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
    }
    response
}

fn stream(options: MockOptions, writer: ChunkWriter, entry: Entry, switch: ResetSwitch) -> Response<ScriptedBody> {
    let is_broken = options.error_after_chunks.is_some();
    let ending = Ending {
        outcome: if is_broken { Outcome::Broken } else { Outcome::Completed },
        prompt_tokens: options.prompt_tokens,
        completion_tokens: options.completion_tokens(),
    };
    let split_bytes = options.split_bytes;
    let script = Script::Stream(Box::new(StreamScript::new(options, writer)));
    let mut response = Response::new(ScriptedBody::new(script, Some(entry), ending, switch, split_bytes, None));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-cache"));
    response
}

fn whole(
    status: StatusCode,
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
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // As OpenAI does; a gateway has to put its own id in the place of this one.
    response.headers_mut().insert("x-request-id", HeaderValue::from_static("req_mock"));
    response
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<ScriptedBody> {
    let mut response = Response::new(ScriptedBody::plain(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
