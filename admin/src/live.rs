//! The live list: calls as they are recorded, to every dashboard that looks at it.
//!
//! A bounded channel: a dashboard that does not keep up misses calls, which the list itself still has; it never slows down
//! the recording of calls.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::views::request::RequestView;

const CAPACITY: usize = 512;

/// One call as a server-sent event.
pub type LiveEvent = Arc<Bytes>;

/// The channel.
pub struct LiveRequests {
    sender: broadcast::Sender<LiveEvent>,
}

impl Default for LiveRequests {
    fn default() -> Self {
        Self { sender: broadcast::channel(CAPACITY).0 }
    }
}

impl LiveRequests {
    /// Whether anybody looks: if not, nothing needs to be read for them.
    pub fn has_watchers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Starts to look.
    pub fn watch(&self) -> broadcast::Receiver<LiveEvent> {
        self.sender.subscribe()
    }

    /// Shows calls to everybody who looks.
    pub fn show(&self, requests: impl IntoIterator<Item = RequestView>) {
        for request in requests {
            let Ok(data) = serde_json::to_string(&request) else { continue };
            let event = format!("event: request\nid: {}\ndata: {data}\n\n", request.event_id);
            // Nobody looking any more is fine.
            let _ = self.sender.send(Arc::new(event.into()));
        }
    }
}
