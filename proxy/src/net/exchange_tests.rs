//! Exchanges with a server of this machine that does what its script says.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

const PATIENCE: Patience =
    Patience { connect: None, first_byte: Duration::from_secs(20), chunk: Duration::from_secs(20) };
const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Does {
    /// Answers, and reads the next request of the connection.
    Says(&'static str),
    /// Answers, and closes the connection.
    SaysAndCloses(&'static str),
}

/// A server whose requests are answered in turn, whatever connection they come over.
struct Server {
    peer: Box<HttpPeer>,
    requests: Arc<Mutex<Vec<String>>>,
    /// Hears of connections that end.
    ended: mpsc::UnboundedReceiver<()>,
}

impl Server {
    async fn that(script: &[Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Box::new(HttpPeer::new(listener.local_addr().unwrap(), false, String::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (ends, ended) = mpsc::unbounded_channel();
        let (script, heard) =
            (Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>())), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, heard, ends) = (Arc::clone(&script), Arc::clone(&heard), ends.clone());
                tokio::spawn(async move {
                    serve(stream, &script, &heard).await;
                    let _ = ends.send(());
                });
            }
        });
        Self { peer, requests, ended }
    }

    async fn exchange(&self, connector: &Arc<Connector>, patience: Patience) -> Result<Exchange> {
        let mut request = RequestHeader::build("POST", b"/v1/x", None)?;
        request.insert_header("host", "x")?;
        request.insert_header("content-length", 4)?;
        Exchange::send(Arc::clone(connector), self.peer.clone(), request, Bytes::from_static(b"body"), patience).await
    }
}

async fn serve(mut stream: TcpStream, script: &Mutex<VecDeque<Does>>, heard: &Mutex<Vec<String>>) {
    loop {
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        while !text.ends_with("\r\n\r\nbody") {
            let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
            text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        heard.lock().push(text);
        let does = script.lock().pop_front();
        match does {
            Some(Does::Says(answer)) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Some(Does::SaysAndCloses(answer)) => return stream.write_all(answer.as_bytes()).await.unwrap(),
            None => {}
        }
    }
}

fn connector() -> Arc<Connector> {
    Arc::new(Connector::new(Some(ConnectorOptions::new(8))))
}

async fn all(exchange: &mut Exchange) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = exchange.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_request_is_answered_and_its_connection_serves_on() {
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    let server = Server::that(&[Does::Says(WHOLE), Does::Says(interim)]).await;
    let connector = connector();
    for is_reused in [false, true] {
        let mut exchange = server.exchange(&connector, PATIENCE).await.unwrap();
        assert_eq!(exchange.is_reused(), is_reused);
        assert_eq!(exchange.head().await.unwrap().status, 200);
        assert_eq!(all(&mut exchange).await.unwrap(), b"hello");
        exchange.finish().await;
    }
    assert!(server.requests.lock().iter().all(|request| request.starts_with("POST /v1/x HTTP/1.1\r\n")));
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_is_replaced() {
    let server = Server::that(&[Does::SaysAndCloses(WHOLE), Does::Says(WHOLE)]).await;
    let connector = connector();
    for _ in 0..2 {
        let mut exchange = server.exchange(&connector, PATIENCE).await.unwrap();
        assert_eq!(exchange.head().await.unwrap().status, 200);
        assert_eq!(all(&mut exchange).await.unwrap(), b"hello");
        exchange.finish().await;
    }
}

#[tokio::test]
async fn dropping_it_closes_the_connection_and_so_does_a_long_rest() {
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\nhello";
    let mut server = Server::that(&[Does::Says(long), Does::Says(long)]).await;
    let connector = connector();
    let mut exchange = server.exchange(&connector, PATIENCE).await.unwrap();
    exchange.head().await.unwrap();
    drop(exchange);
    server.ended.recv().await.unwrap();
    let mut exchange = server.exchange(&connector, PATIENCE).await.unwrap();
    exchange.head().await.unwrap();
    exchange.finish().await;
    server.ended.recv().await.unwrap();
    server.exchange(&connector, PATIENCE).await.unwrap().finish().await;
    server.ended.recv().await.unwrap();
}

#[tokio::test]
async fn silence_has_its_limits() {
    let beginning = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let server = Server::that(&[Does::Says(beginning), Does::Says("")]).await;
    let connector = connector();
    let short = Patience { chunk: Duration::from_millis(30), ..PATIENCE };
    let mut exchange = server.exchange(&connector, short).await.unwrap();
    exchange.head().await.unwrap();
    assert_eq!(*all(&mut exchange).await.unwrap_err().etype(), CHUNK_TIMEOUT);
    let short = Patience { first_byte: Duration::from_millis(30), ..PATIENCE };
    let mut exchange = server.exchange(&connector, short).await.unwrap();
    assert_eq!(*exchange.head().await.unwrap_err().etype(), FIRST_BYTE_TIMEOUT);
}

#[tokio::test]
async fn a_connection_that_breaks_is_the_upstreams_fault() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let server = Server::that(&[Does::SaysAndCloses(""), Does::SaysAndCloses(cut)]).await;
    let connector = connector();
    let mut exchange = server.exchange(&connector, PATIENCE).await.unwrap();
    let error = exchange.head().await.unwrap_err();
    assert_eq!(error.esource(), &pingora::ErrorSource::Upstream, "{error}");
    let mut exchange = server.exchange(&connector, PATIENCE).await.unwrap();
    exchange.head().await.unwrap();
    let error = all(&mut exchange).await.unwrap_err();
    assert_eq!(error.esource(), &pingora::ErrorSource::Upstream, "{error}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Server { peer: Box::new(HttpPeer::new(closed, false, String::new())), ..server };
    let refused = nobody.exchange(&connector, PATIENCE).await.err().unwrap();
    assert_eq!(*refused.etype(), ErrorType::ConnectRefused);
}
