//! Parts of a stream whose items overlap: one is told after the other, as the canonical order wants it. What belongs to a later
//! one waits.

use std::collections::VecDeque;

use crate::canonical::{Delta, Event, PartStart};
use crate::dialect::Unreadable;
use crate::sse::MAX_EVENT_BYTES;

/// Where a part stands: its item, and its content in the item.
pub(super) type Place = (u32, u32);

/// Parts that have begun and are not told to their end. The first one is told as it comes.
#[derive(Debug, Default)]
pub(super) struct Parts {
    open: VecDeque<Open>,
    /// The number of the first one.
    number: u32,
    /// How much waits.
    held_bytes: usize,
}

#[derive(Debug)]
struct Open {
    place: Place,
    /// What waits.
    held: Vec<Held>,
    has_deltas: bool,
    is_ended: bool,
}

#[derive(Debug)]
enum Held {
    Start(PartStart),
    Delta(Delta),
}

impl Parts {
    /// Whether a part is open there.
    pub fn is_open(&self, place: Place) -> bool {
        self.open.iter().any(|part| part.place == place && !part.is_ended)
    }

    /// Whether a part is open there of which nothing has come.
    pub fn is_empty(&self, place: Place) -> bool {
        self.open.iter().any(|part| part.place == place && !part.is_ended && !part.has_deltas)
    }

    /// Begins a part.
    pub fn start(&mut self, place: Place, start: PartStart, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let mut part = Open { place, held: Vec::new(), has_deltas: false, is_ended: false };
        if self.open.is_empty() {
            events.push(Event::PartStart { choice: 0, part: self.number, start });
        } else {
            part.held.push(Held::Start(start));
            self.hold(size_of::<Open>())?;
        }
        self.open.push_back(part);
        Ok(())
    }

    /// Adds to a part that is open; else nothing happens.
    pub fn delta(&mut self, place: Place, delta: Delta, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(at) = self.open.iter().position(|part| part.place == place && !part.is_ended) else { return Ok(()) };
        self.open[at].has_deltas = true;
        if at == 0 {
            events.push(Event::PartDelta { choice: 0, part: self.number, delta });
            return Ok(());
        }
        let size = match &delta {
            Delta::Text(text) | Delta::Arguments(text) | Delta::Signature(text) => text.len(),
            Delta::Citation(_) => 0,
        };
        self.open[at].held.push(Held::Delta(delta));
        self.hold(size + size_of::<Held>())
    }

    /// Ends a part, and tells what waited for that.
    pub fn end(&mut self, place: Place, events: &mut Vec<Event>) {
        if let Some(part) = self.open.iter_mut().find(|part| part.place == place && !part.is_ended) {
            part.is_ended = true;
        }
        while self.open.front().is_some_and(|first| first.is_ended) {
            self.open.pop_front();
            events.push(Event::PartEnd { choice: 0, part: self.number });
            self.number = self.number.saturating_add(1);
            let part = self.number;
            let Some(next) = self.open.front_mut() else {
                self.held_bytes = 0;
                return;
            };
            events.extend(next.held.drain(..).map(|held| match held {
                Held::Start(start) => Event::PartStart { choice: 0, part, start },
                Held::Delta(delta) => Event::PartDelta { choice: 0, part, delta },
            }));
        }
    }

    /// Ends every part of an item; of all items for `None`.
    pub fn end_item(&mut self, item: Option<u32>, events: &mut Vec<Event>) {
        let is_meant = |part: &&Open| !part.is_ended && item.is_none_or(|item| part.place.0 == item);
        while let Some(place) = self.open.iter().find(is_meant).map(|part| part.place) {
            self.end(place, events);
        }
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Unreadable> {
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        if self.held_bytes > MAX_EVENT_BYTES { Err(Unreadable::new("too much of it overlaps")) } else { Ok(()) }
    }
}
