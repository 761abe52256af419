//! The spend journal: segments of checksummed records, appended before a call and after it.
//!
//! A record is on file when [`Journal::append`] returns: the kernel has it, `kill -9` does not undo it. A thread syncs to disk
//! in groups. [`replay`] reads what an earlier process left; [`Journal::read_after`] is what the shipper reads from. A segment
//! is deleted, oldest first, once all its calls are settled and everything in it is acknowledged.

mod frame;
mod replay;
mod segment;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use deltallm_shared::{config::JournalFull, config::JournalSettings, event::SpendEvent, ids::EventId};
pub use frame::Kind;
use parking_lot::Mutex;
pub use replay::Replayed;
use segment::Segment;
use tokio::sync::Notify;

/// A new segment begins when the current one is larger.
const SEGMENT_BYTES: u64 = 16 << 20;
/// How many settled records wait in memory while the file system refuses them.
const MAX_WAITING: usize = 100_000;
const CURSOR_FILE: &str = "cursor";

/// Why a record could not be appended.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The stated limit is reached and the policy is to refuse.
    #[error("the journal holds its maximum of {0} bytes that were not delivered yet")]
    Full(u64),
    /// The file system said no.
    #[error("the journal cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// An event that cannot be written as JSON.
    #[error("the event cannot be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

/// A place in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The segment's number.
    pub segment: u64,
    /// Bytes from its start.
    pub offset: u64,
}

/// The journal of one proxy.
pub struct Journal {
    folder: PathBuf,
    settings: JournalSettings,
    /// Without an admin service nothing is ever acknowledged: the oldest segments go when the limit is reached.
    is_shipped: bool,
    state: Mutex<State>,
    /// Wakes the shipper.
    appended: Notify,
    dirty: AtomicBool,
    undelivered: AtomicU64,
    lost: AtomicU64,
    /// Settled records that the file system refused.
    waiting: Mutex<Vec<SpendEvent>>,
    _lock: fs::File,
}

struct State {
    current: Segment,
    /// Sizes of all segments, the current one included.
    sizes: BTreeMap<u64, u64>,
    /// Calls without a settled record, and the segment that their open record stands in.
    open: HashMap<EventId, u64>,
    acknowledged: Cursor,
}

impl Journal {
    /// Opens the journal in a folder that no other process uses, and says what earlier processes left unsettled.
    pub fn open(folder: &Path, settings: JournalSettings, is_shipped: bool) -> Result<(Self, Replayed), JournalError> {
        fs::create_dir_all(folder)?;
        let lock = lock_folder(folder)?;
        let acknowledged = read_cursor(folder);
        let replayed = replay::read_folder(folder, acknowledged)?;
        let number =
            replayed.sizes.keys().next_back().map_or(acknowledged.segment, |last| *last).max(acknowledged.segment) + 1;
        let current = Segment::create(folder, number)?;
        let mut sizes = replayed.sizes.clone();
        sizes.insert(number, current.len());
        let state = State { current, sizes, open: HashMap::new(), acknowledged };
        let journal = Self {
            folder: folder.to_owned(),
            settings,
            is_shipped,
            state: Mutex::new(state),
            appended: Notify::new(),
            dirty: AtomicBool::new(false),
            undelivered: AtomicU64::new(replayed.undelivered),
            lost: AtomicU64::new(0),
            waiting: Mutex::default(),
            _lock: lock,
        };
        Ok((journal, replayed))
    }

    /// Appends the record that a call begins: the event as it stands if nothing else is ever heard of it.
    pub fn open_call(&self, event: &SpendEvent) -> Result<(), JournalError> {
        self.append(Kind::Open, event)
    }

    /// Appends how far an open call is, so that a kill loses little of a long stream.
    pub fn progress(&self, event: &SpendEvent) -> Result<(), JournalError> {
        self.append(Kind::Progress, event)
    }

