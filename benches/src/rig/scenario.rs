//! The kinds of work that are measured.

use serde::Serialize;

/// What CPU time is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Request,
    Chunk,
}

impl Unit {
    /// Its name in the table.
    pub fn text(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Chunk => "chunk",
        }
    }
}

/// One kind of work.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// Whom the request names: a model that is passed through, or one whose vendor speaks another dialect.
    pub model: &'static str,
    pub unit: Unit,
    pub body_bytes: usize,
    pub is_stream: bool,
    pub mock_opts: Option<&'static str>,
    pub connections: u16,
    /// Requests per second at which added latency is measured: low, so that nothing queues.
    pub latency_rate: u64,
}

/// The model whose vendor speaks what the client speaks.
pub const PASSED_THROUGH: &str = "gpt-4o-mini";
/// The model whose vendor speaks Anthropic's messages.
pub const TRANSLATED: &str = "claude-sonnet-4-5";

/// All of them, in the order of the table.
pub const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "chat_1kb",
        model: PASSED_THROUGH,
        unit: Unit::Request,
        body_bytes: 1_024,
        is_stream: false,
        mock_opts: None,
        connections: 16,
        latency_rate: 400,
    },
    Scenario {
        name: "prompt_100kb",
        model: PASSED_THROUGH,
        unit: Unit::Request,
        body_bytes: 100_000,
        is_stream: false,
        mock_opts: None,
        connections: 16,
        latency_rate: 200,
    },
    Scenario {
        name: "sse_paced",
        model: PASSED_THROUGH,
        unit: Unit::Chunk,
        body_bytes: 1_024,
        is_stream: true,
        mock_opts: Some("chunks=50,gap_ms=10,chunk_bytes=20"),
        connections: 64,
        latency_rate: 50,
    },
    Scenario {
        name: "sse_burst_50",
        model: PASSED_THROUGH,
        unit: Unit::Chunk,
        body_bytes: 1_024,
        is_stream: true,
        mock_opts: Some("chunks=50,chunk_bytes=20"),
        connections: 16,
        latency_rate: 200,
    },
    Scenario {
        name: "translated_1kb",
        model: TRANSLATED,
        unit: Unit::Request,
        body_bytes: 1_024,
        is_stream: false,
        mock_opts: None,
        connections: 16,
        latency_rate: 400,
    },
    Scenario {
        name: "translated_sse",
        model: TRANSLATED,
        unit: Unit::Chunk,
        body_bytes: 1_024,
        is_stream: true,
        mock_opts: Some("chunks=50,chunk_bytes=20"),
        connections: 16,
        latency_rate: 200,
    },
];
