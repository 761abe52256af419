//! No field that a dialect knows is lost when it is written and read again, nor on the way through two dialects that both
//! know it.

use std::collections::{BTreeMap, BTreeSet};

use deltallm_dialects::canonical::{ChatRequest, Message, PartKind, Role, Tool, Unsupported};
use deltallm_dialects::dialect::{ClientDialect, DialectId, VendorDialect, client_dialect, vendor_dialect};
use deltallm_dialects::openai::chat::ChatVendor;
use deltallm_dialects::openai::chat::quirks::GATEWAY;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::abilities::{self, Can};
use crate::cases::path_model;
use crate::request_strategy::requests;

/// A dialect that is both read and written.
struct Way {
    name: &'static str,
    client: &'static dyn ClientDialect,
    vendor: &'static dyn VendorDialect,
    can: BTreeSet<Can>,
}

/// OpenAI's own service knows less than a server that takes all that clients write.
static GATEWAY_VENDOR: ChatVendor = ChatVendor(&GATEWAY);

/// Those that say what they know.
fn ways() -> Vec<Way> {
    let way = |id: DialectId| {
        Some(Way { name: id.name(), client: client_dialect(id)?, vendor: vendor_dialect(id)?, can: abilities::of(id)? })
    };
    let mut ways: Vec<Way> = DialectId::ALL.into_iter().filter_map(way).collect();
    let client = client_dialect(DialectId::OpenAiChat).unwrap();
    let can = abilities::of_gateway();
    ways.push(Way { name: "openai_chat at a gateway", client, vendor: &GATEWAY_VENDOR, can });
    ways
}

/// Written by one side and read by the other.
fn through(request: &ChatRequest, way: &Way) -> Result<ChatRequest, TestCaseError> {
    let name = way.name;
    let mut unsupported = Unsupported::new("acme", false);
    let body = way.vendor.write_request(request, &mut unsupported);
    let body = body.map_err(|error| TestCaseError::fail(format!("{name} refuses {:?}: {error}", error.param)))?;
    let dropped = unsupported.dropped;
    prop_assert!(dropped.is_empty(), "{} left out {:?}", name, dropped);
    let again = way.client.read_request(&body, path_model(way.client.id()), request.stream);
    let mut again = again.map_err(|error| {
        let body = String::from_utf8_lossy(&body);
        TestCaseError::fail(format!("{name} cannot read what it wrote: {error} {:?}: {body}", error.param))
    })?;
    again.include_usage = again.stream;
    Ok(again)
}

/// The same conversation in one form: each result a message of its own, neighbours of one role joined, calls
/// numbered anew where their ids are not kept.
fn normal(mut request: ChatRequest, can: &BTreeSet<Can>) -> ChatRequest {
    let mut messages: Vec<Message> = Vec::new();
    for message in request.messages {
        for part in message.parts {
            let role = if matches!(part.kind, PartKind::ToolResult { .. }) { Role::Tool } else { message.role };
            match messages.last_mut() {
                Some(last) if last.role == role && last.name == message.name => last.parts.push(part),
                _ => messages.push(Message {
                    role,
                    parts: vec![part],
                    name: message.name.clone(),
                    own: message.own.clone(),
                }),
            }
        }
    }
    let mut numbers: BTreeMap<String, String> = BTreeMap::new();
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        match &mut part.kind {
            PartKind::ToolResult { name, .. } => *name = None,
            // Made up where a dialect demands one.
            PartKind::Document { title, .. } if !can.contains(&Can::DocumentTitle) => *title = None,
            _ => {}
        }
        if let PartKind::ToolCall { id, .. } | PartKind::ToolResult { call_id: id, .. } = &mut part.kind
            && !can.contains(&Can::CallIds)
        {
            let next = format!("call {}", numbers.len());
            id.clone_from(numbers.entry(id.clone()).or_insert(next));
        }
    }
    request.messages = messages;
    for tool in &mut request.tools {
        // To leave it out means the same in all dialects but one, which says it then.
        if let Tool::Function { strict: strict @ Some(false), .. } = tool {
            *strict = None;
        }
    }
    request
}

fn same(sent: ChatRequest, arrived: ChatRequest, can: &BTreeSet<Can>) -> Result<(), TestCaseError> {
    let sent = ChatRequest { source: arrived.source, ..normal(sent, can) };
    let arrived = normal(arrived, can);
    if sent == arrived {
        return Ok(());
    }
    let (sent, arrived) = (format!("{sent:#?}"), format!("{arrived:#?}"));
    let mut lines = sent.lines().zip(arrived.lines());
    let first = lines.find(|(sent, arrived)| sent != arrived);
    Err(TestCaseError::fail(format!("first difference (sent, arrived): {first:?}\narrived: {arrived}")))
}

fn run(
    name: &str,
    strategy: impl Strategy<Value = ChatRequest>,
    test: impl Fn(ChatRequest) -> Result<(), TestCaseError>,
) {
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&strategy, test).unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn what_a_dialect_knows_survives_writing_and_reading() {
    for way in ways() {
        run(way.name, requests(way.client.id(), way.can.clone()), |request| {
            let arrived = through(&request, &way)?;
            same(request, arrived, &way.can)
        });
    }
}

#[test]
fn what_both_of_a_pair_know_survives_the_way_through_both() {
    for (first, second) in pairs(&ways()) {
        let can: BTreeSet<Can> = first.can.intersection(&second.can).copied().collect();
        let name = format!("{} and {}", first.name, second.name);
        run(&name, requests(first.client.id(), can.clone()), |request| {
            let between = through(&request, first)?;
            let arrived = through(&between, second)?;
            same(request, arrived, &can)
        });
    }
}

fn pairs(ways: &[Way]) -> impl Iterator<Item = (&Way, &Way)> {
    let all = ways.iter().flat_map(move |first| ways.iter().map(move |second| (first, second)));
    all.filter(|(first, second)| first.name != second.name)
}
