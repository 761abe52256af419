//! HTTP below the level of a polite client: hand-written requests, HTTP/2 without TLS.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a peer may be silent before it is asked no more.
const PATIENCE: Duration = Duration::from_mins(1);

/// Version and framing of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// HTTP/1.1 with `content-length`.
    Length,
    /// HTTP/1.1 with chunks.
    Chunked,
    /// HTTP/2 without TLS by prior knowledge, with `content-length`.
    H2Length,
    /// HTTP/2 without TLS by prior knowledge, of unknown length.
    H2Unknown,
}

/// All of them.
pub const FRAMINGS: [Framing; 4] = [Framing::Length, Framing::Chunked, Framing::H2Length, Framing::H2Unknown];

/// Bytes per frame of a body that is sent in pieces.
const PIECE_BYTES: usize = 64 * 1024;

/// Posts a body with the given framing; status and body of the answer.
pub async fn post(address: SocketAddr, path: &str, key: &str, body: Bytes, framing: Framing) -> (u16, Bytes) {
    let is_h2 = matches!(framing, Framing::H2Length | Framing::H2Unknown);
    let uri = if is_h2 { format!("http://{address}{path}") } else { path.to_owned() };
    let mut request =
        Request::post(uri).header("authorization", format!("Bearer {key}")).header("content-type", "application/json");
    if !is_h2 {
        request = request.header("host", address.to_string());
    }
    if framing == Framing::H2Length {
        request = request.header("content-length", body.len().to_string());
    }
    let body: BoxBody<Bytes, std::convert::Infallible> = if framing == Framing::Length {
        Full::new(body).boxed()
    } else {
        let pieces: Vec<_> = (0..body.len())
            .step_by(PIECE_BYTES)
            .map(|start| body.slice(start..body.len().min(start + PIECE_BYTES)))
            .map(|piece| Ok(Frame::data(piece)))
            .collect();
        BodyExt::boxed(StreamBody::new(stream::iter(pieces)))
    };
    let request = request.body(body).expect("the request is well formed");
    let io = TokioIo::new(TcpStream::connect(address).await.expect("the API takes connections"));
    let exchange = async {
        let response = if is_h2 {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2 is spoken");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("the API answers")
        } else {
            let (mut sender, connection) = http1::handshake(io).await.expect("HTTP/1.1 is spoken");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("the API answers")
        };
        let status = response.status().as_u16();
        // An answer that is given before the body was read may end with a reset.
        (status, response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default())
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("the API answers in time")
}

/// A connection on which every byte is ours.
pub struct RawConnection {
    stream: TcpStream,
}

impl RawConnection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the API takes connections") }
    }

    /// Sends bytes as they are; a peer that has closed already is no failure.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Reads until `end` has been seen, the peer closes, or it stays silent.
    pub async fn read_until(&mut self, end: &str) -> String {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        let read = async {
            while !String::from_utf8_lossy(&all).contains(end) {
                match self.stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => all.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                }
            }
        };
        // Silence is judged by the test, which sees what did come.
        let _ = tokio::time::timeout(Duration::from_secs(10), read).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Status of the answer whose head is read now; 0 where none came.
    pub async fn read_status(&mut self) -> (u16, String) {
        let text = self.read_until("\r\n\r\n").await;
        let status = text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        (status, text)
    }
}
