//! A tool call's arguments arrive whole through every client dialect, however the vendor cut them.

use bytes::BytesMut;
use deltallm_dialects::canonical::{Collector, Delta, Event, PartKind, PartStart, StopReason};
use deltallm_dialects::dialect::{CLIENT_DIALECTS, ClientDialect, DialectId, vendor_dialect};
use deltallm_dialects::sse::{self, SseDecoder};
use proptest::prelude::*;
use serde_json::Value;

use crate::cases::asked;

/// Name and arguments of a call.
type Call = (String, Value);

/// A stream with a text and these calls, their arguments in pieces of `size` characters.
fn stream_of(calls: &[Call], size: usize) -> Vec<Event> {
    let mut events = vec![
        Event::Start {
            id: "answer-1".to_owned(),
            model: "vendor-model".to_owned(),
            created: None,
            usage: None,
            service_tier: None,
            fingerprint: None,
        },
        Event::PartStart { choice: 0, part: 0, start: PartStart::Text },
        Event::PartDelta { choice: 0, part: 0, delta: Delta::Text("Let me look.".to_owned()) },
        Event::PartEnd { choice: 0, part: 0 },
    ];
    for ((name, arguments), part) in calls.iter().zip(1..) {
        let start = PartStart::ToolCall { id: format!("call_{part}"), name: name.clone(), signature: None };
        events.push(Event::PartStart { choice: 0, part, start });
        let text: Vec<char> = arguments.to_string().chars().collect();
        for piece in text.chunks(size) {
            let delta = Delta::Arguments(piece.iter().collect());
            events.push(Event::PartDelta { choice: 0, part, delta });
        }
        events.push(Event::PartEnd { choice: 0, part });
    }
    events.extend([Event::Stop { choice: 0, reason: StopReason::ToolCalls }, Event::End]);
    events
}

/// The calls that a client finds in what was written. `None`: the dialect has no tools.
fn found_by_a_client(client: &dyn ClientDialect, written: &[u8]) -> Option<Vec<Call>> {
    match client.id() {
        DialectId::OpenAiCompletions => None,
        DialectId::OpenAiResponses => Some(calls_of_responses(written)),
        id => {
            let vendor = vendor_dialect(id)?;
            let (mut reader, mut events) = (vendor.stream_reader(), Vec::new());
            reader.read(written, &mut events).unwrap();
            reader.finish(&mut events).unwrap();
            let mut collector = Collector::default();
            for event in events {
                collector.take(event);
            }
            let parts = collector.finish().unwrap().choices.remove(0).parts;
            let calls = parts.into_iter().filter_map(|part| match part.kind {
                PartKind::ToolCall { name, arguments, .. } => Some((name, parsed(&arguments))),
                _ => None,
            });
            Some(calls.collect())
        }
    }
}

fn parsed(arguments: &str) -> Value {
    serde_json::from_str(if arguments.is_empty() { "{}" } else { arguments }).unwrap()
}

/// The pieces of `response.function_call_arguments.delta`, put together by item.
fn calls_of_responses(written: &[u8]) -> Vec<Call> {
    let mut found: Vec<(Value, String, String)> = Vec::new();
    let mut take = |event: bytes::Bytes| {
        let Some(data) = sse::data(&event) else { return };
        let Ok(value) = serde_json::from_slice::<Value>(&data) else { return };
        match value["type"].as_str() {
            Some("response.output_item.added") if value["item"]["type"] == "function_call" => {
                let name = value["item"]["name"].as_str().unwrap().to_owned();
                found.push((value["item"]["id"].clone(), name, String::new()));
            }
            Some("response.function_call_arguments.delta") => {
                let call = found.iter_mut().find(|(id, ..)| *id == value["item_id"]).unwrap();
                call.2.push_str(value["delta"].as_str().unwrap());
            }
            _ => {}
        }
    };
    SseDecoder::default().push(&bytes::Bytes::copy_from_slice(written), &mut take).unwrap();
    found.into_iter().map(|(_, name, arguments)| (name, parsed(&arguments))).collect()
}

fn arguments() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-zA-Z \"\\\\\n/]{0,12}", "\\PC{0,8}"];
    let scalar = prop_oneof![
        text.prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    let value = scalar.prop_recursive(2, 8, 3, |inner| proptest::collection::vec(inner, 0..3).prop_map(Value::from));
    proptest::collection::btree_map("[a-z]{1,5}", value, 0..4).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arguments_arrive_whole_through_every_client_dialect(
        calls in proptest::collection::vec(("[a-z_]{1,8}", arguments()), 1..4),
        size in 1_usize..9,
    ) {
        for client in CLIENT_DIALECTS {
            let (mut writer, mut out) = (client.stream_writer(&asked(client.id())), BytesMut::new());
            for event in stream_of(&calls, size) {
                writer.write(&event, &mut out);
            }
            if let Some(found) = found_by_a_client(*client, &out) {
                prop_assert_eq!(found, calls.clone(), "{}: {}", client.id().name(), String::from_utf8_lossy(&out));
            }
        }
    }
}
