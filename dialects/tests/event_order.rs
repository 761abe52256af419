//! Every reader keeps the order of events that `canonical/event.rs` promises.

use std::collections::{BTreeMap, BTreeSet};

use deltallm_dialects::canonical::{Delta, Event, PartStart};
use deltallm_dialects::dialect::vendor_dialect;

use crate::cases::inputs;

/// What is wrong with the order of these events; they are a whole stream.
pub fn fault(events: &[Event]) -> Option<String> {
    let mut open: BTreeMap<u32, (u32, PartStart)> = BTreeMap::new();
    let mut parts: BTreeMap<u32, u32> = BTreeMap::new();
    let mut stopped = BTreeSet::new();
    let (mut is_started, mut is_over) = (false, false);
    for (at, event) in events.iter().enumerate() {
        let wrong = |what: &str| Some(format!("event {at} ({event:?}): {what}"));
        if is_over {
            return wrong("comes after the last");
        }
        let is_free = matches!(event, Event::Start { .. } | Event::Ping | Event::Error(_));
        if !is_started && !is_free {
            return wrong("comes before `Start`");
        }
        match event {
            Event::Start { .. } if is_started => return wrong("a second `Start`"),
            Event::Start { .. } => is_started = true,
            Event::PartStart { choice, part, start } => {
                let next = parts.entry(*choice).or_default();
                if part != next || open.contains_key(choice) || stopped.contains(choice) {
                    return wrong("its number is not the next, another part is open, or the choice has stopped");
                }
                *next += 1;
                open.insert(*choice, (*part, start.clone()));
            }
            Event::PartDelta { choice, part, delta } => match open.get(choice) {
                Some((number, start)) if number == part && fits(start, delta) => {}
                _ => return wrong("goes to no open part of its kind"),
            },
            Event::PartEnd { choice, part } => match open.remove(choice) {
                Some((number, _)) if number == *part => {}
                _ => return wrong("ends a part that is not open"),
            },
            Event::Stop { choice, .. } => {
                if open.contains_key(choice) || !stopped.insert(*choice) {
                    return wrong("a part is open, or the choice has stopped before");
                }
            }
            Event::End if !open.is_empty() => return wrong("a part is open"),
            Event::End | Event::Error(_) => is_over = true,
            Event::Logprobs { .. } | Event::Usage(_) | Event::Ping => {}
        }
    }
    (!is_over).then(|| "there is no `End`".to_owned())
}

fn fits(start: &PartStart, delta: &Delta) -> bool {
    match delta {
        Delta::Text(_) => matches!(start, PartStart::Text | PartStart::Reasoning | PartStart::Refusal),
        Delta::Arguments(_) => matches!(start, PartStart::ToolCall { .. }),
        Delta::Signature(_) => matches!(start, PartStart::Reasoning | PartStart::ToolCall { .. }),
        Delta::Citation(_) => matches!(start, PartStart::Text),
    }
}

#[test]
fn golden_streams_give_events_in_order() {
    for case in inputs("streams") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        let (mut reader, mut events) = (vendor.stream_reader(), Vec::new());
        reader.read(&case.bytes, &mut events).unwrap();
        reader.finish(&mut events).unwrap();
        assert_eq!(fault(&events), None, "{}.{}", case.name, case.dialect.name());
    }
}

#[test]
fn golden_answers_taken_apart_give_events_in_order() {
    for case in inputs("answers") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        let events = vendor.read_answer(&case.bytes).unwrap().into_events();
        assert_eq!(fault(&events), None, "{}.{}", case.name, case.dialect.name());
    }
}
