//! Where a vendor's stream says the same as its whole answer, both are read to the same.

use deltallm_dialects::canonical::{Answer, Collector};
use deltallm_dialects::dialect::{DialectId, vendor_dialect};

use crate::cases::{Case, inputs};

fn streamed(case: &Case) -> Answer {
    let (mut reader, mut events) = (vendor_dialect(case.dialect).unwrap().stream_reader(), Vec::new());
    reader.read(&case.bytes, &mut events).unwrap();
    reader.finish(&mut events).unwrap();
    let mut collector = Collector::default();
    for event in events {
        collector.take(event);
    }
    collector.finish().unwrap()
}

fn check(vendor: DialectId) {
    let streams = inputs("streams");
    let mut checked = 0;
    for case in inputs("answers").iter().filter(|case| case.dialect == vendor) {
        let same = |other: &&Case| other.dialect == vendor && other.name == case.name;
        let Some(stream) = streams.iter().find(same) else { continue };
        let whole = vendor_dialect(vendor).unwrap().read_answer(&case.bytes).unwrap();
        let streamed = streamed(stream);
        assert_eq!(streamed.choices, whole.choices, "{}", case.name);
        assert_eq!(streamed.usage, whole.usage, "{}", case.name);
        checked += 1;
    }
    assert!(checked >= 9, "only {checked} cases are there in both forms");
}

#[test]
fn bedrock_says_the_same_in_a_stream() {
    check(DialectId::BedrockConverse);
}

#[test]
fn cohere_says_the_same_in_a_stream() {
    check(DialectId::CohereChat);
}
