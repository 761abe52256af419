use std::time::Duration;

use deltallm_shared::routing::{Canary, RoutingSettings};

use super::*;
use crate::stats::StatsView;

const NOW: Tick = Tick(1_000_000_000);

fn group(count: u64) -> Vec<Candidate> {
    let stats = StatsView { headroom_ppm: 1_000_000, has_room: true, ..StatsView::default() };
    (0..count)
        .map(|identity| Candidate { identity, weight: 1, has_tags: true, stats, ..Candidate::default() })
        .collect()
}

fn ask(seed: u64) -> Ask {
    Ask { now: NOW, seed, is_first: true, may_retry: true, ..Ask::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the fields hold")]
fn later(seconds: u64) -> Option<Tick> {
    Some(NOW.after(Duration::from_secs(seconds)))
}

fn routing(settings: RoutingSettings) -> EffectiveRouting {
    EffectiveRouting::of(&settings)
}

fn simple() -> EffectiveRouting {
    EffectiveRouting::default()
}

fn skips(candidates: &[Candidate]) -> Vec<Option<SkipReason>> {
    candidates.iter().map(|candidate| candidate.skip).collect()
}

/// How often each index was chosen over many seeds.
fn counts(routing: &EffectiveRouting, candidates: &[Candidate], ask_of: impl Fn(u64) -> Ask) -> Vec<u32> {
    let mut counts = vec![0; candidates.len()];
    for seed in 0..10_000 {
        if let Decision::Chosen(index) = choose(routing, &mut candidates.to_vec(), &ask_of(seed)) {
            counts[index] += 1;
        }
    }
    counts
}

#[test]
fn each_reason_is_marked() {
    let mut group = group(6);
    group[0].stats.set_aside_until = later(5);
    group[1].stats.limited_until = later(5);
    group[2].stats.has_room = false;
    (group[3].stats.is_on_probation, group[3].stats.is_probed) = (true, true);
    group[4].skip = Some(SkipReason::Tried);
    for seed in 0..100 {
        let mut candidates = group.clone();
        assert_eq!(choose(&simple(), &mut candidates, &ask(seed)), Decision::Chosen(5));
        let marks = [
            SkipReason::CoolingDown,
            SkipReason::RateLimited,
            SkipReason::AtCapacity,
            SkipReason::Probing,
            SkipReason::Tried,
        ];
        assert_eq!(skips(&candidates), marks.map(Some).into_iter().chain([None]).collect::<Vec<_>>());
    }
}

#[test]
fn a_pause_ends_by_itself() {
    let mut group = group(2);
    group[0].stats.set_aside_until = Some(NOW);
    group[0].stats.limited_until = Some(NOW);
    let counts = counts(&simple(), &group, ask);
    assert!((4_700..5_300).contains(&counts[0]), "{counts:?}");
}

#[test]
fn the_last_one_is_never_set_aside() {
    let mut group = group(4);
    group[0].stats.set_aside_until = later(9);
    group[1].stats.set_aside_until = later(5);
    group[2].stats.set_aside_until = later(7);
    group[3].skip = Some(SkipReason::NoCredential);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::LastResort(1));
    // Not even by its probe.
    (group[2].stats.set_aside_until, group[2].stats.is_on_probation, group[2].stats.is_probed) = (None, true, true);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::LastResort(2));
    // A credential that may be well again is the last thing to try.
    let mut alone = vec![group[3]];
    assert_eq!(choose(&simple(), &mut alone, &ask(1)), Decision::LastResort(0));
    assert_eq!(alone[0].skip, None);
}

#[test]
fn limits_hold_for_the_last_one_too() {
    let mut group = group(3);
    for (candidate, seconds) in group.iter_mut().zip([9, 5, 7]) {
        candidate.stats.limited_until = later(seconds);
    }
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(5) });
    // Its provider's 429 has set the credential aside with it.
    group[1].skip = Some(SkipReason::NoCredential);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(5) });
    group[1].skip = None;
    group[0].stats.limited_until = None;
    group[0].stats.has_room = false;
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: None });
}

