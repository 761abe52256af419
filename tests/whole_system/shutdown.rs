//! SIGTERM: no new calls, the open ones end as they would have.

use deltallm_tests::{Event, System, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_open_streams_end() {
    let mut system = System::start().await;
    let (caller, _) = system.caller_with_new_key("drain").await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = caller.stream("chunks=30,gap_ms=50").await;
        stream.next_texts(1).await;
        streams.push(stream);
    }
    system.proxy().ask_to_stop();
    for stream in streams {
        let events = stream.rest().await;
        let words = events.iter().filter(|event| !event.text().is_empty()).count();
        assert_eq!((words, events.last()), (29, Some(&Event::Done)), "{events:?}");
    }
    let status = system.proxy_mut().wait_for_end();
    assert_eq!(status.code(), Some(0));

    // What the drained proxy had not shipped yet, its successor does.
    system.crash_proxy();
    let books = system.books().await;
    wait_until("five completed calls stand in the database", 5, || async {
        books.all().await.iter().filter(|row| row.outcome == "completed").count()
    })
    .await;
    assert_eq!(books.all().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_without_calls_ends_at_once() {
    let mut system = System::builder().alone().start().await;
    let begun = std::time::Instant::now();
    system.proxy().ask_to_stop();
    assert_eq!(system.proxy_mut().wait_for_end().code(), Some(0));
    assert!(begun.elapsed().as_secs() < 5, "an idle proxy took {:?} to end", begun.elapsed());
}
