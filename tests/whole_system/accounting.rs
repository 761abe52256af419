//! What is answered is billed: once, to the right key, to the nano-dollar.

use deltallm_tests::{INPUT_NANO_USD, MODEL, OUTPUT_NANO_USD, System, eventually, wait_until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn unstreamed_answer_is_billed_exactly() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("unstreamed").await;

    let answer = caller.chat("chunks=7,prompt_tokens=1000003").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.content(), " the model said that one more word");
    assert_eq!(answer.json["model"], MODEL);

    let books = system.books().await;
    let row = eventually("the call stands in the database", || async {
        books.of_request(answer.header("x-request-id")).await.pop()
    })
    .await;
    assert_eq!((row.status, row.outcome.as_str(), row.model.as_str()), (200, "completed", MODEL));
    assert_eq!((row.input_tokens, row.output_tokens), (1_000_003, 7));
    assert_eq!(row.cost_nano_usd, Some(1_000_003 * INPUT_NANO_USD + 7 * OUTPUT_NANO_USD));
    assert_eq!(row.key_id.unwrap().to_string(), key.id);
    let usage = books.usage_of_key(&key.id).await;
    assert_eq!(usage, Some((1, row.cost_nano_usd.unwrap())));

    let listed = system.dashboard().get("/api/v1/requests?limit=1").await;
    assert_eq!(listed["data"][0]["cost_usd"], "0.15000465");
    assert_eq!(listed["data"][0]["key_id"], key.id);
    let shown = system.dashboard().get(&format!("/api/v1/keys/{}", key.id)).await;
    assert_eq!(shown["spend_usd"], "0.15000465");
    assert_eq!(shown["requests_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_answer_is_billed_as_the_upstream_counted() {
    let system = System::start().await;
    let (caller, key) = system.caller_with_new_key("streamed").await;

    // The caller does not ask for usage: it is billed all the same, and not shown.
    let stream = caller.stream("chunks=5,prompt_tokens=77,completion_tokens=41").await;
    assert_eq!(stream.status, 200);
    let id = stream.header("x-request-id").to_owned();
    let events = stream.rest().await;
    let text: String = events.iter().map(|event| event.text()).collect();
    assert_eq!(text, " the model said that one");
    assert_eq!(events.last(), Some(&deltallm_tests::Event::Done));
    assert!(events.iter().all(|event| event.usage().is_none()), "{events:?}");

    let books = system.books().await;
    let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!((row.input_tokens, row.output_tokens, row.outcome.as_str()), (77, 41, "completed"));
    assert_eq!(row.cost_nano_usd, Some(77 * INPUT_NANO_USD + 41 * OUTPUT_NANO_USD));
    assert_eq!(books.usage_of_key(&key.id).await.unwrap().0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_is_asked_for_is_shown() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("usage").await;
    let events = caller
        .stream_with(&json!({
            "model": MODEL, "stream": true, "stream_options": { "include_usage": true },
            "messages": [{ "role": "user", "content": "hi" }], "user": "mock-opts:{chunks=3,prompt_tokens=9}",
        }))
        .await
        .rest()
        .await;
    let usages: Vec<_> = events.iter().filter_map(|event| event.usage()).collect();
    assert_eq!(usages.len(), 1, "{events:?}");
    assert_eq!(usages[0]["prompt_tokens"], 9);
    assert_eq!(usages[0]["completion_tokens"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_usage_is_estimated_not_forgotten() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("no usage").await;
    let stream = caller.stream("chunks=16,no_usage=1").await;
    let id = stream.header("x-request-id").to_owned();
    stream.rest().await;
    let books = system.books().await;
    let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
    // Sixteen words of one token each; the prompt is three tokens and its frame.
    assert!((14..=18).contains(&row.output_tokens), "{row:?}");
    assert!((3..=20).contains(&row.input_tokens), "{row:?}");
    let cost = row.input_tokens * INPUT_NANO_USD + row.output_tokens * OUTPUT_NANO_USD;
    assert_eq!(row.cost_nano_usd, Some(cost));
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_are_billed_for_their_input() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("embeddings").await;
    let body = json!({ "model": "text-embedding-3-small", "input": ["a", "b"],
                       "user": "mock-opts:{prompt_tokens=21}" });
    let sent = caller.post("/v1/embeddings", &body).send().await.unwrap();
    let answer = deltallm_tests::Answer::read(sent).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["data"].as_array().map(Vec::len), Some(2));
    let books = system.books().await;
    let id = answer.header("x-request-id").to_owned();
    let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!((row.input_tokens, row.output_tokens), (21, 0));
    assert_eq!(row.cost_nano_usd, Some(21 * INPUT_NANO_USD));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_request_id_is_kept() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("ids").await;
    let body = json!({ "model": MODEL, "messages": [{ "role": "user", "content": "hi" }] });
    let post = caller.post("/v1/chat/completions", &body).header("x-request-id", "order-4711");
    let answer = deltallm_tests::Answer::read(post.send().await.unwrap()).await;
    assert_eq!(answer.header("x-request-id"), "order-4711");
    let books = system.books().await;
    wait_until("one event with the caller's id", 1, || async { books.of_request("order-4711").await.len() }).await;
}
