//! Copies for a shadow: the caller neither sees them nor waits or pays for them.

use std::time::{Duration, Instant};

use deltallm_tests::{
    INPUT_NANO_USD, OUTPUT_NANO_USD, System, chat_body, eventually, model_entry, stream_body, wait_until,
};

/// A system whose group `seen` is copied to `shadow`, which does what the options say.
async fn system(percent: u8, shadow: &'static str) -> System {
    System::builder()
        .model(|upstream| model_entry("seen", "m", upstream, &[]))
        .model(move |upstream| model_entry("shadow", &format!("m mock-opts:{{{shadow}}}"), upstream, &[]))
        .sections(&format!(
            "router_settings:\n  group_settings:\n    seen:\n      mirror: {{ model: shadow, percent: {percent} }}\n"
        ))
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_asked_and_paid_for_by_the_operator() {
    let system = system(100, "tag=shadow,prompt_tokens=33,completion_tokens=9").await;
    let (caller, key) = system.caller_with_new_key("seen").await;
    let books = system.books().await;
    let mut spent = 0;
    for streams in [false, true] {
        let id = if streams {
            let stream = caller.stream_with(&stream_body("seen", "chunks=2")).await;
            let id = stream.header("x-request-id").to_owned();
            stream.rest().await;
            id
        } else {
            let answer = caller.chat_with(&chat_body("seen", "chunks=2")).await;
            assert_eq!((answer.content(), answer.header("x-deltallm-attempts")), (" the model", "1"));
            answer.header("x-request-id").to_owned()
        };
        let rows = eventually("call and copy stand in the database", || async {
            Some(books.of_request(&id).await).filter(|rows| rows.len() == 2)
        });
        let (calls, copies): (Vec<_>, Vec<_>) = rows.await.into_iter().partition(|row| row.model == "seen");
        let (call, copy) = (&calls[0], &copies[0]);
        assert_eq!(call.key_id.unwrap().to_string(), key.id);
        assert_eq!((copy.model.as_str(), copy.key_id, copy.outcome.as_str()), ("shadow", None, "completed"));
        assert_eq!((copy.input_tokens, copy.output_tokens), (33, 9));
        assert_eq!(copy.cost_nano_usd, Some(33 * INPUT_NANO_USD + 9 * OUTPUT_NANO_USD));
        spent += call.cost_nano_usd.unwrap();
        let explained = system.dashboard().get(&format!("/api/v1/requests/{}/explain", call.event_id)).await;
        assert_eq!((&explained["mirrored_to"], &explained["beside"][0]["kind"]), (&"shadow".into(), &"mirror".into()));
    }
    assert_eq!(books.usage_of_key(&key.id).await, Some((2, spent)), "copies are nobody's");
    assert_eq!(system.upstream.tally_of("shadow").await.completed, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_fails_or_is_slow_is_not_noticed() {
    let mut system = system(100, "delay_ms=60000,tag=shadow").await;
    let (caller, _) = system.caller_with_new_key("seen").await;
    let began = Instant::now();
    let answer = caller.chat_with(&chat_body("seen", "chunks=2")).await;
    assert_eq!((answer.status, answer.content()), (200, " the model"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let upstream = &system.upstream;
    wait_until("the shadow is asked", 1, || async { upstream.tally_of("shadow").await.requests }).await;
    // A stop does not wait for it.
    let began = Instant::now();
    system.proxy().ask_to_stop();
    assert!(system.proxy_mut().wait_for_end().success());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());

    let failing = self::system(100, "status=500,tag=shadow").await;
    let (caller, _) = failing.caller_with_new_key("seen").await;
    assert_eq!(caller.chat_with(&chat_body("seen", "chunks=2")).await.status, 200);
    let upstream = &failing.upstream;
    wait_until("the shadow refused", 1, || async { upstream.tally_of("shadow").await.refused }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_copied_where_nobody_says_so() {
    let system = system(0, "tag=shadow").await;
    let (caller, _) = system.caller_with_new_key("seen").await;
    for _ in 0..5 {
        assert_eq!(caller.chat_with(&chat_body("seen", "chunks=2,tag=seen")).await.status, 200);
    }
    assert_eq!(system.upstream.tally_of("seen").await.requests, 5);
    assert_eq!(system.upstream.tally_of("shadow").await.requests, 0);
}
