//! What earlier processes left: which calls were never settled, and how far they were.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

use deltallm_shared::{event::SpendEvent, ids::EventId};

use super::{Cursor, frame::Kind, segment};

/// The state of a journal's folder at start.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Calls that began and never ended, as their last record says.
    pub interrupted: Vec<SpendEvent>,
    /// Settled records that were not acknowledged.
    pub undelivered: u64,
    /// Bytes at the ends of segments that are no whole records.
    pub torn_bytes: u64,
    pub(super) sizes: BTreeMap<u64, u64>,
}

pub fn read_folder(folder: &Path, acknowledged: Cursor) -> io::Result<Replayed> {
    let mut replayed = Replayed::default();
    let mut open: HashMap<EventId, SpendEvent> = HashMap::new();
    for (number, len) in segment::list(folder)? {
        let whole = segment::for_each(folder, number, |end, kind, event| match kind {
            Kind::Open | Kind::Progress => {
                open.insert(event.event_id, event);
            }
            Kind::Settled => {
                open.remove(&event.event_id);
                let is_new =
                    number > acknowledged.segment || (number == acknowledged.segment && end > acknowledged.offset);
                replayed.undelivered += u64::from(is_new);
            }
        })?;
        replayed.torn_bytes += len.saturating_sub(whole);
        replayed.sizes.insert(number, len);
    }
    replayed.interrupted = open.into_values().collect();
    replayed.interrupted.sort_by_key(|event| event.event_id);
    Ok(replayed)
}
