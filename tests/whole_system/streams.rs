//! Streams that do not end as planned.

use deltallm_tests::{Event, INPUT_NANO_USD, OUTPUT_NANO_USD, System, eventually, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn client_that_leaves_stops_the_upstream_and_pays_for_what_was_made() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("leaver").await;
    let mut stream = caller.stream("chunks=1000,gap_ms=20,tag=left").await;
    let id = stream.header("x-request-id").to_owned();
    stream.next_texts(5).await;
    drop(stream);

    let upstream = &system.upstream;
    wait_until("the upstream sees that nobody listens", 1, || async { upstream.tally_of("left").await.closed_early })
        .await;
    let made = upstream.tally_of("left").await.chunks_written;
    assert!(made < 200, "the upstream wrote on for a long time: {made} chunks");

    let books = system.books().await;
    let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!(row.outcome, "client_closed");
    let made = i64::try_from(made).unwrap();
    assert!((5..=made + 1).contains(&row.output_tokens), "5 tokens were read, {made} made: {row:?}");
    let cost = row.input_tokens * INPUT_NANO_USD + row.output_tokens * OUTPUT_NANO_USD;
    assert_eq!(row.cost_nano_usd, Some(cost));
    assert!(row.input_tokens > 0, "the prompt was read: {row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn upstream_that_dies_in_a_stream_is_said_to_the_client() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("cut").await;
    for fault in ["reset_after_chunks=3", "close_after_chunks=3", "error_after_chunks=3"] {
        let stream = caller.stream(&format!("chunks=50,{fault}")).await;
        assert_eq!(stream.status, 200, "{fault}");
        let id = stream.header("x-request-id").to_owned();
        let events = stream.rest().await;
        let text: String = events.iter().map(Event::text).collect();
        assert_eq!(text, " the model said", "{fault}");
        let errors: Vec<_> = events.iter().filter_map(Event::error).collect();
        assert_eq!(errors.len(), 1, "{fault}: {events:?}");
        assert_eq!(errors[0]["code"], "upstream_error", "{fault}");
        assert!(errors[0]["message"].is_string(), "{fault}");

        let books = system.books().await;
        let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() });
        let row = row.await;
        assert_eq!(row.outcome, "upstream_error", "{fault}");
        assert!(row.output_tokens >= 2, "what was made is billed: {row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upstream_that_falls_silent_is_given_up() {
    let system = System::builder()
        .model(|upstream| deltallm_tests::model_entry("impatient", "m", upstream, &["stream_timeout: 1s"]))
        .start()
        .await;
    let (caller, _) = system.caller_with_new_key("silence").await;
    let body = serde_json::json!({ "model": "impatient", "stream": true, "messages": [{ "role": "user", "content": "hi" }],
                                   "user": "mock-opts:{chunks=9,stall_after_chunks=2,tag=silent}" });
    let events = caller.stream_with(&body).await.rest().await;
    let error = events.iter().find_map(Event::error);
    assert_eq!(error.map(|error| error["code"].clone()), Some("upstream_timeout".into()), "{events:?}");
    let upstream = &system.upstream;
    wait_until("the silent upstream is left", 1, || async { upstream.tally_of("silent").await.closed_early }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_survives_every_way_of_cutting_it() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("pieces").await;
    for split_bytes in [1, 7, 100] {
        let events = caller.stream(&format!("chunks=3,split_bytes={split_bytes}")).await.rest().await;
        let text: String = events.iter().map(Event::text).collect();
        assert_eq!(text, " the model said", "pieces of {split_bytes}");
        assert_eq!(events.last(), Some(&Event::Done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_passed_on_as_they_come() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("pace").await;
    let mut stream = caller.stream("chunks=3,gap_ms=400,tag=paced").await;
    stream.next_texts(1).await;
    // The first chunk is here while the upstream still has to make the last.
    let open = system.upstream.ledger(0).await.open;
    assert_eq!(open, 1, "the answer was held back until it was complete");
    stream.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_may_call_again_at_once_after_a_stream_that_broke_off() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("serves on").await;
    // One client with a pool of connections: one that is closed late cuts the next request off.
    for round in 0..20 {
        let stream = caller.stream("chunks=3,close_after_chunks=1").await;
        assert_eq!(stream.status, 200, "round {round}");
        let events = stream.rest().await;
        assert!(matches!(events.last(), Some(event) if event != &Event::Done), "round {round}: {events:?}");
        assert_eq!(caller.chat("chunks=1").await.status, 200, "round {round}");
    }
}
