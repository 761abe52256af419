//! No field that a dialect knows is lost when it is written and read again, nor on the way through two dialects that both
//! know it.

use std::collections::BTreeMap;

use deltallm_dialects::canonical::{ChatRequest, Message, PartKind, Role, Tool, Unsupported};
use deltallm_dialects::dialect::{DialectId, client_dialect, vendor_dialect};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::abilities::{self, Can};
use crate::cases::path_model;
use crate::request_strategy::requests;

/// The dialects that are both read and written, as far as they say what they know.
fn both_ways() -> Vec<DialectId> {
    let is_both = |id: &DialectId| client_dialect(*id).is_some() && vendor_dialect(*id).is_some();
    DialectId::ALL.into_iter().filter(is_both).filter(|id| abilities::of(*id).is_some()).collect()
}

/// Written by one side and read by the other.
fn through(request: &ChatRequest, dialect: DialectId) -> Result<ChatRequest, TestCaseError> {
    let name = dialect.name();
    let mut unsupported = Unsupported::new("acme", false);
    let body = vendor_dialect(dialect).unwrap().write_request(request, &mut unsupported);
    let body = body.map_err(|error| TestCaseError::fail(format!("{name} refuses {:?}: {error}", error.param)))?;
    let dropped = unsupported.dropped;
    prop_assert!(dropped.is_empty(), "{} left out {:?}", name, dropped);
    let again = client_dialect(dialect).unwrap().read_request(&body, path_model(dialect), request.stream);
    let mut again = again.map_err(|error| {
        let body = String::from_utf8_lossy(&body);
        TestCaseError::fail(format!("{name} cannot read what it wrote: {error} {:?}: {body}", error.param))
    })?;
    again.include_usage = again.stream;
    Ok(again)
}

/// The same conversation in one form: each result a message of its own, neighbours of one role joined. `keeps_ids`: else
/// calls are numbered anew.
fn normal(mut request: ChatRequest, keeps_ids: bool) -> ChatRequest {
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
        if let PartKind::ToolResult { name, .. } = &mut part.kind {
            *name = None;
        }
        if let PartKind::ToolCall { id, .. } | PartKind::ToolResult { call_id: id, .. } = &mut part.kind
            && !keeps_ids
        {
            let next = format!("call {}", numbers.len());
            *id = numbers.entry(id.clone()).or_insert(next).clone();
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

fn same(sent: ChatRequest, arrived: ChatRequest, keeps_ids: bool) -> Result<(), TestCaseError> {
    let sent = ChatRequest { source: arrived.source, ..normal(sent, keeps_ids) };
    let arrived = normal(arrived, keeps_ids);
    if sent == arrived {
        return Ok(());
    }
    let (sent, arrived) = (format!("{sent:#?}"), format!("{arrived:#?}"));
    let mut lines = sent.lines().zip(arrived.lines());
    let first = lines.find(|(sent, arrived)| sent != arrived);
    Err(TestCaseError::fail(format!("first difference (sent, arrived): {first:#?}\nsent: {sent}\narrived: {arrived}")))
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
    for id in both_ways() {
        let can = abilities::of(id).unwrap();
        let keeps_ids = can.contains(&Can::CallIds);
        run(id.name(), requests(id, can), |request| {
            let arrived = through(&request, id)?;
            same(request, arrived, keeps_ids)
        });
    }
}

#[test]
fn what_both_of_a_pair_know_survives_the_way_through_both() {
    for first in both_ways() {
        for second in both_ways().into_iter().filter(|second| *second != first) {
            let (one, other) = (abilities::of(first).unwrap(), abilities::of(second).unwrap());
            let can = one.intersection(&other).copied().collect();
            let name = format!("{} and {}", first.name(), second.name());
            run(&name, requests(first, can), |request| {
                let between = through(&request, first)?;
                let arrived = through(&between, second)?;
                same(request, arrived, one.contains(&Can::CallIds) && other.contains(&Can::CallIds))
            });
        }
    }
}
