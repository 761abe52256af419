//! The downstream session, wrapped once its body has been read.
//!
//! Routing needs the body, so `request_filter` reads it whole; but Pingora sends upstream only what its retry buffer holds, 64
//! KiB at most, and nothing at all of a larger body. This wrapper says that the whole body is in the retry buffer, so Pingora's
//! own loop (peers, pools, retries, filters) runs over it for any size and any number of attempts. `request_body_filter` puts
//! the real bytes in its place.
//!
//! It holds the answer's header back until the first bytes of its body are there. Until then nothing has been said to the client:
//! an answer that turns out to be an error gets another header ([`Held::replace`]), or another attempt.
//!
//! A body that is not in memory ([`Feed`]) is handed out in pieces instead, from its beginning for each attempt; and a request
//! that becomes a WebSocket is handed through in both directions.
//!
//! It also ends requests from outside: when the process has to stop, when the request has used its time, or when the attempt under
//! way is silent for too long.
//!
//! It implements a trait that Pingora leaves out of its documentation: the version is pinned in `Cargo.toml`, and the tests in
//! `tests/whole_system` send bodies of every size through it.

mod handles;

use std::{pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use pingora::{
    Error, ErrorType, Result,
    http::{RequestHeader, ResponseHeader},
    protocols::{
        Digest,
        http::{
            HttpTask, ServerSession,
            custom::{CustomMessageWrite, server::Session as CustomSession},
        },
        l4::socket::SocketAddr,
    },
};
use tokio::{
    sync::watch,
    time::{Instant, Sleep, sleep},
};

pub use self::handles::{Broken, Feed, Held, Kept, Wrapping};
use super::{
    attempt_clock::{AttemptClock, Overdue},
    outgoing::OutgoingReader,
};

/// Pingora's error for a request that the process ended because it stops.
pub const STOPPING: ErrorType = ErrorType::Custom("the gateway is stopping");
/// Pingora's error for a request that has used its time.
pub const OUT_OF_TIME: ErrorType = ErrorType::Custom("the request has used its time");

/// Pingora's error for an attempt whose first byte did not come in time.
pub const FIRST_BYTE_TIMEOUT: ErrorType = ErrorType::Custom("no first byte came in time");
/// Pingora's error for an answer that fell silent.
pub const CHUNK_TIMEOUT: ErrorType = ErrorType::Custom("the answer fell silent");

/// Pingora's error for an upload that cannot be read back from the disk.
pub const UPLOAD_LOST: ErrorType = ErrorType::Custom("the upload cannot be read back");

/// The wrapper.
pub struct ReplaySession {
    inner: Box<ServerSession>,
    kept: Kept,
    cut: watch::Receiver<bool>,
    deadline: Pin<Box<Sleep>>,
    clock: AttemptClock,
    /// When the clock is looked at.
    look: Pin<Box<Sleep>>,
    held: Option<Box<ResponseHeader>>,
    instead: Held,
    feed: Feed,
    broken: Broken,
    /// Reads the body of the current attempt, where it is not in memory.
    reader: Option<OutgoingReader>,
    upgrades: bool,
}

impl ReplaySession {
    /// Wraps a session whose body has been read. [`unwrap`] gives it back.
    pub fn wrap(session: &mut ServerSession, with: Wrapping) -> Kept {
        let kept = Kept::default();
        let inner = Box::new(std::mem::replace(session, nothing()));
        let Wrapping { cut, time_left, clock, instead, feed, broken, upgrades } = with;
        let deadline = Box::pin(sleep(time_left));
        let wrapper = Self {
            inner,
            kept: Arc::clone(&kept),
            cut,
            deadline,
            clock,
            look: Box::pin(sleep(Duration::ZERO)),
            held: None,
            instead,
            feed,
            broken,
            reader: None,
            upgrades,
        };
        *session = ServerSession::new_custom(Box::new(wrapper));
        kept
    }

    /// Holds a header back, and lets it go before the first bytes of its body.
    fn hold(&mut self, tasks: Vec<HttpTask>) -> Vec<HttpTask> {
        let mut out = Vec::with_capacity(tasks.len() + 1);
        for task in tasks {
            match task {
                // An upstream's interim answers are about its own connection.
                HttpTask::Header(header, _)
                    if header.status.is_informational() && header.status != StatusCode::SWITCHING_PROTOCOLS => {}
                // Of an answer that was given up for another attempt, nothing was sent: the newer header counts.
                HttpTask::Header(header, false) if !header.status.is_informational() => self.held = Some(header),
                HttpTask::Body(data, false) if self.held.is_some() && data.as_ref().is_none_or(Bytes::is_empty) => {}
                task => {
                    if let Some(header) = self.held.take() {
                        let header = self.instead.0.lock().take().unwrap_or(header);
                        out.push(HttpTask::Header(header, false));
                    }
                    out.push(task);
                }
            }
        }
        out
    }
}

/// Puts the real session back, so that Pingora can keep the connection alive as usual.
pub fn unwrap(session: &mut ServerSession, kept: &Kept) {
    if session.is_custom() {
        drop(std::mem::replace(session, nothing()));
    }
    if let Some(inner) = kept.lock().take() {
        *session = *inner;
    }
}

/// Ends when a limit of the attempt's is passed.
async fn overdue(look: &mut Pin<Box<Sleep>>, clock: &AttemptClock) -> Overdue {
    loop {
        look.as_mut().await;
        match clock.look() {
            Ok(left) => look.as_mut().reset(Instant::now() + left),
            Err(overdue) => return overdue,
        }
    }
}

/// A session that stands in while the real one changes hands; nothing ever speaks to it.
fn nothing() -> ServerSession {
    ServerSession::new_custom(Box::new(()))
}

impl Drop for ReplaySession {
    fn drop(&mut self) {
        let inner = std::mem::replace(&mut *self.inner, nothing());
        *self.kept.lock() = Some(Box::new(inner));
    }
}

#[async_trait]
impl CustomSession for ReplaySession {
    // What differs from the real session.

    /// Anything but empty: the filter replaces it by the body of the attempt.
    fn get_retry_buffer(&self) -> Option<Bytes> {
        let is_in_memory = self.reader.is_none() && !self.upgrades;
        is_in_memory.then(|| Bytes::from_static(b"body"))
    }

    fn retry_buffer_truncated(&self) -> bool {
        false
    }

    /// An attempt begins here.
    fn enable_retry_buffering(&mut self) {
        // A new attempt begins: what was held back of the last one is void.
        self.held = None;
        self.reader = self.feed.0.lock().take();
        self.look.as_mut().reset(Instant::now() + self.clock.look().unwrap_or_default());
    }

    fn is_body_done(&mut self) -> bool {
        if self.upgrades {
            return self.inner.is_body_done();
        }
        self.reader.as_ref().is_none_or(OutgoingReader::is_done)
    }

    fn is_body_empty(&mut self) -> bool {
        self.upgrades && self.inner.is_body_empty()
    }

    fn is_upgrade_req(&self) -> bool {
        self.upgrades && self.inner.is_upgrade_req()
    }

    fn was_upgraded(&self) -> bool {
        self.upgrades && self.inner.was_upgraded()
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        Ok(())
    }

    /// Hands out the body that is not in memory; after that Pingora waits here for the client to leave, all the time that the
    /// upstream is awaited or read. Of a WebSocket it gives the client's bytes.
    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> Result<Option<Bytes>> {
        let Self { inner, reader, cut, deadline, clock, look, upgrades, .. } = self;
        if reader.as_ref().is_none_or(OutgoingReader::is_done) {
            clock.sent();
        }
        let next = async {
            match reader.as_mut().filter(|reader| !reader.is_done()) {
                Some(reader) => reader.next().await.map_err(|error| {
                    tracing::error!(%error, "an upload cannot be read back from the disk");
                    Error::explain(UPLOAD_LOST, error.to_string())
                }),
                None => inner.read_body_or_idle(no_body_expected || !*upgrades).await,
            }
        };
        tokio::select! {
            event = next => event,
            _ = cut.wait_for(|cut| *cut) => Err(Error::explain(STOPPING, "drain limit reached")),
            () = deadline => Err(Error::explain(OUT_OF_TIME, "router_settings.timeout")),
            overdue = overdue(look, clock) => Err(match overdue {
                Overdue::FirstByte => Error::explain(FIRST_BYTE_TIMEOUT, "first_byte_timeout"),
                Overdue::Chunk => Error::explain(CHUNK_TIMEOUT, "chunk_timeout"),
            }),
        }
    }

    /// A failure of the upstream is reported to the caller instead of being written into the client's connection, which is
    /// still good for an error event. Once the answer has begun it is not an error of Pingora's, which would close the
    /// connection behind a stream that we end properly: [`Broken`] tells it, and `logging` ends the answer.
    async fn response_duplex_vec(&mut self, mut tasks: Vec<HttpTask>) -> Result<bool> {
        let failed = tasks.iter().position(|task| matches!(task, HttpTask::Failed(_)));
        let failure = failed.and_then(|at| tasks.drain(at..).next());
        if self.held.is_some() || tasks.iter().any(|task| matches!(task, HttpTask::Header(..))) {
            tasks = self.hold(tasks);
        }
        let is_done = if tasks.is_empty() { false } else { self.inner.response_duplex_vec(tasks).await? };
        // While a slow client was written to, nobody listened to the provider.
        self.clock.touch();
        match failure {
            Some(HttpTask::Failed(error)) => {
                let is_begun = self.inner.response_written().is_some_and(|header| !header.status.is_informational());
                if !is_begun {
                    return Err(error);
                }
                *self.broken.0.lock() = Some(error);
                Ok(true)
            }
            _ => Ok(is_done),
        }
    }

    // What is the real session's.

    fn req_header(&self) -> &RequestHeader {
        self.inner.req_header()
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        self.inner.req_header_mut()
    }

    async fn write_response_header(&mut self, header: Box<ResponseHeader>, _end: bool) -> Result<()> {
        self.inner.write_response_header(header).await
    }

    async fn write_response_header_ref(&mut self, header: &ResponseHeader, _end: bool) -> Result<()> {
        self.inner.write_response_header_ref(header).await
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.inner.write_response_body(data, end).await
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.inner.write_response_trailers(trailers).await
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_read_timeout(timeout);
    }

    fn get_read_timeout(&self) -> Option<Duration> {
        self.inner.get_read_timeout()
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_write_timeout(timeout);
    }

    fn get_write_timeout(&self) -> Option<Duration> {
        self.inner.get_write_timeout()
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_total_drain_timeout(timeout);
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.inner.get_total_drain_timeout()
    }

    fn request_summary(&self) -> String {
        self.inner.request_summary()
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.inner.response_written()
    }

    async fn shutdown(&mut self, _code: u32, _reason: &str) {
        self.inner.shutdown().await;
    }

    async fn finish(&mut self) -> Result<()> {
        // An answer that broke off is not whole yet: its end is the caller's.
        if self.broken.0.lock().is_some() {
            return Ok(());
        }
        self.inner.finish_body().await
    }

    fn body_bytes_sent(&self) -> usize {
        self.inner.body_bytes_sent()
    }

    fn body_bytes_read(&self) -> usize {
        self.inner.body_bytes_read()
    }

    fn digest(&self) -> Option<&Digest> {
        self.inner.digest()
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        self.inner.digest_mut()
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.inner.client_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.inner.server_addr()
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.inner.to_h1_raw()
    }

    // Pingora's own messages between proxies; there are none.

    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(
        &mut self,
    ) -> Option<Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>> {
        None
    }

    fn restore_custom_message_reader(
        &mut self,
        _reader: Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>,
    ) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(&mut self, _writer: Box<dyn CustomMessageWrite>) -> Result<()> {
        Ok(())
    }
}
