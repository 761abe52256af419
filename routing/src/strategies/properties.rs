//! What holds for the strategies whatever the group: proven over groups and seeds drawn at random.

use deltallm_shared::routing::{SkipReason, Strategy as Name};
use proptest::{collection::vec, prelude::*};

use super::{STRATEGIES, strategy};
use crate::{
    candidate::{Ask, Candidate},
    seed::mix,
    stats::StatsView,
};

fn candidate() -> impl Strategy<Value = Candidate> {
    let stats = (0..200_u32, 0..5_000_000_u64, 0..50_000_000_u64, 0..=1_000_000_u32, any::<bool>()).prop_map(
        |(in_flight, first_token_us, total_us, headroom_ppm, has_room)| StatsView {
            in_flight,
            first_token_us,
            total_us,
            headroom_ppm,
            has_room,
            ..StatsView::default()
        },
    );
    (any::<u64>(), 0..10_u32, 0..4_u32, proptest::option::of(0..1_000_i64), stats, proptest::bool::weighted(0.3))
        .prop_map(|(identity, weight, priority, price_nano_usd, stats, is_tried)| Candidate {
            identity,
            weight,
            priority,
            price_nano_usd,
            has_tags: true,
            stats,
            skip: is_tried.then_some(SkipReason::Tried),
            ..Candidate::default()
        })
}

fn ask() -> impl Strategy<Value = Ask> {
    (any::<u64>(), any::<u64>(), any::<bool>(), proptest::option::of(any::<u64>()))
        .prop_map(|(seed, turn, streams, session)| Ask { seed, turn, streams, session, ..Ask::default() })
}

/// Candidates of these weights that have nothing to do.
fn idle(weights: &[u32]) -> Vec<Candidate> {
    let stats = StatsView { headroom_ppm: 1_000_000, has_room: true, ..StatsView::default() };
    let of = |(index, weight): (u64, &u32)| Candidate {
        identity: mix(index),
        weight: *weight,
        stats,
        ..Candidate::default()
    };
    (0..).zip(weights).map(of).collect()
}

/// How far the counts are from the weights: the sum of squared differences, each over what was to be expected, times 1000.
fn chi_square_milli(counts: &[u64], weights: &[u32]) -> u64 {
    let (draws, total) = (counts.iter().sum::<u64>(), weights.iter().map(|weight| u64::from(*weight)).sum::<u64>());
    let one = |(count, weight): (&u64, &u32)| {
        let expected = draws * u64::from(*weight) / total;
        count.abs_diff(expected).pow(2) * 1000 / expected.max(1)
    };
    counts.iter().zip(weights).map(one).sum()
}

fn counts(name: Name, candidates: &[Candidate], draws: u64, ask_of: impl Fn(u64) -> Ask) -> Vec<u64> {
    let mut counts = vec![0; candidates.len()];
    for draw in 0..draws {
        counts[strategy(name).choose(candidates, &ask_of(draw)).unwrap()] += 1;
    }
    counts
}

/// The best that is open, and the chosen one, by a figure.
fn is_least<K: Ord>(candidates: &[Candidate], chosen: usize, key: impl Fn(&Candidate) -> K) -> bool {
    candidates.iter().filter(|candidate| candidate.is_open()).all(|other| key(&candidates[chosen]) <= key(other))
}

