//! A TCP connection that can be reset on demand: hyper alone only knows how to end one politely.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ledger::Ledger;

/// Tells a connection to end with RST instead of FIN.
#[derive(Clone, Default)]
pub struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    pub fn turn_on(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// An accepted connection, counted in the ledger while it is open.
pub struct MockConnection {
    stream: TcpStream,
    switch: ResetSwitch,
    ledger: Arc<Ledger>,
}

impl MockConnection {
    pub fn new(stream: TcpStream, switch: ResetSwitch, ledger: Arc<Ledger>) -> Self {
        ledger.connections_accepted.fetch_add(1, Ordering::Relaxed);
        ledger.connections_open.fetch_add(1, Ordering::Relaxed);
        Self { stream, switch, ledger }
    }

    fn check(&self) -> io::Result<()> {
        if self.switch.is_on() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for MockConnection {
    fn drop(&mut self) {
        self.ledger.connections_open.fetch_sub(1, Ordering::Relaxed);
        if self.switch.is_on() {
            // With a linger time of zero the close that follows sends RST. Where the socket is
            // already gone there is nothing left to reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for MockConnection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for MockConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A FIN before the RST would look like a polite end.
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
