//! What the mock upstream has served: the witness a test compares a gateway's own books with.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::http::request::Parts;
use parking_lot::Mutex;
use serde::Serialize;

/// Most bodies' bytes the ledger keeps; the oldest requests go first.
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Counts by model or by tag.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Requests received.
    pub requests: u64,
    /// Answered in full with a status below 400.
    pub completed: u64,
    /// Answered with an error status on purpose.
    pub refused: u64,
    /// Cut by the mock itself: reset, close.
    pub broken: u64,
    /// The peer left before the end of the answer.
    pub closed_early: u64,
    /// Content chunks handed to the connection.
    pub chunks_written: u64,
    /// Tokens named in the usage of completed answers.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Open,
    Completed,
    Refused,
    Broken,
    ClosedEarly,
}

/// One request as it came in, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    pub sequence: u64,
    pub method: String,
    pub uri: String,
    pub http_version: String,
    pub headers: Vec<(String, String)>,
    pub body_bytes: usize,
    pub body_base64: Option<String>,
    pub model: String,
    pub outcome: Outcome,
    pub chunks_written: u64,
}

#[derive(Default)]
struct Books {
    sequence: u64,
    total: Tally,
    by_model: BTreeMap<String, Tally>,
    by_tag: BTreeMap<String, Tally>,
    recent: VecDeque<(Received, Bytes)>,
    recent_bytes: usize,
}

/// The whole ledger; shared by all connections.
pub struct Ledger {
    keep: usize,
    books: Mutex<Books>,
    pub connections_accepted: AtomicU64,
    pub connections_open: AtomicU64,
}

/// What `GET /_ledger` answers.
#[derive(Debug, Serialize)]
pub struct LedgerView {
    pub total: Tally,
    pub open: u64,
    pub connections_accepted: u64,
    pub connections_open: u64,
    pub by_model: BTreeMap<String, Tally>,
    pub by_tag: BTreeMap<String, Tally>,
    pub recent: Vec<Received>,
}

impl Ledger {
    /// `keep` = how many requests are kept with their headers and bodies.
    pub fn new(keep: usize) -> Arc<Self> {
        Arc::new(Self {
            keep,
            books: Mutex::default(),
            connections_accepted: AtomicU64::new(0),
            connections_open: AtomicU64::new(0),
        })
    }

    /// Notes a request's arrival; the entry is closed by what happens to its answer.
    pub fn open(self: &Arc<Self>, parts: &Parts, body: &Bytes, model: &str, tag: Option<&str>) -> Entry {
        let mut books = self.books.lock();
        books.sequence += 1;
        let sequence = books.sequence;
        let mut entry = Entry {
            ledger: Arc::clone(self),
            sequence,
            model: model.to_owned(),
            tag: tag.map(str::to_owned),
            chunks_written: 0,
            is_closed: false,
            requests_of_tag: 0,
        };
        entry.tally(&mut books, |tally| tally.requests += 1);
        entry.requests_of_tag = tag.and_then(|tag| books.by_tag.get(tag)).map_or(0, |tally| tally.requests);
        if self.keep > 0 {
            books.recent_bytes += body.len();
            books.recent.push_back((received(sequence, parts, body, model), body.clone()));
            while books.recent.len() > self.keep || (books.recent_bytes > KEPT_BYTES_MAX && books.recent.len() > 1) {
                let Some((_, old)) = books.recent.pop_front() else {
                    break;
                };
                books.recent_bytes -= old.len();
            }
        }
        entry
    }

    /// The books, with the newest `last` requests (oldest first); bodies only where asked for.
    pub fn view(&self, last: usize, is_with_bodies: bool) -> LedgerView {
        let books = self.books.lock();
        let skip = books.recent.len().saturating_sub(last);
        let recent = books.recent.iter().skip(skip).map(|(received, body)| Received {
            body_base64: is_with_bodies.then(|| STANDARD.encode(body)),
            ..received.clone()
        });
        let total = books.total.clone();
        let closed = total.completed + total.refused + total.broken + total.closed_early;
        LedgerView {
            open: total.requests.saturating_sub(closed),
            total,
            connections_accepted: self.connections_accepted.load(Ordering::Relaxed),
            connections_open: self.connections_open.load(Ordering::Relaxed),
            by_model: books.by_model.clone(),
            by_tag: books.by_tag.clone(),
            recent: recent.collect(),
        }
    }
}

