//! The way of a deployment through its states.

use super::*;
use crate::stats::{DeploymentStats, Ending, Limits, StatsView};

const POLICY: CircuitPolicy = CircuitPolicy {
    allowed_fails: 3,
    cooldown: Duration::from_secs(30),
    max_error_percent: 50,
    window: Duration::from_mins(1),
    min_requests: 20,
};
const SICK: Ending = Ending::Failed { fault: Fault::Server, retry_after: None };
const WELL: Ending = Ending::Answered { first_token: None, total: Duration::from_millis(10), tokens: 0 };

fn at(seconds: u64) -> Tick {
    Tick(seconds * 1_000_000)
}

fn view(stats: &DeploymentStats, now: Tick) -> StatsView {
    stats.view(now, &Limits::default(), 0)
}

fn attempt(stats: &DeploymentStats, now: Tick, ending: Ending) -> Option<Transition> {
    let begun = stats.begin(now, 0);
    stats.end(now, begun, ending, &POLICY)
}

fn set_aside(now: Tick) -> DeploymentStats {
    let stats = DeploymentStats::default();
    assert_eq!(attempt(&stats, now, SICK), None);
    assert_eq!(attempt(&stats, now, SICK), None);
    let until = now.after(POLICY.cooldown);
    assert_eq!(attempt(&stats, now, SICK), Some(Transition::SetAside { until, fault: Fault::Server }));
    stats
}

#[test]
fn an_answer_between_failures_begins_the_row_anew() {
    let stats = DeploymentStats::default();
    // Too few for a share of them to say anything.
    for _ in 0..6 {
        for ending in [SICK, SICK, WELL] {
            assert_eq!(attempt(&stats, at(1), ending), None);
        }
    }
}

#[test]
fn a_large_share_of_failures_sets_aside_without_a_row() {
    let stats = DeploymentStats::default();
    let mut transitions = Vec::new();
    for turn in 0..20 {
        transitions.push(attempt(&stats, at(1), if turn % 2 == 0 { WELL } else { SICK }));
    }
    assert!(transitions[..19].iter().all(Option::is_none));
    assert!(matches!(transitions[19], Some(Transition::SetAside { .. })));
}

#[test]
fn one_probe_at_a_time_decides() {
    let stats = set_aside(at(100));
    assert_eq!(view(&stats, at(129)).set_aside_until, Some(at(130)));
    let later = view(&stats, at(130));
    assert!(later.is_on_probation && !later.is_probed && later.set_aside_until.is_none());
    let probe = stats.begin(at(130), 0);
    let second = stats.begin(at(130), 0);
    assert!(probe.is_probe() && !second.is_probe() && view(&stats, at(130)).is_probed);
    assert_eq!(stats.end(at(131), probe, WELL, &POLICY), Some(Transition::Recovered));
    assert_eq!(stats.end(at(131), second, WELL, &POLICY), None);
    assert!(!view(&stats, at(131)).is_on_probation);
}

#[test]
fn a_pause_doubles_with_each_failed_probe_up_to_sixteen_times() {
    let stats = set_aside(at(0));
    let mut now = at(30);
    for factor in [2, 4, 8, 16, 16, 16] {
        let until = now.after(POLICY.cooldown * factor);
        assert_eq!(attempt(&stats, now, SICK), Some(Transition::SetAside { until, fault: Fault::Server }));
        now = until;
    }
    assert_eq!(attempt(&stats, now, WELL), Some(Transition::Recovered));
    // Well again, it has its usual pause again, and its old failures are forgotten.
    assert_eq!(attempt(&stats, now, SICK), None);
    assert_eq!(attempt(&stats, now, SICK), None);
    let until = now.after(POLICY.cooldown);
    assert_eq!(attempt(&stats, now, SICK), Some(Transition::SetAside { until, fault: Fault::Server }));
}

#[test]
fn an_abandoned_probe_leaves_the_next_one_to_decide() {
    let stats = set_aside(at(0));
    let probe = stats.begin(at(40), 0);
    assert_eq!(stats.end(at(41), probe, Ending::Abandoned, &POLICY), None);
    let next = view(&stats, at(41));
    assert!(next.is_on_probation && !next.is_probed);
    assert!(stats.begin(at(41), 0).is_probe());
}

