//! What a client sees of a stream, however its bytes were cut, and what is recorded of it.

use std::sync::Arc;

use deltallm_shared::{
    config::{JournalFull, JournalSettings},
    event::{Outcome, SpendEvent},
    pricing::{Usage, UsageSource},
    time_text::Timestamp,
};

use super::*;
use crate::{
    accounting::{Accounts, journal::Cursor, journal::Journal, token_counter::TokenCounter},
    telemetry::metrics::Metrics,
};

const UPSTREAM: &str = concat!(
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hello tök\"}}],\"usage\":null}\n\n",
    ": ping\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n",
    "data: [DONE]\n\n",
);

struct Bench {
    _folder: tempfile::TempDir,
    accounts: Accounts,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = JournalSettings {
            fsync_interval: std::time::Duration::from_secs(1),
            max_bytes: 1 << 20,
            on_full: JournalFull::Refuse,
        };
        let (journal, _) = Journal::open(folder.path(), settings, true).unwrap();
        let journal = Arc::new(journal);
        let metrics = Arc::new(Metrics::new());
        let counter = TokenCounter::start(Arc::clone(&journal), Arc::clone(&metrics)).unwrap();
        Self { _folder: folder, accounts: Accounts { journal, counter, metrics } }
    }

    fn record(&self) -> CallRecord {
        let mut record = CallRecord::begin(self.accounts.clone(), "r".into(), Timestamp::now());
        record.upstream_called();
        record
    }

    fn settled(&self) -> Vec<SpendEvent> {
        self.accounts.counter.flush();
        self.accounts.journal.read_after(Cursor::default(), 100).unwrap().0
    }
}

fn bytes(passed: Passed) -> Bytes {
    match passed {
        Passed::Bytes(bytes) => bytes,
        Passed::Refused(refused) => refused.body,
    }
}

fn pass(relay: &mut Relay, record: &mut CallRecord, stream: &str, size: usize) -> String {
    let mut out = Vec::new();
    for piece in stream.as_bytes().chunks(size) {
        out.extend_from_slice(&bytes(relay.pass(Bytes::copy_from_slice(piece), false, true, record).unwrap()));
    }
    out.extend_from_slice(&bytes(relay.pass(Bytes::new(), true, true, record).unwrap()));
    String::from_utf8(out).unwrap()
}

#[test]
fn usage_is_recorded_and_hidden_for_every_cut_of_the_stream() {
    let bench = Bench::new();
    let without_usage = UPSTREAM
        .replace(",\"usage\":null", "")
        .replace("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n", "");
    for size in 1..=UPSTREAM.len() {
        let mut record = bench.record();
        assert_eq!(
            pass(&mut Relay::stream(false, OwnWords::default()), &mut record, UPSTREAM, size),
            without_usage,
            "pieces of {size}"
        );
    }
    let settled = bench.settled();
    let usage = Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() };
    assert!(settled.iter().all(|event| event.usage == usage && event.usage_source == UsageSource::Provider));
    assert!(settled.iter().all(|event| event.outcome == Outcome::Completed));
}

#[test]
fn who_asks_for_usage_gets_the_bytes_as_they_came_and_without_a_copy() {
    let bench = Bench::new();
    for size in 1..=UPSTREAM.len() {
        let mut record = bench.record();
        assert_eq!(
            pass(&mut Relay::stream(true, OwnWords::default()), &mut record, UPSTREAM, size),
            UPSTREAM,
            "pieces of {size}"
        );
    }
    let piece = Bytes::from_static(UPSTREAM.as_bytes());
    let mut record = bench.record();
    let out = Relay::stream(true, OwnWords::default()).pass(piece.clone(), false, true, &mut record).unwrap();
    assert_eq!(bytes(out).as_ptr(), piece.as_ptr());
}

#[test]
fn a_stream_without_usage_is_counted() {
    let bench = Bench::new();
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\ndata: [DONE]\n\n";
    let mut record = bench.record();
    pass(&mut Relay::stream(false, OwnWords::default()), &mut record, stream, 7);
    let [event] = bench.settled().try_into().unwrap();
    assert_eq!((event.usage.output_tokens, event.usage_source), (1, UsageSource::Counted));
}

#[test]
fn an_error_inside_the_stream_is_recorded_as_one() {
    let bench = Bench::new();
    let stream = "data: {\"error\":{\"message\":\"out of cards on host 7\"}}\n\n";
    let mut record = bench.record();
    let shown = pass(&mut Relay::stream(false, OwnWords::default()), &mut record, stream, 9);
    assert!(shown.contains("upstream_error") && !shown.contains("host 7"), "{shown}");
    assert_eq!(bench.settled()[0].outcome, Outcome::UpstreamError);
}

#[test]
fn a_document_passes_unchanged_and_its_usage_is_read() {
    let bench = Bench::new();
    let document = r#"{"id":"x", "unknown" : 1.50, "usage":{"prompt_tokens":2,"completion_tokens":1}}"#;
    for size in [1, 10, document.len()] {
        let mut record = bench.record();
        assert_eq!(pass(&mut Relay::document(200), &mut record, document, size), document);
    }
    assert!(bench.settled().iter().all(|event| event.usage.input_tokens == 2));
}

#[test]
fn a_record_that_is_dropped_is_settled_as_interrupted_once() {
    let bench = Bench::new();
    let mut record = bench.record();
    record.produced(br#"{"content":"half an answer"}"#);
    drop(record);
    let mut settled_before = bench.record();
    settled_before.settle(Outcome::Refused, 400, None);
    drop(settled_before);
    let outcomes: Vec<_> = bench.settled().iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&Outcome::Interrupted) && outcomes.contains(&Outcome::Refused));
}