fn received(sequence: u64, parts: &Parts, body: &Bytes, model: &str) -> Received {
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Received {
        sequence,
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        http_version: format!("{:?}", parts.version),
        headers,
        body_bytes: body.len(),
        body_base64: None,
        model: model.to_owned(),
        outcome: Outcome::Open,
        chunks_written: 0,
    }
}

/// An open request in the ledger. Dropped without [`Entry::close`], it counts as left by the peer.
pub struct Entry {
    ledger: Arc<Ledger>,
    sequence: u64,
    model: String,
    tag: Option<String>,
    chunks_written: u64,
    is_closed: bool,
    requests_of_tag: u64,
}

impl Entry {
    /// Number of this request since the start, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many requests carried the same tag so far, this one included.
    pub fn requests_of_tag(&self) -> u64 {
        self.requests_of_tag
    }

    /// Counts one content chunk handed to the connection.
    pub fn chunk_written(&mut self) {
        self.chunks_written += 1;
    }

    /// Notes how the answer ended; only the first call counts.
    pub fn close(&mut self, outcome: Outcome, prompt_tokens: u64, completion_tokens: u64) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        let ledger = Arc::clone(&self.ledger);
        let mut books = ledger.books.lock();
        let chunks_written = self.chunks_written;
        self.tally(&mut books, |tally| {
            tally.chunks_written += chunks_written;
            match outcome {
                Outcome::Completed => {
                    tally.completed += 1;
                    tally.prompt_tokens += prompt_tokens;
                    tally.completion_tokens += completion_tokens;
                }
                Outcome::Refused => tally.refused += 1,
                Outcome::Broken => tally.broken += 1,
                Outcome::ClosedEarly | Outcome::Open => tally.closed_early += 1,
            }
        });
        let sequence = self.sequence;
        if let Some((received, _)) = books.recent.iter_mut().rev().find(|(r, _)| r.sequence == sequence) {
            received.outcome = outcome;
            received.chunks_written = chunks_written;
        }
    }

    fn tally(&self, books: &mut Books, change: impl Fn(&mut Tally)) {
        change(&mut books.total);
        match books.by_model.get_mut(&self.model) {
            Some(tally) => change(tally),
            None => change(books.by_model.entry(self.model.clone()).or_default()),
        }
        if let Some(tag) = &self.tag {
            change(books.by_tag.entry(tag.clone()).or_default());
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.close(Outcome::ClosedEarly, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        hyper::Request::builder().uri("/v1/chat/completions").body(()).unwrap_or_default().into_parts().0
    }

    #[test]
    fn a_dropped_entry_counts_as_left_early() {
        let ledger = Ledger::new(4);
        let mut entry = ledger.open(&parts(), &Bytes::from_static(b"{}"), "m", Some("t"));
        entry.chunk_written();
        assert_eq!(ledger.view(1, false).open, 1);
        drop(entry);
        let view = ledger.view(1, true);
        assert_eq!((view.open, view.total.closed_early, view.total.chunks_written), (0, 1, 1));
        assert_eq!(view.by_tag["t"].closed_early, 1);
        assert_eq!(view.recent[0].outcome, Outcome::ClosedEarly);
        assert_eq!(view.recent[0].body_base64.as_deref(), Some("e30="));
    }

    #[test]
    fn only_the_newest_requests_are_kept() {
        let ledger = Ledger::new(2);
        for _ in 0..5 {
            ledger.open(&parts(), &Bytes::new(), "m", None).close(Outcome::Completed, 3, 4);
        }
        let view = ledger.view(10, false);
        assert_eq!(view.recent.iter().map(|r| r.sequence).collect::<Vec<_>>(), [4, 5]);
        assert_eq!((view.total.completed, view.total.completion_tokens), (5, 20));
    }
}
