//! The mock provider's server.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use deltallm_shared::crypto::random_text;
use pingora::{
    Result,
    apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream},
    http::ResponseHeader,
    protocols::http::ServerSession,
    server::ShutdownWatch,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{CHUNK_GAP_MS, DELAY_MS, FAILURE_PERCENT, answer};

/// The system's limit for a socket's path is 108 bytes, on some systems 104.
const MAX_SOCKET_PATH_BYTES: usize = 100;

/// Serves the mock models.
#[derive(Default)]
pub struct MockProvider {
    calls: AtomicU64,
}

/// The socket that the mock listens on; its file is taken away at the end.
pub struct SocketFile {
    path: PathBuf,
    /// The folder that was made for it, where the data folder's path is too long for a socket.
    short_folder: Option<PathBuf>,
}

impl SocketFile {
    /// In the data folder, which this process has for itself. A socket's path must be short: where it would be too long, in a
    /// folder of its own with a name that nobody can guess, below the temporary one.
    pub fn in_home(home: &Path) -> io::Result<Self> {
        let private = |folder: &Path| DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let folder = std::path::absolute(home)?.join("run");
        let (folder, short_folder) = if folder.as_os_str().len() + "/mock.sock".len() < MAX_SOCKET_PATH_BYTES {
            (folder, None)
        } else {
            let name = random_text(16).map_err(io::Error::other)?;
            let short = std::env::temp_dir().join(format!("deltallm-{name}"));
            (short.clone(), Some(short))
        };
        private(&folder)?;
        let path = folder.join("mock.sock");
        // What a killed process left; the journal's lock says that it is gone.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self { path, short_folder }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        if let Some(folder) = &self.short_folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

#[async_trait]
impl HttpServerApp for MockProvider {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        match session.read_request().await {
            Ok(true) => {}
            _ => return None,
        }
        session.set_keepalive(Some(60));
        if let Err(error) = self.answer(&mut session).await {
            tracing::debug!(%error, "the mock provider's answer was cut off");
            return None;
        }
        let settings = HttpPersistentSettings::for_session(&session);
        session.finish().await.ok().flatten().map(|stream| ReusedHttpStream::from_reusable_stream(stream, settings))
    }
}

impl MockProvider {
    async fn answer(&self, session: &mut ServerSession) -> Result<()> {
        let mut body = BytesMut::new();
        while let Some(piece) = session.read_request_body().await? {
            body.extend_from_slice(&piece);
        }
        let option = |name: &str| number(session, name);
        let (delay_ms, gap_ms, failure_percent) = (option(DELAY_MS), option(CHUNK_GAP_MS), option(FAILURE_PERCENT));
        sleep(Duration::from_millis(delay_ms)).await;
        if self.fails(failure_percent) {
            return write_json(
                session,
                500,
                &json!({ "error": { "message": "the mock provider fails as it was told" } }),
            )
            .await;
        }
        if session.req_header().uri.path().ends_with("/models") {
            return write_json(session, 200, &json!({ "object": "list", "data": [] })).await;
        }
        let Ok(request) = serde_json::from_slice::<Value>(&body) else {
            return write_json(session, 400, &json!({ "error": { "message": "not JSON" } })).await;
        };
        if session.req_header().uri.path().ends_with("/embeddings") {
            return write_json(session, 200, &answer::embeddings(&request)).await;
        }
        let chat = answer::Answer::to(&request);
        if chat.is_stream {
            return write_stream(session, &chat.events(), Duration::from_millis(gap_ms)).await;
        }
        write_json(session, 200, &chat.document()).await
    }

    /// Spread evenly: of a hundred calls in a row exactly so many fail.
    fn fails(&self, percent: u64) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        (call + 1) * percent / 100 > call * percent / 100
    }
}

fn number(session: &ServerSession, name: &str) -> u64 {
    session.get_header(name).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

async fn write_json(session: &mut ServerSession, status: u16, body: &Value) -> Result<()> {
    let body = Bytes::from(body.to_string());
    let mut header = ResponseHeader::build(status, Some(2))?;
    header.insert_header("content-type", "application/json")?;
    header.insert_header("content-length", body.len())?;
    session.write_response_header(Box::new(header)).await?;
    session.write_response_body(body, true).await
}

async fn write_stream(session: &mut ServerSession, events: &[String], gap: Duration) -> Result<()> {
    let mut header = ResponseHeader::build(200, Some(2))?;
    header.insert_header("content-type", "text/event-stream")?;
    header.insert_header("transfer-encoding", "chunked")?;
    session.write_response_header(Box::new(header)).await?;
    for (at, event) in events.iter().enumerate() {
        if at > 0 && !gap.is_zero() {
            sleep(gap).await;
        }
        session.write_response_body(Bytes::from(format!("data: {event}\n\n")), false).await?;
    }
    session.write_response_body(Bytes::new(), true).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_hundred_fail() {
        for percent in [0, 1, 33, 100] {
            let mock = MockProvider::default();
            let failed = (0..100).filter(|_| mock.fails(percent)).count() as u64;
            assert_eq!(failed, percent);
        }
    }
}