proptest! {
    #[test]
    fn an_open_one_is_chosen_and_the_same_one_each_time(candidates in vec(candidate(), 0..40), ask in ask()) {
        for strategy in STRATEGIES {
            let chosen = strategy.choose(&candidates, &ask);
            prop_assert_eq!(chosen.is_some(), candidates.iter().any(Candidate::is_open), "{:?}", strategy.name());
            prop_assert!(chosen.is_none_or(|index| candidates[index].is_open()), "{:?}", strategy.name());
            prop_assert_eq!(chosen, strategy.choose(&candidates, &ask));
        }
    }

    #[test]
    fn order_is_kept(candidates in vec(candidate(), 1..40), ask in ask()) {
        let by = |name: Name| strategy(name).choose(&candidates, &ask);
        if let Some(chosen) = by(Name::CostBased) {
            prop_assert!(is_least(&candidates, chosen, |one| (one.price_nano_usd.is_none(), one.price_nano_usd)));
        }
        if let Some(chosen) = by(Name::PriorityBased) {
            prop_assert!(is_least(&candidates, chosen, |one| one.priority));
        }
        if let Some(chosen) = by(Name::UsageBased) {
            prop_assert!(is_least(&candidates, chosen, |one| u32::MAX - one.stats.headroom_ppm));
        }
        if let Some(chosen) = by(Name::LeastBusy) {
            let open = || candidates.iter().filter(|candidate| candidate.is_open());
            prop_assert!(open().all(|other| candidates[chosen].cmp_load(other).is_le()));
        }
        if let Some(chosen) = by(Name::RateLimitAware) {
            let has_enough = |one: &Candidate| one.stats.has_room && one.stats.headroom_ppm > 100_000;
            let open = || candidates.iter().filter(|candidate| candidate.is_open());
            prop_assert!(has_enough(&candidates[chosen]) || !open().any(has_enough));
        }
    }

    #[test]
    fn shares_are_as_the_weights(weights in vec(1..20_u32, 2..8), salt in any::<u64>()) {
        let candidates = idle(&weights);
        let names = [
            Name::SimpleShuffle, Name::TagBased, Name::LeastBusy, Name::CostBased, Name::UsageBased,
            Name::RateLimitAware, Name::PriorityBased, Name::SessionAffinity,
        ];
        for name in names {
            let of = |draw: u64| {
                let seed = mix(salt ^ mix(draw));
                Ask { seed, session: (name == Name::SessionAffinity).then_some(seed), ..Ask::default() }
            };
            let counts = counts(name, &candidates, 4_000, of);
            // With at most 6 degrees of freedom, chance alone goes beyond 60 less than once in a thousand million draws.
            prop_assert!(chi_square_milli(&counts, &weights) < 60_000, "{name:?} {weights:?} {counts:?}");
        }
    }

    #[test]
    fn turns_are_exact(weights in vec(0..12_u32, 1..8), rounds_before in 0..1_000_u64) {
        let candidates = idle(&weights);
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let round = if total == 0 { weights.len() as u64 } else { total };
        let counts = counts(Name::RoundRobin, &candidates, round, |turn| {
            Ask { turn: rounds_before * round + turn, ..Ask::default() }
        });
        let due: Vec<u64> = weights.iter().map(|weight| if total == 0 { 1 } else { u64::from(*weight) }).collect();
        prop_assert_eq!(counts, due);
    }

    #[test]
    fn who_leaves_moves_only_its_own_sessions(weights in vec(1..20_u32, 2..20), leaver in any::<prop::sample::Index>()) {
        let candidates = idle(&weights);
        let leaver = leaver.index(candidates.len());
        let mut without = candidates.clone();
        without[leaver].skip = Some(SkipReason::CoolingDown);
        for session in 0..200 {
            let ask = Ask { session: Some(mix(session)), ..Ask::default() };
            let chosen = |candidates: &[Candidate]| strategy(Name::SessionAffinity).choose(candidates, &ask);
            let before = chosen(&candidates);
            prop_assert!(before == Some(leaver) || chosen(&without) == before);
        }
    }
}

#[test]
fn turns_do_not_come_in_a_row() {
    let candidates = idle(&[500, 100, 100]);
    let order: Vec<_> = (0..7)
        .filter_map(|turn| strategy(Name::RoundRobin).choose(&candidates, &Ask { turn, ..Ask::default() }))
        .collect();
    let longest = order.chunk_by(|a, b| a == b).map(<[usize]>::len).max();
    assert!(longest <= Some(3), "{order:?}");
    assert_eq!(order.iter().filter(|index| **index == 0).count(), 5);
}

