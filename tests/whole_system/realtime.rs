//! Conversations over a WebSocket: with a real client, through the gateway, billed by what the provider says.

use deltallm_tests::{Caller, INPUT_NANO_USD, MODEL, OUTPUT_NANO_USD, System, eventually};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(
    system: &System,
    query: &str,
    headers: &[(&'static str, String)],
) -> Result<(Socket, Response), Error> {
    let url = format!("ws://{}/v1/realtime{query}", system.proxy().api());
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    tokio_tungstenite::connect_async(request).await
}

fn bearer(caller: &Caller) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {}", caller.key()))]
}

async fn say(socket: &mut Socket, kind: &str) {
    socket.send(Message::text(json!({ "type": kind }).to_string())).await.unwrap();
}

/// The next event; null where the connection is closed.
async fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Value::Null,
            Some(Ok(_)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_passed_through_and_billed_when_it_ends() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("talks").await;
    for (who_closes, query) in [("the client", "?model=renamed"), ("the provider", "?model=renamed&intent=x")] {
        let (mut socket, response) = connect(&system, query, &bearer(&caller)).await.unwrap();
        assert_eq!(response.status(), 101);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let created = hear(&mut socket).await;
        assert_eq!(created["session"]["model"], deltallm_tests::UPSTREAM_MODEL, "the provider's own name of the model");
        assert_eq!(created["session"]["extensions_offered"], false);
        for _ in 0..2 {
            say(&mut socket, "response.create").await;
            assert_eq!(hear(&mut socket).await["delta"].as_str().unwrap().len(), 80_000);
            assert_eq!(hear(&mut socket).await["type"], "response.done");
        }
        if who_closes == "the client" {
            socket.close(None).await.unwrap();
        } else {
            say(&mut socket, "mock.goodbye").await;
        }
        assert_eq!(hear(&mut socket).await, Value::Null);
        drop(socket);
        let books = system.books().await;
        let row =
            eventually("the session stands in the database", || async { books.of_request(&id).await.pop() }).await;
        assert_eq!((row.outcome.as_str(), row.status), ("completed", 101), "{who_closes} closed");
        assert_eq!((row.input_tokens, row.output_tokens), (200, 100), "{who_closes} closed");
        assert_eq!(row.cost_nano_usd, Some(200 * INPUT_NANO_USD + 100 * OUTPUT_NANO_USD));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_brings_its_key_as_a_protocol() {
    let system = System::builder().alone().start().await;
    let key = deltallm_tests::MASTER_KEY;
    let protocols = [("sec-websocket-protocol", format!("realtime, openai-insecure-api-key.{key}"))];
    let (mut socket, response) = connect(&system, &format!("?model={MODEL}"), &protocols).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "realtime");
    assert_eq!(hear(&mut socket).await["type"], "session.created");
    let received = system.upstream.last_received().await;
    assert_eq!(received.header("sec-websocket-protocol"), Some("realtime"), "the key stays here");
    assert_eq!(received.header("authorization"), Some(format!("Bearer {}", deltallm_tests::UPSTREAM_KEY).as_str()));
    assert!(!received.headers.iter().any(|(_, value)| value.contains(key)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_no_conversation() {
    let system = System::builder().alone().start().await;
    let good = [("authorization", format!("Bearer {}", deltallm_tests::MASTER_KEY))];
    let bad = [("authorization", "Bearer sk-nobody-knows-this-one".to_owned())];
    for (query, headers, status) in [
        (format!("?model={MODEL}"), &bad[..], 401),
        (format!("?model={MODEL}"), &[], 401),
        ("?model=no-such-model".to_owned(), &good, 404),
        (String::new(), &good, 400),
    ] {
        match connect(&system, &query, headers).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), status, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    let plain = system.caller(deltallm_tests::MASTER_KEY).get(&format!("/v1/realtime?model={MODEL}")).await;
    assert_eq!(plain.status, 400, "{}", plain.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_says_goodbye_and_bills_what_was_said() {
    let mut system = System::builder().sections("  client_timeouts:\n    drain: 1s\n").start().await;
    let (caller, _) = system.caller_with_new_key("stops").await;
    let (mut socket, response) = connect(&system, &format!("?model={MODEL}"), &bearer(&caller)).await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    hear(&mut socket).await;
    say(&mut socket, "response.create").await;
    hear(&mut socket).await;
    assert_eq!(hear(&mut socket).await["type"], "response.done");
    system.proxy().ask_to_stop();
    let goodbye = loop {
        match socket.next().await {
            Some(Ok(Message::Close(frame))) => break frame,
            Some(Ok(_)) => {}
            other => panic!("cut without a word: {other:?}"),
        }
    };
    assert_eq!(goodbye.map(|frame| frame.code), Some(CloseCode::Away));
    assert!(system.proxy_mut().wait_for_end().success());
    let _restarted = system.spawn_proxy("proxy");
    let books = system.books().await;
    let row = eventually("the session stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!((row.outcome.as_str(), row.input_tokens, row.output_tokens), ("interrupted", 100, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_has_billed_what_was_said() {
    let mut system = System::start().await;
    let (caller, _) = system.caller_with_new_key("killed").await;
    let (mut socket, response) = connect(&system, &format!("?model={MODEL}"), &bearer(&caller)).await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    hear(&mut socket).await;
    say(&mut socket, "response.create").await;
    hear(&mut socket).await;
    hear(&mut socket).await;
    // What is said later than a second puts on file what was consumed before.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    say(&mut socket, "session.update").await;
    hear(&mut socket).await;
    system.crash_proxy();
    let books = system.books().await;
    let row = eventually("the session stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!((row.outcome.as_str(), row.input_tokens, row.output_tokens), ("interrupted", 100, 50));
}
