//! `kill -9` under load: every answered call has exactly one event, none has two.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltallm_tests::{Caller, INPUT_NANO_USD, MODEL, OUTPUT_NANO_USD, System, wait_until};
use serde_json::json;

/// How often the proxy is killed.
const KILLS: u32 = 20;
/// Callers at the same time.
const CALLERS: u32 = 6;
/// Longest time from the start of the load to the kill.
const KILL_AFTER_MS_MAX: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn kill_at_random_moments_leaves_exactly_one_event_per_answer() {
    let seed = seed();
    println!("seed {seed}: repeat with TEST_SEED={seed}");
    let mut moments = Moments(seed);
    let mut system = System::start().await;
    let (caller, _) = system.caller_with_new_key("crash").await;
    let answered = Answered::default();

    for kill in 0..KILLS {
        let caller = system.caller(caller.key());
        system.wait_for_key(&caller).await;
        let load: Vec<_> = (0..CALLERS)
            .map(|index| tokio::spawn(call_on(caller.clone(), format!("{kill}-{index}"), answered.clone())))
            .collect();
        tokio::time::sleep(Duration::from_millis(moments.next() % KILL_AFTER_MS_MAX)).await;
        system.crash_proxy();
        for task in load {
            task.await.unwrap();
        }
    }

    let answered = answered.ids();
    assert!(answered.len() > 50, "too few answers to prove anything: {}", answered.len());
    let books = system.books().await;
    wait_until("every answered call stands in the database", BTreeSet::new(), || async {
        let recorded: BTreeSet<String> = books.all().await.into_iter().map(|row| row.request_id).collect();
        answered.difference(&recorded).cloned().collect::<BTreeSet<_>>()
    })
    .await;

    let rows = books.all().await;
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.request_id.as_str()).or_default() += 1;
        if row.outcome == "completed" {
            let cost = row.input_tokens * INPUT_NANO_USD + row.output_tokens * OUTPUT_NANO_USD;
            assert_eq!(row.cost_nano_usd, Some(cost), "{row:?}");
        }
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "recorded more than once: {twice:?}");
    assert_eq!(books.rejected_count().await, 0);

    // The upstream is the third witness: what it never saw was not billed.
    let served = system.upstream.ledger(0).await.by_tag;
    for id in &answered {
        assert!(served.contains_key(id), "answered, but the upstream never saw {id}");
    }
    for row in rows.iter().filter(|row| row.outcome == "completed") {
        assert!(served.contains_key(&row.request_id), "billed, but the upstream never saw {}", row.request_id);
    }
    println!("{} answered, {} recorded, {KILLS} kills", answered.len(), rows.len());
}

/// Calls, in turn streamed and not, until the connection breaks.
async fn call_on(caller: Caller, name: String, answered: Answered) {
    for number in 0_u32.. {
        let id = format!("crash-{name}-{number}");
        let is_stream = number % 2 == 1;
        let body = json!({
            "model": MODEL, "stream": is_stream, "messages": [{ "role": "user", "content": "hi" }],
            "user": format!("mock-opts:{{chunks=4,gap_ms=2,delay_ms=3,tag={id}}}"),
        });
        let sent = caller.post("/v1/chat/completions", &body).header("x-request-id", &id).send().await;
        let Ok(response) = sent else { return };
        assert_eq!(response.status().as_u16(), 200, "{id}");
        let Ok(text) = response.text().await else { return };
        let is_whole = if is_stream { text.ends_with("data: [DONE]\n\n") } else { text.ends_with('}') };
        if !is_whole {
            return;
        }
        answered.note(id);
    }
}

/// Request ids whose answers came through whole.
#[derive(Clone, Default)]
struct Answered(Arc<Mutex<BTreeSet<String>>>);

impl Answered {
    fn note(&self, id: String) {
        self.0.lock().unwrap().insert(id);
    }

    fn ids(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Random moments that can be had again from their seed (splitmix64).
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    std::env::var("TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(now)
}
