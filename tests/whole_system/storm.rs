//! Bad weather: a fifth of all calls to the providers fail, in every way there is, and no client sees it.

use std::collections::BTreeMap;

use deltallm_tests::{Deployment, Reading, System, wait_until};
use futures_util::StreamExt as _;

const REQUESTS: usize = 600;
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_of_the_providers_failing_is_no_clients_trouble() {
    let deployment = |group: &str, tag: &str| Deployment::new(group, &format!("chunks=4,storm=5,tag={tag}"));
    let system = System::builder()
        .deployments([deployment("main", "one"), deployment("main", "two"), deployment("main", "three")])
        .deployments([deployment("spare", "four")])
        .sections(
            "router_settings:
  num_retries: 8
  retry_after: 20ms
  cooldown_time: 1s
  first_byte_timeout: 20s
  fallbacks: [ { main: [spare] } ]
  queue: { max_wait: 30s }
",
        )
        .start()
        .await;
    let (caller, key) = system.caller_with_new_key("sailor").await;
    let readings: Vec<Reading> = futures_util::stream::iter(0..REQUESTS)
        .map(|nth| {
            let caller = &caller;
            async move { if nth % 2 == 0 { caller.ask("main").await } else { caller.ask_streamed("main").await } }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let troubled: Vec<_> = readings
        .iter()
        .filter(|reading| reading.status != 200 || !reading.is_whole || reading.text != " the model said that")
        .collect();
    assert!(troubled.is_empty(), "{} of {REQUESTS}, the first: {:?}", troubled.len(), troubled[0]);

    let books = system.books().await;
    let calls = || async { books.all().await.into_iter().filter(|row| row.kind == "call").count() };
    wait_until("every call is on the books", REQUESTS, calls).await;
    let rows = books.all().await;
    let mut of_request: BTreeMap<&str, u32> = BTreeMap::new();
    let mut attempts = 0_u64;
    for row in rows.iter().filter(|row| row.kind == "call") {
        *of_request.entry(row.request_id.as_str()).or_default() += 1;
        let made = u64::try_from(row.attempts).unwrap();
        assert_eq!((row.status, row.outcome.as_str()), (200, "completed"), "{row:?}");
        let steps = row.route["attempts"].as_array().unwrap();
        // A pooled connection that broke off is asked again within the same step.
        assert!((1..=made).contains(&u64::try_from(steps.len()).unwrap()), "{row:?}");
        let (last, before) = steps.split_last().unwrap();
        assert_eq!(last["end"], "answered", "{row:?}");
        assert!(before.iter().all(|step| step["end"] == "failed" && step["fault"].is_string()), "{row:?}");
        assert_eq!(row.output_tokens, 4, "{row:?}");
        attempts += made;
    }
    assert!(readings.iter().all(|reading| of_request.get(reading.request_id.as_str()) == Some(&1)), "one record each");
    let told: u64 = readings.iter().map(|reading| u64::from(reading.attempts)).sum();
    let ledger = system.upstream.ledger(0).await.total;
    assert_eq!((attempts, told), (ledger.requests, ledger.requests), "{ledger:?}");
    assert_eq!(ledger.completed, u64::try_from(REQUESTS).unwrap(), "{ledger:?}");
    let failed = ledger.refused + ledger.broken;
    assert!(failed * 100 >= ledger.requests * 15, "it was no storm: {ledger:?}");

    // What failed in its middle is a cost of the operator's own, and of no key.
    let aside: Vec<_> = rows.iter().filter(|row| row.kind != "call").collect();
    assert!(aside.iter().all(|row| row.kind == "failed_attempt" && row.key_id.is_none()), "{aside:?}");
    let call_of = |request_id: &str| rows.iter().find(|row| row.kind == "call" && row.request_id == request_id);
    assert!(aside.iter().all(|row| row.about == call_of(&row.request_id).map(|call| call.event_id)), "{aside:?}");
    let in_middle = ledger.broken;
    assert!(aside.len() <= usize::try_from(in_middle).unwrap(), "{} of {in_middle}", aside.len());
    let totals = || async { books.usage_of_key(&key.id).await.map(|(requests, _)| requests) };
    wait_until("the key's totals", i64::try_from(REQUESTS).ok(), totals).await;
}
