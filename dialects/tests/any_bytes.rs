//! Nothing that comes from a network makes a reader panic: neither noise nor a golden file with a hole in it.

use std::collections::BTreeSet;

use bytes::BytesMut;
use deltallm_dialects::canonical::{Collector, Event, Unsupported};
use deltallm_dialects::dialect::{
    CLIENT_DIALECTS, StreamReader, VENDOR_DIALECTS, VendorDialect, client_dialect, vendor_dialect,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::cases::{Case, asked, inputs, path_model};

/// Everything that can be done with a stream's bytes; what was read is written by every client dialect too.
fn read_stream(vendor: &dyn VendorDialect, bytes: &[u8]) {
    let (mut reader, mut events): (Box<dyn StreamReader>, Vec<Event>) = (vendor.stream_reader(), Vec::new());
    let _ = bytes.chunks(97).try_for_each(|piece| reader.read(piece, &mut events));
    let _ = reader.finish(&mut events);
    for client in CLIENT_DIALECTS {
        let (mut writer, mut out) = (client.stream_writer(&asked(client.id())), BytesMut::new());
        for event in &events {
            writer.write(event, &mut out);
        }
    }
    let mut collector = Collector::default();
    for event in events {
        collector.take(event);
    }
    let _ = collector.finish();
}

fn read_answer(vendor: &dyn VendorDialect, bytes: &[u8]) {
    let Ok(answer) = vendor.read_answer(bytes) else { return };
    for client in CLIENT_DIALECTS {
        client.write_answer(&answer, &asked(client.id()));
    }
}

fn read_request(case: &Case, bytes: &[u8]) {
    let Some(client) = client_dialect(case.dialect) else { return };
    let Ok(request) = client.read_request(bytes, path_model(client.id()), false) else { return };
    for vendor in VENDOR_DIALECTS {
        for drops in [false, true] {
            let _ = vendor.write_request(&request, &mut Unsupported::new("acme", drops));
        }
    }
}

/// One byte another, a piece cut out, or a piece twice.
fn damaged(bytes: &[u8], kind: u8, from: Index, to: Index, byte: u8) -> Vec<u8> {
    let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
    let (from, to) = (from.min(to), from.max(to));
    let (head, middle, tail) = (&bytes[..from], &bytes[from..to], &bytes[to..]);
    match kind % 3 {
        0 => [head, &[byte], tail.get(1..).unwrap_or_default()].concat(),
        1 => [head, tail].concat(),
        _ => [head, middle, middle, tail].concat(),
    }
}

/// The JSON with its `place`-th value another; `place` is `None` afterwards where there was one.
fn replaced(value: &Value, place: &mut Option<usize>, by: &Value) -> Value {
    if *place == Some(0) {
        *place = None;
        return by.clone();
    }
    *place = place.map(|place| place - 1);
    match value {
        Value::Array(items) => items.iter().map(|item| replaced(item, place, by)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, item)| (name.clone(), replaced(item, place, by))).collect()
        }
        other => other.clone(),
    }
}

fn stand_ins() -> [Value; 10] {
    [
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("\u{0}é"),
        json!([]),
        json!({}),
        json!([{"type": "text"}, null, [[]]]),
    ]
}

/// Each value of the JSON in turn replaced by each stand-in.
fn with_stand_ins(bytes: &[u8], stand_ins: &[Value], mut check: impl FnMut(&[u8])) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    for by in stand_ins {
        for start in 0.. {
            let mut place = Some(start);
            let other = replaced(&value, &mut place, by);
            if place.is_some() {
                break;
            }
            check(other.to_string().as_bytes());
        }
    }
}

#[test]
fn golden_requests_with_any_value_replaced_never_panic() {
    for case in inputs("requests") {
        with_stand_ins(&case.bytes, &stand_ins(), |bytes| read_request(&case, bytes));
    }
}

#[test]
fn golden_answers_and_errors_with_any_value_replaced_never_panic() {
    for case in inputs("answers") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        with_stand_ins(&case.bytes, &stand_ins(), |bytes| read_answer(vendor, bytes));
    }
    for case in inputs("errors") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        with_stand_ins(&case.bytes, &stand_ins(), |bytes| drop(vendor.read_error(case.status, bytes)));
    }
}

#[test]
fn golden_streams_with_any_value_replaced_never_panic() {
    // Most events look the same; one of each look is enough.
    let mut seen = BTreeSet::new();
    let stand_ins = [Value::Null, json!(-1), json!("é"), json!([{}]), json!({"type": [null]})];
    for case in inputs("streams") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        let Ok(text) = std::str::from_utf8(&case.bytes) else { continue };
        for line in text.lines() {
            let Some(payload) = line.strip_prefix("data: ") else { continue };
            if !seen.insert((case.dialect.name(), look(payload))) {
                continue;
            }
            with_stand_ins(payload.as_bytes(), &stand_ins, |bytes| {
                let damaged = text.replacen(payload, &String::from_utf8_lossy(bytes), 1);
                read_stream(vendor, damaged.as_bytes());
            });
        }
    }
}

/// The JSON without what stands in its strings and numbers.
fn look(payload: &str) -> String {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(members) => members.iter().map(|(name, item)| (name.clone(), plain(item))).collect(),
            Value::String(_) => "".into(),
            Value::Number(_) => 0.into(),
            other => other.clone(),
        }
    }
    serde_json::from_str(payload).map(|value| plain(&value).to_string()).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..512), json in "[\\[{}\\]\",:a-z0-9 \n]{0,64}") {
        for bytes in [noise.as_slice(), json.as_bytes(), format!("data: {json}\n\n").as_bytes()] {
            for client in CLIENT_DIALECTS {
                let _ = client.read_request(bytes, path_model(client.id()), true);
            }
            for vendor in VENDOR_DIALECTS {
                read_stream(*vendor, bytes);
                read_answer(*vendor, bytes);
                vendor.read_error(500, bytes);
            }
        }
    }

    #[test]
    fn damaged_golden_files_never_panic(kind: u8, from: Index, to: Index, byte: u8) {
        for case in inputs("requests") {
            read_request(&case, &damaged(&case.bytes, kind, from, to, byte));
        }
        for case in inputs("answers") {
            let Some(vendor) = vendor_dialect(case.dialect) else { continue };
            read_answer(vendor, &damaged(&case.bytes, kind, from, to, byte));
        }
        for case in inputs("streams") {
            let Some(vendor) = vendor_dialect(case.dialect) else { continue };
            read_stream(vendor, &damaged(&case.bytes, kind, from, to, byte));
        }
        for case in inputs("errors") {
            let Some(vendor) = vendor_dialect(case.dialect) else { continue };
            vendor.read_error(case.status, &damaged(&case.bytes, kind, from, to, byte));
        }
    }
}
