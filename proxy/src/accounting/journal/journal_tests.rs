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

#[test]
fn a_record_that_could_not_be_read_again_is_refused_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    journal.settle(&event("before")).unwrap();
    let huge = SpendEvent { model: "x".repeat(2 << 20), ..event("huge") };
    assert!(matches!(journal.settle(&huge), Err(JournalError::Encode(_))));
    journal.settle(&event("after")).unwrap();
    let (events, _) = journal.read_after(Cursor::default(), 10).unwrap();
    assert_eq!(ids(&events), ["before", "after"]);
}

#[test]
fn settled_records_behind_megabytes_of_open_ones_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let big = SpendEvent { model: "x".repeat(500_000), ..SpendEvent::default() };
    for _ in 0..20 {
        journal.progress(&SpendEvent { event_id: EventId::new(), ..big.clone() }).unwrap();
    }
    journal.settle(&event("behind")).unwrap();
    journal.rotate(&mut journal.state.lock()).unwrap();
    journal.settle(&event("next segment")).unwrap();
    let (first, at) = journal.read_after(Cursor::default(), 10).unwrap();
    let (second, _) = journal.read_after(at, 10).unwrap();
    assert_eq!((ids(&first), ids(&second)), (vec!["behind"], vec!["next segment"]));
}

#[test]
fn progress_frees_the_segments_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let long = event("long");
    journal.open_call(&long).unwrap();
    journal.rotate(&mut journal.state.lock()).unwrap();
    journal.progress(&long).unwrap();
    journal.settle(&event("short")).unwrap();
    let (events, cursor) = journal.read_after(Cursor::default(), 10).unwrap();
    journal.acknowledge(cursor, events.len() as u64).unwrap();
    assert_eq!(segment::list(folder.path()).unwrap().len(), 1);
    drop(journal);
    assert_eq!(ids(&open(folder.path()).1.interrupted), ["long"]);
}

#[test]
fn what_was_delivered_takes_no_room_and_a_refused_call_none_either() {
    let folder = tempfile::tempdir().unwrap();
    let small = JournalSettings { max_bytes: 1500, ..settings() };
    let (journal, _) = Journal::open(folder.path(), small, true).unwrap();
    let pinned = event("pinned");
    journal.open_call(&pinned).unwrap();
    while journal.settle(&event("refused")).is_ok() {}
    let size = journal.size_bytes();
    assert!(journal.settle(&event("refused")).is_err() && journal.size_bytes() == size, "full is full");
    journal.rotate(&mut journal.state.lock()).unwrap();
    let (events, cursor) = journal.read_after(Cursor::default(), 100).unwrap();
    let (_, end) = journal.read_after(cursor, 100).unwrap();
    journal.acknowledge(end, events.len() as u64).unwrap();
    journal.open_call(&event("welcome again")).unwrap();
}

#[test]
fn a_full_journal_that_serves_takes_no_more_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let small = JournalSettings { max_bytes: 100, on_full: JournalFull::Serve, ..settings() };
    let (journal, _) = Journal::open(folder.path(), small, true).unwrap();
    while journal.size_bytes() < 100 {
        journal.settle(&event("fills it")).unwrap();
    }
    let (size, call) = (journal.size_bytes(), event("served"));
    journal.open_call(&call).unwrap();
    assert!(journal.settle(&call).is_err());
    assert_eq!((journal.size_bytes(), journal.lost()), (size, 1));
}

#[test]
fn what_a_failed_rotation_left_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let next = journal.state.lock().current.number() + 1;
    fs::write(segment::path(folder.path(), next), "deltal").unwrap();
    journal.rotate(&mut journal.state.lock()).unwrap();
    journal.settle(&event("a")).unwrap();
    let (events, _) = journal.read_after(Cursor::default(), 10).unwrap();
    assert_eq!(ids(&events), ["a"]);
}

#[test]
fn what_the_file_system_refused_is_appended_by_the_next_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    journal.waiting.lock().push(event("refused before"));
    journal.sync().unwrap();
    let (events, _) = journal.read_after(Cursor::default(), 10).unwrap();
    assert_eq!(ids(&events), ["refused before"]);
    assert!(journal.waiting.lock().is_empty());
}
