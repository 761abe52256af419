//! Turns, pauses, and what survives a reload.

use std::collections::HashMap;

use deltallm_shared::{credential::CredentialValues, ids::CredentialId, secret::Secret};
use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp(1_800_000_000_000_000);

fn at(after: Duration) -> Timestamp {
    Timestamp(START.0 + i64::try_from(after.as_micros()).unwrap())
}

fn credential(name: &str) -> Arc<Credential> {
    let values = CredentialValues::api_key(Secret::from(format!("sk-{name}").as_str()));
    Arc::new(Credential::new(CredentialId::new(), name.to_owned(), values, false).unwrap())
}

fn pool(names: &[&str]) -> CredentialPool {
    CredentialPool::new(names.iter().map(|name| credential(name)))
}

fn pick(pool: &CredentialPool, now: Timestamp) -> String {
    pool.pick(now, 0).unwrap().name().to_owned()
}

fn find(pool: &CredentialPool, name: &str) -> Arc<Credential> {
    Arc::clone(pool.credentials().find(|credential| credential.name() == name).unwrap())
}

#[test]
fn credentials_take_turns_and_the_seed_says_who_begins() {
    let pool = pool(&["a", "b", "c"]);
    let turns: Vec<_> = (0..6).map(|_| pool.pick(START, 1).unwrap().name().to_owned()).collect();
    assert_eq!(turns, ["b", "c", "a", "b", "c", "a"]);
    assert!(CredentialPool::default().pick(START, 7).is_none());
}

#[test]
fn each_status_has_its_pause() {
    let second = Duration::from_secs(1);
    for (status, retry_after, pause) in [
        (401, None, REFUSED),
        (402, None, UNPAID),
        (403, Some(second), REFUSED),
        (429, None, LIMITED),
        (429, Some(second * 7), second * 7),
        (429, Some(Duration::ZERO), second),
        (429, Some(Duration::from_hours(48)), MOST),
    ] {
        let pool = pool(&["a", "b"]);
        assert!(pool.set_aside(&find(&pool, "a"), status, retry_after, START));
        let just_before = at(pause.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!((pool.healthy(just_before), pool.healthy(at(pause))), (1, 2), "{status} {retry_after:?}");
        assert!((0..4).all(|_| pick(&pool, just_before) == "b"), "{status}");
    }
    let pool = pool(&["a"]);
    for status in [200, 400, 404, 408, 500, 503] {
        assert!(!pool.set_aside(&find(&pool, "a"), status, None, START), "{status} says nothing of the credential");
    }
    assert_eq!(pool.healthy(START), 1);
}

#[test]
fn where_all_are_set_aside_the_one_whose_pause_ends_first_serves() {
    let pool = pool(&["a", "b", "c"]);
    for (name, seconds) in [("a", 30), ("b", 10), ("c", 20)] {
        pool.set_aside(&find(&pool, name), 429, Some(Duration::from_secs(seconds)), START);
    }
    assert_eq!((pool.healthy(START), pick(&pool, START).as_str()), (0, "b"));
    assert_eq!(pick(&pool, at(Duration::from_secs(10))), "b");
}

#[test]
fn an_unknown_key_is_out_for_every_deployment_a_limited_one_for_its_own() {
    let (shared, spare) = (credential("shared"), credential("spare"));
    let both = || CredentialPool::new([Arc::clone(&shared), Arc::clone(&spare)]);
    let (one, other) = (both(), both());
    one.set_aside(&shared, 429, None, START);
    assert_eq!((one.healthy(START), other.healthy(START)), (1, 2));
    one.set_aside(&shared, 403, None, START);
    assert_eq!(other.healthy(START), 2);
    one.set_aside(&shared, 401, None, START);
    assert_eq!(other.healthy(START), 1);
}

#[test]
fn a_later_shorter_pause_does_not_end_an_earlier_longer_one() {
    let pool = pool(&["a", "b"]);
    let a = find(&pool, "a");
    pool.set_aside(&a, 429, Some(Duration::from_mins(5)), START);
    pool.set_aside(&a, 429, Some(Duration::from_secs(1)), START);
    assert_eq!(pool.healthy(at(Duration::from_mins(1))), 1);
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_out_for_longer_than_the_longest_pause() {
    let pool = pool(&["a", "b"]);
    pool.set_aside(&find(&pool, "a"), 401, None, at(Duration::from_hours(24)));
    assert_eq!(pool.healthy(START), 2);
}

#[test]
fn a_reload_keeps_pauses_and_turns_of_what_did_not_change() {
    let [a, b, c] = ["a", "b", "c"].map(credential);
    let before = CredentialPool::new([Arc::clone(&a), Arc::clone(&b)]);
    before.set_aside(&a, 429, None, START);
    let same = CredentialPool::succeeding(Some(&before), [Arc::clone(&a), Arc::clone(&b)]);
    assert!(Arc::ptr_eq(&same.0, &before.0));
    let longer = CredentialPool::succeeding(Some(&before), [Arc::clone(&a), Arc::clone(&b), c]);
    assert_eq!((longer.len(), longer.healthy(START)), (3, 2));
    // A request that still holds the pool of before the reload teaches the one of after it.
    before.set_aside(&b, 403, None, START);
    assert_eq!(longer.healthy(START), 1);
    let rotated = CredentialPool::succeeding(Some(&longer), [credential("a"), b]);
    assert_eq!(rotated.healthy(START), 1, "a new value begins in health");
    longer.set_aside(&a, 401, None, START);
    assert_eq!(rotated.healthy(START), 1, "what is said of the old value does not concern the new one");
}

proptest! {
    /// Whatever providers answer, a pool gives something, and something healthy where there is any.
    #[test]
    fn a_pool_never_comes_empty_handed(
        size in 1_usize..6,
        steps in prop::collection::vec((0_usize..6, prop::sample::select(vec![200_u16, 401, 402, 403, 429, 500]), 0_u64..900, any::<u64>()), 1..60),
    ) {
        let names: Vec<String> = (0..size).map(|number| number.to_string()).collect();
        let pool = CredentialPool::new(names.iter().map(|name| credential(name)));
        let mut now = START;
        for (which, status, seconds, seed) in steps {
            let victim = find(&pool, &names[which % size]);
            pool.set_aside(&victim, status, (seconds % 2 == 0).then(|| Duration::from_secs(seconds)), now);
            now = Timestamp(now.0 + i64::try_from(seconds).unwrap() * 500_000);
            let healthy = pool.healthy(now);
            let picked = pool.pick(now, seed).unwrap();
            let slot = pool.0.slots.iter().find(|slot| Arc::ptr_eq(&slot.credential, &picked)).unwrap();
            prop_assert_eq!(slot.until(now).is_none(), healthy > 0);
            if healthy == 0 {
                let soonest = pool.0.slots.iter().filter_map(|slot| slot.until(now)).min();
                prop_assert_eq!(slot.until(now), soonest);
            }
        }
    }

    /// In health, nobody is asked more often than anybody else.
    #[test]
    fn turns_are_even(size in 1_usize..8, rounds in 1_usize..20, seed in any::<u64>()) {
        let names: Vec<String> = (0..size).map(|number| number.to_string()).collect();
        let pool = CredentialPool::new(names.iter().map(|name| credential(name)));
        let mut counts: HashMap<String, usize> = HashMap::new();
        for _ in 0..size * rounds {
            *counts.entry(pool.pick(START, seed).unwrap().name().to_owned()).or_default() += 1;
        }
        prop_assert!(names.iter().all(|name| counts[name] == rounds), "{counts:?}");
    }
}