/// Requests come in and nobody's ends; the choices of one moment see the same figures, as they would on many replicas.
fn loads_after(name: Name, count: usize, times_us: impl Fn(usize) -> u64) -> Vec<u32> {
    let mut candidates = idle(&vec![1; count]);
    for (index, candidate) in candidates.iter_mut().enumerate() {
        candidate.stats.total_us = times_us(index);
    }
    for moment in 0..100_u64 {
        let seen = candidates.clone();
        for draw in 0..20 {
            let ask = Ask { seed: mix(moment * 20 + draw), ..Ask::default() };
            candidates[strategy(name).choose(&seen, &ask).unwrap()].stats.in_flight += 1;
        }
    }
    candidates.iter().map(|candidate| candidate.stats.in_flight).collect()
}

#[test]
fn nobody_herds() {
    for name in [Name::LatencyBased, Name::PrefixAffinity] {
        let loads = loads_after(name, 10, |_| 1_000_000);
        assert!(loads.iter().all(|load| (150..=250).contains(load)), "{name:?} {loads:?}");
    }
    // By time: twice as slow is asked about half as often, not never.
    let loads = loads_after(Name::LatencyBased, 10, |index| if index < 5 { 1_000_000 } else { 2_000_000 });
    let (quick, slow) = (loads[..5].iter().sum::<u32>(), loads[5..].iter().sum::<u32>());
    assert!((15..30).contains(&(quick * 10 / slow)), "{loads:?}");
}

#[test]
fn the_quicker_is_preferred_by_the_time_that_matters() {
    let mut candidates = idle(&[1, 1]);
    (candidates[0].stats.first_token_us, candidates[0].stats.total_us) = (100, 9_000);
    (candidates[1].stats.first_token_us, candidates[1].stats.total_us) = (300, 3_000);
    for (streams, quicker) in [(true, 0), (false, 1)] {
        let counts =
            counts(Name::LatencyBased, &candidates, 10_000, |seed| Ask { seed: mix(seed), streams, ..Ask::default() });
        // One in fifty looks again at the slower one.
        assert!((9_700..9_900).contains(&counts[quicker]), "{counts:?}");
    }
}

#[test]
fn an_unknown_one_is_tried_with_one_request_at_a_time() {
    let mut candidates = idle(&[1, 1]);
    candidates[0].stats.total_us = 1_000;
    let of = |seed: u64| Ask { seed: mix(seed), ..Ask::default() };
    assert_eq!(counts(Name::LatencyBased, &candidates, 1_000, of), [0, 1_000]);
    candidates[1].stats.in_flight = 1;
    assert_eq!(counts(Name::LatencyBased, &candidates, 1_000, of), [1_000, 0]);
}

#[test]
fn warm_until_overloaded() {
    let mut candidates = idle(&[1; 4]);
    let of = |seed: u64| Ask { seed: mix(seed), warm: Some(mix(2)), ..Ask::default() };
    for (other, warm, stays) in [(0, 4, true), (0, 10, false), (20, 20, true), (20, 70, false)] {
        for (index, candidate) in candidates.iter_mut().enumerate() {
            candidate.stats.in_flight = if index == 2 { warm } else { other };
        }
        let counted = counts(Name::PrefixAffinity, &candidates, 1_000, of);
        assert_eq!(counted[2] == 1_000, stays, "{other} {warm} {counted:?}");
    }
    for candidate in &mut candidates {
        candidate.stats.in_flight = 0;
    }
    candidates[2].stats.has_room = false;
    assert!(counts(Name::PrefixAffinity, &candidates, 1_000, of)[2] < 500);
}

#[test]
fn an_overloaded_one_passes_its_sessions_to_the_next() {
    let candidates = idle(&[1; 4]);
    let of = |session: u64| Ask { session: Some(session), ..Ask::default() };
    let chosen =
        |candidates: &[Candidate], session| strategy(Name::SessionAffinity).choose(candidates, &of(session)).unwrap();
    for session in 0..200 {
        let usual = chosen(&candidates, session);
        let (mut busy, mut gone) = (candidates.clone(), candidates.clone());
        busy[usual].stats.in_flight = 50;
        gone[usual].skip = Some(SkipReason::CoolingDown);
        assert_ne!(chosen(&busy, session), usual);
        assert_eq!(chosen(&busy, session), chosen(&gone, session));
    }
}
