//! The mock upstream, and what it says it has served.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltallm_benches::{Service, binaries};
use serde::Deserialize;

/// A running mock upstream.
pub struct Upstream {
    service: Service,
}

impl Upstream {
    /// Starts one, with its log in `folder`.
    pub fn start(folder: &Path) -> Self {
        let program = binaries::path("mock-upstream").expect("the mock upstream is built");
        let service = Service::start("mock-upstream", Command::new(program), folder);
        Self { service: service.expect("the mock upstream starts") }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.service.address("addr").expect("the mock upstream says where it listens")
    }

    /// What it has served; with the newest `last` requests.
    pub async fn ledger(&self, last: usize) -> Ledger {
        let url = format!("http://{}/_ledger?last={last}", self.address());
        let answer = reqwest::get(url).await.expect("the ledger answers");
        answer.json().await.expect("the ledger is JSON")
    }

    /// The newest request.
    pub async fn last_received(&self) -> Received {
        self.ledger(1).await.recent.pop().expect("the upstream got a request")
    }

    /// Counts of the requests that carried a tag.
    pub async fn tally_of(&self, tag: &str) -> Tally {
        self.ledger(0).await.by_tag.remove(tag).unwrap_or_default()
    }
}

/// What the upstream has served.
#[derive(Debug, Deserialize)]
pub struct Ledger {
    /// All requests.
    pub total: Tally,
    /// Requests not ended yet.
    pub open: u64,
    /// By the tag of their options.
    pub by_tag: BTreeMap<String, Tally>,
    /// The newest requests, oldest first.
    pub recent: Vec<Received>,
}

/// Counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Tally {
    /// Received.
    pub requests: u64,
    /// Answered in full.
    pub completed: u64,
    /// Answered with an error on purpose.
    pub refused: u64,
    /// Cut by the upstream on purpose.
    pub broken: u64,
    /// Left by the gateway before the end.
    pub closed_early: u64,
    /// Chunks of content sent.
    pub chunks_written: u64,
    /// Output tokens named in the usage of full answers.
    pub completion_tokens: u64,
}

/// A request as the upstream received it.
#[derive(Debug, Deserialize)]
pub struct Received {
    /// Path and query.
    pub uri: String,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// Size of the body.
    pub body_bytes: usize,
    body_base64: String,
}

impl Received {
    /// The body, byte for byte.
    pub fn body(&self) -> Vec<u8> {
        STANDARD.decode(&self.body_base64).expect("the ledger's base64 is right")
    }

    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