    /// Appends the final record of a call. What the file system refuses now is kept and tried again by the syncing thread.
    pub fn settle(&self, event: &SpendEvent) -> Result<(), JournalError> {
        let result = self.append_settled(event);
        if let Err(error) = &result {
            let mut waiting = self.waiting.lock();
            if matches!(error, JournalError::Io(_)) && waiting.len() < MAX_WAITING {
                waiting.push(event.clone());
            } else {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        result
    }

    fn append_settled(&self, event: &SpendEvent) -> Result<(), JournalError> {
        self.append(Kind::Settled, event)?;
        self.undelivered.fetch_add(1, Ordering::Relaxed);
        self.appended.notify_one();
        Ok(())
    }

    /// Tries again what could not be appended; what still cannot keeps waiting.
    fn append_waiting(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        for event in waiting {
            if self.append_settled(&event).is_err() {
                self.waiting.lock().push(event);
            }
        }
    }

    fn append(&self, kind: Kind, event: &SpendEvent) -> Result<(), JournalError> {
        let frame = frame::encode(kind, event)?;
        let mut state = self.state.lock();
        // A call that was let in with a record is always settled: only what has none yet is refused when the journal is full.
        if !state.open.contains_key(&event.event_id) && !self.has_room(&mut state) {
            return match (kind, self.settings.on_full) {
                (Kind::Open, JournalFull::Serve) => Ok(()),
                _ => Err(JournalError::Full(self.settings.max_bytes)),
            };
        }
        if state.current.len() > SEGMENT_BYTES
            && let Err(error) = self.rotate(&mut state)
        {
            // The current segment is still good: a long segment loses nothing.
            tracing::error!(%error, "no new journal segment can be made");
        }
        state.current.append(&frame)?;
        let (number, len) = (state.current.number(), state.current.len());
        state.sizes.insert(number, len);
        match kind {
            // The newest record of a call is enough to take it over, so older segments need not stay for it.
            Kind::Open | Kind::Progress => {
                state.open.insert(event.event_id, number);
            }
            Kind::Settled => {
                state.open.remove(&event.event_id);
            }
        }
        drop(state);
        self.dirty.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the records that were not delivered yet leave room; what was delivered and has to stay does not count.
    fn has_room(&self, state: &mut State) -> bool {
        let from = if self.is_shipped { state.acknowledged.segment } else { 0 };
        let total: u64 = state.sizes.range(from..).map(|(_, bytes)| bytes).sum();
        if total >= self.settings.max_bytes && !self.is_shipped {
            self.drop_oldest(state);
            return true;
        }
        total < self.settings.max_bytes
    }

    /// Stand-alone: the journal is a ring of the newest records.
    fn drop_oldest(&self, state: &mut State) {
        let current = state.current.number();
        let Some((&oldest, _)) = state.sizes.iter().next().filter(|(number, _)| **number != current) else { return };
        if segment::remove(&self.folder, oldest).is_ok() {
            state.sizes.remove(&oldest);
        }
    }

    fn rotate(&self, state: &mut State) -> Result<(), JournalError> {
        let next = Segment::create(&self.folder, state.current.number() + 1)?;
        state.sizes.insert(next.number(), next.len());
        if let Err(error) = std::mem::replace(&mut state.current, next).sync() {
            tracing::error!(%error, "a finished journal segment could not be synced to disk");
        }
        Ok(())
    }

    /// The settled events after a place, at most `max_events`, and the place after them.
    pub fn read_after(&self, from: Cursor, max_events: usize) -> Result<(Vec<SpendEvent>, Cursor), JournalError> {
        let (sizes, current) = {
            let state = self.state.lock();
            (state.sizes.clone(), state.current.number())
        };
        let mut at = from;
        for (&number, &len) in sizes.range(from.segment..) {
            if number > at.segment {
                at = Cursor { segment: number, offset: 0 };
            }
            // One read takes a part of the segment; a part without a settled record is no reason to leave the rest.
            while at.offset < len {
                let (events, offset) = segment::read_settled(&self.folder, number, at.offset, len, max_events)?;
                at.offset = offset;
                if !events.is_empty() {
                    return Ok((events, at));
                }
            }
            if number == current {
                break;
            }
        }
        Ok((Vec::new(), at))
    }

    /// Everything before `cursor` has arrived: remembers it and deletes the segments that are done with.
    pub fn acknowledge(&self, cursor: Cursor, events: u64) -> Result<(), JournalError> {
        write_cursor(&self.folder, cursor)?;
        self.undelivered.fetch_sub(events.min(self.undelivered.load(Ordering::Relaxed)), Ordering::Relaxed);
        let mut state = self.state.lock();
        state.acknowledged = cursor;
        while let Some((&oldest, _)) = state.sizes.first_key_value() {
            let in_use = oldest >= cursor.segment
                || oldest == state.current.number()
                || state.open.values().any(|segment| *segment == oldest);
            if in_use {
                break;
            }
            segment::remove(&self.folder, oldest)?;
            state.sizes.remove(&oldest);
        }
        Ok(())
    }

    /// Where the last acknowledgement stands.
    pub fn acknowledged(&self) -> Cursor {
        self.state.lock().acknowledged
    }

    /// Waits until something is settled, or for `at_most`.
    pub async fn wait(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.appended.notified()).await;
    }

    /// Settled records that have not arrived yet.
    pub fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// Calls that are under way.
    pub fn open_calls(&self) -> usize {
        self.state.lock().open.len()
    }

    /// Final records that could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Bytes on file.
    pub fn size_bytes(&self) -> u64 {
        self.state.lock().sizes.values().sum()
    }

    /// Appends what is still waiting and writes to disk what has been appended since the last time.
    pub fn sync(&self) -> Result<(), JournalError> {
        self.append_waiting();
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        // The handle is cloned, so that appends go on while the disk works.
        let file = self.state.lock().current.handle()?;
        Ok(file.sync_data()?)
    }

    /// Starts the thread that syncs in groups.
    pub fn start_syncing(self: &Arc<Self>) -> std::io::Result<()> {
        let journal = Arc::clone(self);
        std::thread::Builder::new().name("journal-sync".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(journal.settings.fsync_interval);
                if let Err(error) = journal.sync() {
                    // After a failed fsync the kernel may have dropped the pages: this segment is not trusted any further.
                    tracing::error!(%error, "the journal could not be synced to disk; a new segment is begun");
                    let mut state = journal.state.lock();
                    if let Err(error) = journal.rotate(&mut state) {
                        tracing::error!(%error, "no new journal segment can be made");
                    }
                }
            }
        })?;
        Ok(())
    }
}

/// Two processes on one journal would delete each other's records.
fn lock_folder(folder: &Path) -> Result<fs::File, JournalError> {
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    file.try_lock().map_err(|_| {
        let text = format!("{} is in use by another process", folder.display());
        std::io::Error::new(std::io::ErrorKind::ResourceBusy, text)
    })?;
    Ok(file)
}

fn read_cursor(folder: &Path) -> Cursor {
    fs::read(folder.join(CURSOR_FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn write_cursor(folder: &Path, cursor: Cursor) -> Result<(), JournalError> {
    let next = folder.join("cursor.next");
    fs::write(&next, serde_json::to_vec(&cursor)?)?;
    Ok(fs::rename(next, folder.join(CURSOR_FILE))?)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
