//! A way to a server that can be closed, opened and slow.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An address of its own that leads to another one; closed, so that connections are refused, until it is opened.
pub struct Lane {
    address: SocketAddr,
    to: SocketAddr,
    delay_ms: Arc<AtomicU64>,
    open: Option<JoinHandle<()>>,
}

impl Lane {
    /// A closed one.
    pub fn closed(to: SocketAddr) -> Self {
        Self { address: free_address(), to, delay_ms: Arc::default(), open: None }
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every piece is held back for so long.
    pub fn delay(&self, milliseconds: u64) {
        self.delay_ms.store(milliseconds, Ordering::Relaxed);
    }

    /// From here on connections are taken.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the lane's address is free");
        let (to, delay_ms) = (self.to, Arc::clone(&self.delay_ms));
        self.open = Some(tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let delay_ms = Arc::clone(&delay_ms);
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(to).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        () = carry(near_in, far_out, &delay_ms) => {}
                        () = carry(far_in, near_out, &delay_ms) => {}
                    }
                });
            }
        }));
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.abort();
        }
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, delay_ms: &AtomicU64) {
    let mut piece = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        tokio::time::sleep(Duration::from_millis(delay_ms.load(Ordering::Relaxed))).await;
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

/// An address at which nobody listens now.
pub fn free_address() -> SocketAddr {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("a listener has an address")
}
