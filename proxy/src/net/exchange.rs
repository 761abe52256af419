//! One request to one deployment, outside of Pingora's own loop: for copies to a shadow, which nobody waits for, and for hedging,
//! where two upstreams are asked for one client. Peers (with the egress guard and its names), credentials and the request's header
//! are made by the same functions as there.
//!
//! Dropping an exchange cancels it: its connection is closed. [`Exchange::finish`] keeps the connection for the next one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use deltallm_shared::ids::EventId;
use http::HeaderMap;
use pingora::{
    Error, ErrorType, Result,
    connectors::{ConnectorOptions, http::Connector},
    http::{RequestHeader, ResponseHeader},
    protocols::http::client::HttpSession,
    upstreams::peer::{HttpPeer, Peer},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    peer::{Peers, Way},
    replay_session::{CHUNK_TIMEOUT, FIRST_BYTE_TIMEOUT},
};
use crate::{
    credentials::{Credential, TokenClient, sign_in},
    snapshot::Deployment,
    stages::{send, translate::Attempt},
};

/// What is read of an answer that nobody wants any more, so that its connection serves on.
const DRAINED_BYTES: usize = 64 << 10;
const DRAIN_TIME: Duration = Duration::from_millis(250);

/// How long an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection stands; `None`: as usual.
    pub connect: Option<Duration>,
    /// From the end of the request to the first byte of its answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub chunk: Duration,
}

/// Makes exchanges; has a pool of connections of its own.
pub struct Exchanges {
    connector: Arc<Connector>,
    peers: Arc<Peers>,
    tokens: TokenClient,
}

/// See the module.
pub struct Exchange {
    connector: Arc<Connector>,
    session: HttpSession,
    peer: Box<HttpPeer>,
    request: Box<RequestHeader>,
    body: Bytes,
    patience: Patience,
    is_reused: bool,
    /// What it signed in with.
    pub credential: Option<Arc<Credential>>,
}

impl Exchanges {
    /// `pooled`: how many connections are kept.
    pub fn new(peers: Arc<Peers>, tokens: TokenClient, pooled: usize) -> Self {
        let connector = Arc::new(Connector::new(Some(ConnectorOptions::new(pooled))));
        Self { connector, peers, tokens }
    }

    /// Sends an attempt whose body is in memory. `client`: the header of the request that it is made for; `seed`: chance.
    pub async fn open(
        &self,
        deployment: &Deployment,
        attempt: &Attempt,
        client: &HeaderMap,
        patience: Patience,
        seed: u64,
    ) -> Result<Exchange> {
        let unreachable =
            |error: &dyn std::fmt::Display| Error::explain(ErrorType::ConnectError, error.to_string()).into_up();
        let way = Way { silence: patience.chunk, connect: patience.connect, ..Way::default() };
        let peer = self.peers.of(deployment, &way).await.map_err(|error| unreachable(&error))?;
        let credential = sign_in(deployment, &self.tokens, seed).await.map_err(|error| unreachable(&error))?;
        let request = send::upstream_request(client, deployment, attempt, credential.as_deref())?;
        let exchange = self.send(peer, request, attempt.body.clone(), patience).await?;
        Ok(Exchange { credential, ..exchange })
    }

    /// Sends a request that is made already.
    pub async fn send(
        &self,
        peer: Box<HttpPeer>,
        request: RequestHeader,
        body: Bytes,
        patience: Patience,
    ) -> Result<Exchange> {
        Exchange::send(Arc::clone(&self.connector), peer, request, body, patience).await
    }
}

impl Exchange {
    /// Connects, and writes header and body.
    async fn send(
        connector: Arc<Connector>,
        peer: Box<HttpPeer>,
        request: RequestHeader,
        body: Bytes,
        patience: Patience,
    ) -> Result<Self> {
        let (session, is_reused) = connect(&connector, &peer).await?;
        let request = Box::new(request);
        let mut exchange = Self { connector, session, peer, request, body, patience, is_reused, credential: None };
        if let Err(error) = exchange.write().await {
            exchange.connect_anew(error).await?;
        }
        Ok(exchange)
    }

    async fn write(&mut self) -> Result<()> {
        let session = &mut self.session;
        session.write_request_header(self.request.clone()).await.map_err(Error::into_up)?;
        if !self.body.is_empty() {
            session.write_request_body(self.body.clone(), true).await.map_err(Error::into_up)?;
        }
        session.finish_request_body().await.map_err(Error::into_up)
    }

    /// The same request over a fresh connection, where the upstream had closed a pooled one meanwhile. Once, because a fresh one
    /// cannot be stale.
    async fn connect_anew(&mut self, mut error: Box<Error>) -> Result<()> {
        error.retry.decide_reuse(self.is_reused);
        if !self.is_reused || !error.retry() {
            return Err(error);
        }
        // Connections are pooled by this figure too: under one that nobody else has, there is none yet.
        let fresh = HttpPeer { group_key: EventId::new().random_bits(), ..(*self.peer).clone() };
        (self.session, self.is_reused) = connect(&self.connector, &fresh).await?;
        self.write().await
    }

    /// Waits for the header of the answer. Interim answers are about the upstream's own connection.
    pub async fn head(&mut self) -> Result<ResponseHeader> {
        let until = Instant::now() + self.patience.first_byte;
        loop {
            match timeout_at(until, self.read_head()).await {
                Err(_) => return Err(Error::explain(FIRST_BYTE_TIMEOUT, "first_byte_timeout").into_up()),
                Ok(Ok(head)) => return Ok(head),
                Ok(Err(error)) => self.connect_anew(error).await?,
            }
        }
    }

    async fn read_head(&mut self) -> Result<ResponseHeader> {
        // The timer of the whole answer's first byte is the one that counts.
        self.session.set_read_timeout(None);
        loop {
            self.session.read_response_header().await.map_err(Error::into_up)?;
            if let Some(head) = self.session.response_header().filter(|head| !head.status.is_informational()) {
                return Ok(head.clone());
            }
        }
    }

    /// The next piece of the answer; `None` at its end. May be dropped and called again without losing a byte.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.session.response_header().is_none() {
            self.head().await?;
        }
        match timeout(self.patience.chunk, self.session.read_response_body()).await {
            Err(_) => Err(Error::explain(CHUNK_TIMEOUT, "chunk_timeout").into_up()),
            Ok(read) => read.map_err(Error::into_up),
        }
    }

    /// Where it connected to.
    pub fn peer(&self) -> &HttpPeer {
        &self.peer
    }

    /// Whether it went over a connection that an earlier exchange had used.
    pub fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Keeps the connection, where little or nothing of the answer is left.
    pub async fn finish(mut self) {
        // There is no rest of an answer that has not begun.
        if self.session.response_header().is_none() {
            return;
        }
        let drained = async {
            let mut bytes = 0;
            while bytes < DRAINED_BYTES {
                match self.session.read_response_body().await {
                    Ok(Some(piece)) => bytes += piece.len(),
                    Ok(None) => return true,
                    Err(_) => return false,
                }
            }
            false
        };
        if timeout(DRAIN_TIME, drained).await == Ok(true) {
            let idle = self.peer.get_peer_options().and_then(|options| options.idle_timeout);
            self.connector.release_http_session(self.session, &*self.peer, idle).await;
        }
    }
}

async fn connect(connector: &Connector, peer: &HttpPeer) -> Result<(HttpSession, bool)> {
    let (mut session, is_reused) = connector.get_http_session(peer).await.map_err(Error::into_up)?;
    session.set_write_timeout(peer.get_peer_options().and_then(|options| options.write_timeout));
    Ok((session, is_reused))
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
