//! A deadline for a whole request header. Pingora has one for each read only, so a byte a second stays open for ever.
//!
//! The wrapped application runs each request inside a race against a timer; the gateway stops the timer when the header is
//! complete. On a connection that is kept alive the timer begins with the wait for the next request, so it includes the
//! keep-alive time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use deltallm_shared::config::ClientTimeouts;
use pingora::{
    apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp},
    protocols::{
        Stream,
        http::{ServerSession, v2::server::H2Options},
    },
    server::ShutdownWatch,
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// As many bytes as tell HTTP/2 from HTTP/1.1; no request is shorter.
const FIRST_BYTES: usize = 24;
/// A connection younger than this has not carried a request yet.
const JUST_OPENED: Duration = Duration::from_millis(100);

tokio::task_local! {
    static HEADER_COMPLETE: Arc<Notify>;
}

/// The header of the current request is complete. Without effect outside the wrapper.
pub fn header_is_complete() {
    let _ = HEADER_COMPLETE.try_with(|complete| complete.notify_one());
}

/// A server whose connections have to say something in time. Outermost, because Pingora waits without limit for the bytes that
/// tell the protocol.
pub struct FirstBytesDeadline<A> {
    inner: Arc<A>,
    limit: Duration,
}

impl<A> FirstBytesDeadline<A> {
    /// Wraps a server.
    pub fn new(inner: A, limits: ClientTimeouts) -> Self {
        Self { inner: Arc::new(inner), limit: limits.header }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for FirstBytesDeadline<A> {
    async fn process_new(self: &Arc<Self>, mut stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let mut first = [0; FIRST_BYTES];
        match timeout(self.limit, stream.try_peek(&mut first)).await {
            Ok(Ok(_)) => self.inner.process_new(stream, shutdown).await,
            Ok(Err(_)) | Err(_) => None,
        }
    }

    async fn cleanup(&self) {
        self.inner.cleanup().await;
    }
}

/// An application whose request headers have to arrive in time.
pub struct HeaderDeadline<A> {
    inner: Arc<A>,
    limits: ClientTimeouts,
}

impl<A> HeaderDeadline<A> {
    /// Wraps an application.
    pub fn new(inner: A, limits: ClientTimeouts) -> Self {
        Self { inner: Arc::new(inner), limits }
    }

    fn limit(&self, session: &ServerSession) -> Duration {
        let established = session
            .digest()
            .and_then(|digest| digest.timing_digest.first()?.as_ref())
            .map(|timing| timing.established_ts);
        let age = established.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        if age < JUST_OPENED { self.limits.header } else { self.limits.keepalive + self.limits.header }
    }
}

#[async_trait]
impl<A: HttpServerApp + Send + Sync + 'static> HttpServerApp for HeaderDeadline<A> {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        // An HTTP/2 stream begins with its header complete; idle connections end by `h2_idle_timeout`.
        if session.is_http2() {
            return self.inner.process_new_http(session, shutdown).await;
        }
        let limit = self.limit(&session);
        let complete = Arc::new(Notify::new());
        let request = HEADER_COMPLETE.scope(Arc::clone(&complete), self.inner.process_new_http(session, shutdown));
        tokio::pin!(request);
        tokio::select! {
            biased;
            reused = &mut request => return reused,
            () = complete.notified() => {}
            () = sleep(limit) => return None,
        }
        request.await
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.inner.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.inner.server_options()
    }

    async fn http_cleanup(&self) {
        self.inner.http_cleanup().await;
    }
}
