//! `/v1/realtime`: OpenAI's events over a WebSocket, as far as a gateway has to do with them.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::body::ScriptedBody;

/// Whether a request is a handshake for it.
pub fn is_handshake(request: &Request<Incoming>) -> bool {
    request.uri().path().ends_with("/realtime") && request.headers().contains_key(SEC_WEBSOCKET_KEY)
}

/// Accepts, and talks in a task of its own.
pub fn accept(mut request: Request<Incoming>) -> Response<ScriptedBody> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())).unwrap_or_default();
    let offered = request.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    let is_realtime = offered.is_some_and(|offered| offered.split(',').any(|name| name.trim() == "realtime"));
    let model = request.uri().query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("model="));
    let model = model.unwrap_or_default().to_owned();
    let extensions = request.headers().contains_key("sec-websocket-extensions");
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(&mut request).await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            talk(socket, &model, extensions).await;
        }
    });
    let mut response = Response::new(ScriptedBody::plain(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(key) = HeaderValue::from_str(&key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    }
    if is_realtime {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("realtime"));
    }
    response
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn talk(mut socket: Socket, model: &str, extensions: bool) {
    let created = json!({ "type": "session.created", "session": { "model": model, "extensions_offered": extensions } });
    if say(&mut socket, &created).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).unwrap_or_default();
        let answers = match event["type"].as_str().unwrap_or_default() {
            "response.create" => vec![
                json!({ "type": "response.output_audio.delta", "delta": "QUJD".repeat(20_000) }),
                json!({ "type": "response.done", "response": { "usage": {
                    "total_tokens": 150, "input_tokens": 100, "output_tokens": 50,
                    "input_token_details": { "text_tokens": 60, "audio_tokens": 40, "cached_tokens": 0 },
                    "output_token_details": { "text_tokens": 20, "audio_tokens": 30 },
                } } }),
            ],
            "mock.goodbye" => {
                let _ = socket.close(None).await;
                return;
            }
            other => vec![json!({ "type": "mock.echo", "of": other })],
        };
        for answer in answers {
            if say(&mut socket, &answer).await.is_err() {
                return;
            }
        }
    }
}

async fn say(socket: &mut Socket, event: &Value) -> Result<(), ()> {
    socket.send(Message::Text(Utf8Bytes::from(event.to_string()))).await.map_err(|_| ())
}