#[test]
fn a_callers_mistake_is_no_verdict() {
    let stats = set_aside(at(0));
    for fault in [Fault::BadRequest, Fault::ContextWindow, Fault::Auth, Fault::NotFound] {
        let probe = stats.begin(at(40), 0);
        assert!(probe.is_probe());
        let ending = Ending::Failed { fault, retry_after: None };
        assert_eq!(stats.end(at(41), probe, ending, &POLICY), None);
        assert!(view(&stats, at(41)).is_on_probation);
    }
    let stats = DeploymentStats::default();
    for _ in 0..1000 {
        assert_eq!(attempt(&stats, at(1), Ending::Failed { fault: Fault::BadRequest, retry_after: None }), None);
    }
}

#[test]
fn a_probe_that_hangs_holds_its_place_for_a_minute() {
    let stats = set_aside(at(0));
    let slow = stats.begin(at(30), 0);
    assert!(!stats.begin(at(89), 0).is_probe());
    let next = stats.begin(at(90), 0);
    assert!(slow.is_probe() && next.is_probe());
    // The late end of the slow one does not free the place of the next.
    stats.end(at(91), slow, Ending::Abandoned, &POLICY);
    assert!(view(&stats, at(91)).is_probed);
}

#[test]
fn who_began_before_it_was_set_aside_has_no_say_after_it() {
    let stats = DeploymentStats::default();
    let early = [stats.begin(at(0), 0), stats.begin(at(0), 0)];
    for _ in 0..3 {
        attempt(&stats, at(1), SICK);
    }
    let [answered, failed] = early;
    assert_eq!(stats.end(at(2), answered, WELL, &POLICY), None);
    assert_eq!(view(&stats, at(2)).set_aside_until, Some(at(31)));
    assert_eq!(stats.end(at(32), failed, SICK, &POLICY), None);
    assert!(view(&stats, at(32)).is_on_probation);
}

#[test]
fn the_last_of_a_group_is_asked_all_the_same_and_its_answer_counts() {
    let stats = set_aside(at(0));
    assert_eq!(attempt(&stats, at(5), SICK), None);
    assert_eq!(view(&stats, at(5)).set_aside_until, Some(at(30)));
    assert_eq!(attempt(&stats, at(6), WELL), Some(Transition::Recovered));
}

#[test]
fn a_limit_is_no_failure_and_ends_by_itself() {
    let stats = DeploymentStats::default();
    let limited = |seconds: Option<u64>| Ending::Failed {
        fault: Fault::RateLimit,
        retry_after: seconds.map(Duration::from_secs),
    };
    assert_eq!(attempt(&stats, at(0), limited(Some(5))), Some(Transition::Limited { until: at(5) }));
    assert_eq!(attempt(&stats, at(0), limited(Some(5))), None);
    assert!(view(&stats, at(4)).is_set_aside(at(4)) && !view(&stats, at(5)).is_set_aside(at(5)));
    assert_eq!(attempt(&stats, at(10), limited(None)), Some(Transition::Limited { until: at(40) }));
    assert_eq!(attempt(&stats, at(10), limited(Some(999_999))), Some(Transition::Limited { until: at(3610) }));
    for _ in 0..100 {
        attempt(&stats, at(20), limited(Some(1)));
    }
    assert_eq!(view(&stats, at(20)).set_aside_until, None);
    assert_eq!(attempt(&stats, at(4000), limited(Some(0))), None);
}

#[test]
fn what_other_replicas_say_counts_and_the_longer_pause_wins() {
    let stats = DeploymentStats::default();
    stats.told(Some(at(50)), None);
    stats.told(Some(at(40)), Some(at(60)));
    let told = view(&stats, at(1));
    assert_eq!((told.set_aside_until, told.limited_until), (Some(at(50)), Some(at(60))));
    stats.told(None, None);
    assert_eq!(view(&stats, at(1)), view(&DeploymentStats::default(), at(1)));
    stats.told(Some(at(50)), None);
    assert!(stats.begin(at(51), 0).is_probe());
}

#[test]
fn a_check_brings_back_and_sets_aside() {
    let stats = set_aside(at(0));
    assert_eq!(stats.checked(at(5), Ok(()), &POLICY), Some(Transition::Recovered));
    assert_eq!(stats.checked(at(6), Ok(()), &POLICY), None);
    assert_eq!(stats.checked(at(7), Err(Fault::Auth), &POLICY), None);
    for _ in 0..2 {
        assert_eq!(stats.checked(at(8), Err(Fault::Connect), &POLICY), None);
    }
    let set_aside = Transition::SetAside { until: at(38), fault: Fault::Connect };
    assert_eq!(stats.checked(at(8), Err(Fault::Connect), &POLICY), Some(set_aside));
    assert!(
        matches!(stats.checked(at(38), Err(Fault::Dns), &POLICY), Some(Transition::SetAside { until, .. }) if until == at(98))
    );
}
