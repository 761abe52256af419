//! An answer of the API as its client experienced it, streamed or not: what came, how it ended, who served it.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::sse::{Event, parse_events};

/// An answer that was read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// HTTP status.
    pub status: u16,
    /// The error's code: of an error answer, or of the error in a stream.
    pub code: String,
    /// The text of the model.
    pub text: String,
    /// Whether the answer is whole: a body of the announced length, a stream with its end mark.
    pub is_whole: bool,
    /// `x-request-id`.
    pub request_id: String,
    /// `x-deltallm-attempts`; 0 where there is none.
    pub attempts: u32,
    /// `x-deltallm-model`.
    pub model: String,
    /// `x-deltallm-fallback`.
    pub fallback: String,
    /// `x-deltallm-deployment`.
    pub deployment: String,
    /// `retry-after`.
    pub retry_after: String,
    /// The body, for messages of failed tests.
    pub body: String,
}

impl Reading {
    /// Sends a request and reads what comes.
    pub async fn of(request: RequestBuilder) -> Self {
        match request.send().await {
            Ok(response) => Self::read(response).await,
            Err(error) => Self { body: format!("no answer: {error:?}"), ..Self::default() },
        }
    }

    async fn read(mut response: Response) -> Self {
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut reading = Self {
            status: response.status().as_u16(),
            request_id: header("x-request-id"),
            attempts: header("x-deltallm-attempts").parse().unwrap_or(0),
            model: header("x-deltallm-model"),
            fallback: header("x-deltallm-fallback"),
            deployment: header("x-deltallm-deployment"),
            retry_after: header("retry-after"),
            ..Self::default()
        };
        let is_stream = header("content-type").starts_with("text/event-stream");
        let mut bytes = Vec::new();
        let is_cut = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        reading.body = String::from_utf8_lossy(&bytes).into_owned();
        if is_stream {
            let events = parse_events(&mut bytes);
            reading.text = events.iter().map(Event::text).collect();
            let error = events.iter().find_map(Event::error);
            reading.code = error.map(code).unwrap_or_default();
            reading.is_whole = !is_cut && events.last() == Some(&Event::Done);
        } else {
            let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            json["choices"][0]["message"]["content"].as_str().unwrap_or_default().clone_into(&mut reading.text);
            reading.code = code(&json["error"]);
            reading.is_whole = !is_cut && json.is_object();
        }
        reading
    }
}

fn code(error: &Value) -> String {
    error["code"].as_str().unwrap_or_default().to_owned()
}