#[test]
fn a_new_request_waits_for_somebody_well_before_it_goes_to_somebody_sick() {
    let mut group = group(3);
    group[0].stats.has_room = false;
    group[1].stats.set_aside_until = later(60);
    group[2].stats.limited_until = later(7);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: None });
    group[0].stats.room_at = later(20);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(7) });
    // Its pause may be over before anybody has room.
    group[1].stats.set_aside_until = later(3);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(3) });
    // One that has failed has nothing to wait for.
    let again = Ask { is_first: false, ..ask(1) };
    assert_eq!(choose(&simple(), &mut group.clone(), &again), Decision::LastResort(1));
    // Nobody is well: whoever of the sick has room.
    (group[0].stats.set_aside_until, group[2].stats.set_aside_until) = (later(2), later(2));
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::LastResort(1));
    // None of them has: the first whose pause and whose limit are over.
    group[1].stats.has_room = false;
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(3) });
}

#[test]
fn a_limit_that_opens_at_a_known_moment_says_so() {
    let mut group = group(2);
    for (candidate, seconds) in group.iter_mut().zip([40, 30]) {
        (candidate.stats.has_room, candidate.stats.room_at) = (false, later(seconds));
    }
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(30) });
    group[0].stats.limited_until = later(50);
    group[1].stats.limited_until = later(60);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: later(50) });
    // The other one has room when a request ends, which may be at once.
    (group[0].stats.limited_until, group[0].stats.room_at) = (None, None);
    assert_eq!(choose(&simple(), &mut group.clone(), &ask(1)), Decision::Full { until: None });
}

#[test]
fn nobody_is_left() {
    let mut group = group(2);
    group[0].skip = Some(SkipReason::Tried);
    group[1].skip = Some(SkipReason::CannotServe);
    assert_eq!(choose(&simple(), &mut group, &ask(1)), Decision::Nobody);
    assert_eq!(choose(&simple(), &mut [], &ask(1)), Decision::Nobody);
}

#[test]
fn one_on_probation_is_asked_now_and_then_whatever_the_strategy_prefers() {
    let priority = routing(RoutingSettings { strategy: Some(Strategy::PriorityBased), ..RoutingSettings::default() });
    let mut group = group(3);
    group[2].priority = 1;
    group[2].stats.is_on_probation = true;
    let first = counts(&priority, &group, ask);
    assert!((800..1_200).contains(&first[2]), "{first:?}");
    // Not at the cost of a caller who failed once, and not where there is no second attempt.
    group[2].priority = 0;
    let second = counts(&priority, &group, |seed| Ask { is_first: false, ..ask(seed) });
    assert_eq!(second[2], 0);
    group[2].priority = 1;
    let once = counts(&priority, &group, |seed| Ask { may_retry: false, ..ask(seed) });
    assert_eq!(once[2], 0, "it may not try again, whatever its group's settings say");
}

#[test]
fn weight_zero_drains() {
    let mut group = group(3);
    group[0].weight = 0;
    for (name, _) in Strategy::NAMES {
        let routing = routing(RoutingSettings { strategy: Some(name), ..RoutingSettings::default() });
        assert_eq!(counts(&routing, &group, ask)[0], 0, "{name:?}");
        let mut alone = vec![group[0]];
        assert_eq!(choose(&routing, &mut alone, &ask(3)), Decision::Chosen(0), "{name:?}");
    }
}

#[test]
fn lower_tiers_are_named() {
    let priority = routing(RoutingSettings { strategy: Some(Strategy::PriorityBased), ..RoutingSettings::default() });
    let mut group = group(3);
    (group[0].priority, group[1].priority, group[2].priority) = (2, 1, 3);
    assert_eq!(choose(&priority, &mut group, &ask(1)), Decision::Chosen(1));
    assert_eq!(skips(&group), [Some(SkipReason::LowerPriority), None, Some(SkipReason::LowerPriority)]);
}

#[test]
fn tags_narrow_the_choice() {
    let tags = routing(RoutingSettings { enable_tag_filtering: Some(true), ..RoutingSettings::default() });
    let tagged = |seed| Ask { is_tagged: true, ..ask(seed) };
    let mut group = group(3);
    group[2].is_default = true;
    for (candidate, has_tags) in group.iter_mut().zip([true, false, false]) {
        candidate.has_tags = has_tags;
    }
    assert_eq!(counts(&tags, &group, tagged), [10_000, 0, 0]);
    // Its tags are its place: not elsewhere because it is sick, or was asked already.
    group[0].stats.limited_until = later(5);
    assert_eq!(choose(&tags, &mut group.clone(), &tagged(1)), Decision::Full { until: later(5) });
    group[0].skip = Some(SkipReason::Tried);
    assert_eq!(choose(&tags, &mut group.clone(), &tagged(1)), Decision::Nobody);
    // Nobody has them: the default.
    group[0].has_tags = false;
    let mut marked = group.clone();
    assert_eq!(choose(&tags, &mut marked, &tagged(1)), Decision::Chosen(2));
    assert_eq!(marked[1].skip, Some(SkipReason::TagsDiffer));
    group[2].is_default = false;
    assert_eq!(choose(&tags, &mut group.clone(), &tagged(1)), Decision::Nobody);
}

