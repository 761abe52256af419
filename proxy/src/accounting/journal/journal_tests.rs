//! What must hold of the journal whatever happens to the process.

use std::io::Write;

use super::*;

fn settings() -> JournalSettings {
    JournalSettings { fsync_interval: Duration::from_millis(10), max_bytes: 1 << 30, on_full: JournalFull::Refuse }
}

fn open(folder: &Path) -> (Journal, Replayed) {
    Journal::open(folder, settings(), true).unwrap()
}

fn event(request_id: &str) -> SpendEvent {
    SpendEvent { event_id: EventId::new(), request_id: request_id.to_owned(), ..SpendEvent::default() }
}

fn ids(events: &[SpendEvent]) -> Vec<&str> {
    events.iter().map(|event| event.request_id.as_str()).collect()
}

#[test]
fn settled_events_are_read_in_order_from_any_place() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    for name in ["a", "b", "c"] {
        journal.settle(&event(name)).unwrap();
    }
    let (first, cursor) = journal.read_after(Cursor::default(), 2).unwrap();
    assert_eq!(ids(&first), ["a", "b"]);
    let (second, end) = journal.read_after(cursor, 2).unwrap();
    assert_eq!(ids(&second), ["c"]);
    assert_eq!(journal.read_after(end, 2).unwrap(), (Vec::new(), end));
    assert_eq!(journal.undelivered(), 3);
}

#[test]
fn a_call_that_was_never_settled_comes_back_as_its_last_record() {
    let folder = tempfile::tempdir().unwrap();
    let (done, cut) = (event("done"), event("cut off"));
    {
        let (journal, _) = open(folder.path());
        journal.open_call(&done).unwrap();
        journal.open_call(&cut).unwrap();
        journal.settle(&done).unwrap();
        let mut further = cut.clone();
        further.usage.output_tokens = 42;
        journal.progress(&further).unwrap();
    }
    let (journal, replayed) = open(folder.path());
    assert_eq!(ids(&replayed.interrupted), ["cut off"]);
    assert_eq!(replayed.interrupted[0].usage.output_tokens, 42);
    assert_eq!(replayed.undelivered, 1);
    let (events, _) = journal.read_after(journal.acknowledged(), 10).unwrap();
    assert_eq!(ids(&events), ["done"]);
}

#[test]
fn what_was_acknowledged_is_not_read_again_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    {
        let (journal, _) = open(folder.path());
        journal.settle(&event("a")).unwrap();
        let (events, cursor) = journal.read_after(Cursor::default(), 10).unwrap();
        journal.acknowledge(cursor, events.len() as u64).unwrap();
        journal.settle(&event("b")).unwrap();
    }
    let (journal, replayed) = open(folder.path());
    assert_eq!(replayed.undelivered, 1);
    let (events, cursor) = journal.read_after(journal.acknowledged(), 10).unwrap();
    assert_eq!(ids(&events), ["b"]);
    journal.acknowledge(cursor, 1).unwrap();
    let (none, end) = journal.read_after(cursor, 10).unwrap();
    assert!(none.is_empty());
    journal.acknowledge(end, 0).unwrap();
    assert_eq!(segment::list(folder.path()).unwrap().len(), 1, "old segments are gone");
}

#[test]
fn a_segment_with_an_open_call_stays_until_the_call_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let long = event("long");
    journal.open_call(&long).unwrap();
    journal.rotate(&mut journal.state.lock()).unwrap();
    journal.settle(&event("short")).unwrap();
    let acknowledge = || {
        let (events, cursor) = journal.read_after(journal.acknowledged(), 10).unwrap();
        journal.acknowledge(cursor, events.len() as u64).unwrap();
        segment::list(folder.path()).unwrap().len()
    };
    assert_eq!(acknowledge(), 2);
    journal.settle(&long).unwrap();
    assert_eq!(acknowledge(), 1);
}

#[test]
fn a_torn_tail_ends_the_segment_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for cut in 1..12 {
        let (journal, _) = open(folder.path());
        let number = journal.state.lock().current.number();
        journal.settle(&event(&format!("whole {cut}"))).unwrap();
        let torn = frame::encode(Kind::Settled, &event("torn")).unwrap();
        drop(journal);
        let mut file = fs::OpenOptions::new().append(true).open(segment::path(folder.path(), number)).unwrap();
        file.write_all(&torn[..torn.len() - cut]).unwrap();
    }
    let (journal, replayed) = open(folder.path());
    assert!(replayed.torn_bytes > 0);
    assert_eq!(replayed.undelivered, 11);
    let (mut all, mut at) = (Vec::new(), journal.acknowledged());
    for _ in 0..40 {
        let (events, next) = journal.read_after(at, 3).unwrap();
        all.extend(events);
        at = next;
    }
    assert_eq!(all.len(), 11, "{:?}", ids(&all));
}

#[test]
fn a_flipped_bit_is_noticed() {
    let mut bytes = frame::encode(Kind::Settled, &event("x")).unwrap();
    assert!(frame::decode(&bytes).is_some());
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        assert!(frame::decode(&bytes).is_none(), "byte {at}");
        bytes[at] ^= 1;
    }
}

#[test]
fn a_full_journal_refuses_new_calls_and_settles_open_ones() {
    let folder = tempfile::tempdir().unwrap();
    let small = JournalSettings { max_bytes: 300, ..settings() };
    let (journal, _) = Journal::open(folder.path(), small, true).unwrap();
    let first = event("first");
    journal.open_call(&first).unwrap();
    assert!(matches!(journal.open_call(&event("second")), Err(JournalError::Full(300))));
    journal.settle(&first).unwrap();
    assert_eq!(journal.lost(), 0);
}

#[test]
fn two_processes_cannot_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (_journal, _) = open(folder.path());
    let error = Journal::open(folder.path(), settings(), true).err().unwrap();
    assert!(error.to_string().contains("in use by another process"), "{error}");
}
