//! A client of the API, with one key.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::config::MODEL;
use crate::reading::Reading;
use crate::sse::{Event, parse_events};

/// Somebody with a key who calls the API.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client,
    base: String,
    key: String,
}

impl Caller {
    /// A caller of the API at `address`.
    pub fn new(address: SocketAddr, key: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_mins(1)).build();
        Self { client: client.expect("a client can be made"), base: format!("http://{address}"), key: key.to_owned() }
    }

    /// The key of this caller.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A POST of JSON, still to be sent.
    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.key).json(body)
    }

    /// A POST of bytes as they are, still to be sent.
    pub fn post_bytes(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let post = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.key);
        post.header("content-type", "application/json").body(body)
    }

    /// A POST of a form, still to be sent.
    pub fn post_form(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let post = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.key);
        post.header("content-type", content_type).body(body)
    }

    /// Any request without a body, still to be sent.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// A GET.
    pub async fn get(&self, path: &str) -> Answer {
        let get = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key);
        Answer::read(get.send().await.expect("the API answers")).await
    }

    /// An unstreamed chat completion; `options` are for the mock upstream.
    pub async fn chat(&self, options: &str) -> Answer {
        self.chat_with(&chat_body(MODEL, options)).await
    }

    /// An unstreamed chat completion of a body of one's own.
    pub async fn chat_with(&self, body: &Value) -> Answer {
        let sent = self.post("/v1/chat/completions", body).send().await;
        Answer::read(sent.expect("the API answers")).await
    }

    /// A chat completion without a word for the mock upstream, read to its end.
    pub async fn ask(&self, model: &str) -> Reading {
        self.ask_with(&plain_body(model)).await
    }

    /// A streamed one.
    pub async fn ask_streamed(&self, model: &str) -> Reading {
        let mut body = plain_body(model);
        body["stream"] = json!(true);
        self.ask_with(&body).await
    }

    /// One of a body of one's own, streamed or not.
    pub async fn ask_with(&self, body: &Value) -> Reading {
        Reading::of(self.post("/v1/chat/completions", body)).await
    }

    /// A streamed chat completion; `options` are for the mock upstream.
    pub async fn stream(&self, options: &str) -> OpenStream {
        self.stream_with(&stream_body(MODEL, options)).await
    }

    /// A streamed chat completion of a body of one's own.
    pub async fn stream_with(&self, body: &Value) -> OpenStream {
        let sent = self.post("/v1/chat/completions", body).send().await;
        OpenStream::new(sent.expect("the API answers")).await
    }
}

/// Body of an unstreamed chat completion that leaves it to the deployment what is answered.
pub fn plain_body(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Say something." }] })
}

/// Body of an unstreamed chat completion.
pub fn chat_body(model: &str, options: &str) -> Value {
    json!({
        "model": model,
        "messages": [{ "role": "user", "content": "Say something." }],
        "user": format!("mock-opts:{{{options}}}"),
    })
}

/// Body of a streamed chat completion.
pub fn stream_body(model: &str, options: &str) -> Value {
    let mut body = chat_body(model, options);
    body["stream"] = json!(true);
    body
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub json: Value,
}

impl Answer {
    /// Reads an answer to its end.
    pub async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("the answer comes through");
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, json }
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `error.code`.
    pub fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// The text of the model.
    pub fn content(&self) -> &str {
        self.json["choices"][0]["message"]["content"].as_str().unwrap_or_default()
    }
}

/// A stream that is being read. Dropping it leaves in the middle, as a closed browser does.
pub struct OpenStream {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    bytes: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: Vec<u8>,
    ready: std::collections::VecDeque<Event>,
}

impl OpenStream {
    async fn new(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            bytes: Box::pin(response.bytes_stream()),
            buffer: Vec::new(),
            ready: std::collections::VecDeque::new(),
        }
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The next event; `None` at the end, a cut connection included.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let bytes = self.bytes.next().await?.ok()?;
            self.buffer.extend_from_slice(&bytes);
            self.ready.extend(parse_events(&mut self.buffer));
        }
    }

    /// The next `count` events that carry text.
    pub async fn next_texts(&mut self, count: usize) -> String {
        let mut text = String::new();
        let mut seen = 0;
        while seen < count {
            let event = self.next().await.expect("the stream goes on");
            seen += usize::from(!event.text().is_empty());
            text.push_str(event.text());
        }
        text
    }

    /// All events that are left.
    pub async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}