#[test]
fn requests_without_tags_go_to_the_default_or_to_all() {
    let tags = routing(RoutingSettings { strategy: Some(Strategy::TagBased), ..RoutingSettings::default() });
    let mut group = group(2);
    let counted = counts(&tags, &group, ask);
    assert!(counted.iter().all(|count| (4_700..5_300).contains(count)), "{counted:?}");
    group[1].is_default = true;
    assert_eq!(counts(&tags, &group, ask), [0, 10_000]);
    assert!(counts(&simple(), &group, ask)[0] > 4_700, "without filtering, tags mean nothing");
}

fn canary(percent: u8) -> RoutingSettings {
    let canary =
        Canary { deployment_id: None, tag: Some("new".into()), percent, max_error_percent: 20, min_requests: 20 };
    RoutingSettings { canary: Some(canary), ..RoutingSettings::default() }
}

#[test]
fn the_canary_has_its_share_under_every_strategy() {
    let mut group = group(4);
    group[3].is_canary = true;
    for (name, _) in Strategy::NAMES {
        let routing = routing(RoutingSettings { strategy: Some(name), ..canary(7) });
        let by_session = |seed| Ask { session: Some(seed), turn: seed, ..ask(seed) };
        let share = counts(&routing, &group, by_session)[3];
        assert!((600..800).contains(&share), "{name:?} {share}");
    }
}

#[test]
fn the_canary_serves_first_attempts_or_where_nobody_else_can() {
    let mut group = group(2);
    group[1].is_canary = true;
    let all = routing(canary(100));
    assert_eq!(counts(&all, &group, ask), [0, 10_000]);
    assert_eq!(counts(&all, &group, |seed| Ask { is_first: false, ..ask(seed) }), [10_000, 0]);
    let none = routing(canary(0));
    let mut marked = group.clone();
    assert_eq!(choose(&none, &mut marked, &ask(1)), Decision::Chosen(0));
    assert_eq!(marked[1].skip, Some(SkipReason::NotInCanary));
    group[0].stats.set_aside_until = later(5);
    assert_eq!(choose(&none, &mut group.clone(), &ask(1)), Decision::Chosen(1));
    group[1].stats.set_aside_until = later(9);
    assert_eq!(choose(&all, &mut group.clone(), &ask(1)), Decision::LastResort(0));
}

#[test]
fn a_canary_that_failed_its_trial_gets_nothing() {
    let mut group = group(2);
    (group[1].is_canary, group[1].is_canary_returned) = (true, true);
    let all = routing(canary(100));
    let mut marked = group.clone();
    assert_eq!(choose(&all, &mut marked, &ask(1)), Decision::Chosen(0));
    assert_eq!(skips(&marked), [None, Some(SkipReason::CanaryReturned)]);
    group[0].skip = Some(SkipReason::Tried);
    assert_eq!(choose(&all, &mut group, &ask(1)), Decision::Chosen(1));
}

#[test]
fn a_session_is_on_trial_as_a_whole() {
    let routing = routing(RoutingSettings { strategy: Some(Strategy::SessionAffinity), ..canary(50) });
    let mut group = group(3);
    group[0].is_canary = true;
    for session in 0..100 {
        let of = |seed| Ask { session: Some(session), ..ask(seed) };
        let counts = counts_of_few(&routing, &group, of);
        assert_eq!(counts.iter().filter(|count| **count > 0).count(), 1, "{counts:?}");
    }
}

fn counts_of_few(routing: &EffectiveRouting, candidates: &[Candidate], ask_of: impl Fn(u64) -> Ask) -> [u32; 3] {
    let mut counts = [0; 3];
    for seed in 0..20 {
        if let Some(index) = choose(routing, &mut candidates.to_vec(), &ask_of(seed)).index() {
            counts[index] += 1;
        }
    }
    counts
}
