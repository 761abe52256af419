//! However the network cuts a stream, the same events come out; and a stream that breaks off is told from a whole one.

use deltallm_dialects::canonical::Event;
use deltallm_dialects::dialect::{DialectId, Unreadable, vendor_dialect};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::cases::inputs;

/// The events of a stream that comes in these pieces, and how it ended.
fn read(vendor: DialectId, pieces: &[&[u8]]) -> (Vec<Event>, Result<(), Unreadable>) {
    let (mut reader, mut events) = (vendor_dialect(vendor).unwrap().stream_reader(), Vec::new());
    let read = pieces.iter().try_for_each(|piece| reader.read(piece, &mut events));
    let end = read.and_then(|()| reader.finish(&mut events));
    (events, end)
}

fn cut_at<'a>(bytes: &'a [u8], places: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let (mut pieces, mut from) = (Vec::new(), 0);
    for place in places {
        pieces.push(&bytes[from..place]);
        from = place;
    }
    pieces.push(&bytes[from..]);
    pieces
}

#[test]
fn a_stream_byte_by_byte_gives_the_same_events() {
    for case in inputs("streams").iter().filter(|case| vendor_dialect(case.dialect).is_some()) {
        let whole = read(case.dialect, &[&case.bytes]);
        let single: Vec<&[u8]> = case.bytes.chunks(1).collect();
        assert_eq!(read(case.dialect, &single), whole, "{}.{}", case.name, case.dialect.name());
    }
}

#[test]
fn a_stream_that_breaks_off_is_no_whole_answer() {
    for case in inputs("streams").iter().filter(|case| vendor_dialect(case.dialect).is_some()) {
        let whole = read(case.dialect, &[&case.bytes]).0;
        if matches!(whole.last(), Some(Event::Error(_))) {
            continue;
        }
        // The vendor's own end never stands in the first third.
        for end in 0..case.bytes.len() / 3 {
            let (events, result) = read(case.dialect, &[&case.bytes[..end]]);
            let name = format!("{}.{} cut at {end}", case.name, case.dialect.name());
            assert!(result.is_err(), "{name}: {events:?}");
            assert!(!events.contains(&Event::End), "{name}: {events:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_any_stream_gives_the_same_events(places in proptest::collection::vec(any::<Index>(), 0..12)) {
        for case in inputs("streams").iter().filter(|case| vendor_dialect(case.dialect).is_some()) {
            let whole = read(case.dialect, &[&case.bytes]);
            let cut = read(case.dialect, &cut_at(&case.bytes, &places));
            prop_assert_eq!(cut, whole, "{}.{}", case.name, case.dialect.name());
        }
    }
}
