//! The two calls a bench makes before it measures: make a key, wait until the proxy knows it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::proxy_config::MASTER_KEY;

/// Makes a virtual key for all models.
pub fn create_key(dashboard: SocketAddr) -> Result<String, String> {
    let (status, body) = call(dashboard, Method::POST, "/api/v1/keys", MASTER_KEY, r#"{"name":"bench"}"#)?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    answer["key"].as_str().map(str::to_owned).ok_or_else(|| format!("no key was made: {status}: {answer}"))
}

/// Waits until the proxy takes the key.
pub fn wait_for_key(api: SocketAddr, key: &str) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (status, _) = call(api, Method::GET, "/v1/models", key, "")?;
        if status == 200 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("the proxy answers {status} to a new key"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn call(
    address: SocketAddr,
    method: Method,
    path: &str,
    key: &str,
    body: &'static str,
) -> Result<(u16, Bytes), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {key}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .map_err(|error| format!("{path}: {error}"))?;
    runtime.block_on(async {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("{path}: {error}"))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| format!("{path}: {error}"))?;
        // Its error is seen by the request.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| format!("{path}: {error}"))?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| format!("{path}: {error}"))?;
        Ok((status, body.to_bytes()))
    })
}
