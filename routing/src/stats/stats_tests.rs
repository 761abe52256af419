//! What is known of a deployment after anything may have happened to it.

use proptest::prelude::*;

use super::*;

const POLICY: CircuitPolicy = CircuitPolicy {
    allowed_fails: 3,
    cooldown: Duration::from_secs(30),
    max_error_percent: 50,
    window: Duration::from_mins(1),
    min_requests: 20,
};

fn at(seconds: u64) -> Tick {
    Tick(seconds * 1_000_000)
}

fn answered(first_token: Option<u64>, total: u64, tokens: u64) -> Ending {
    Ending::Answered {
        first_token: first_token.map(Duration::from_millis),
        total: Duration::from_millis(total),
        tokens,
    }
}

fn failed(fault: Fault) -> Ending {
    Ending::Failed { fault, retry_after: None }
}

#[test]
fn times_are_of_answers_alone() {
    let stats = DeploymentStats::default();
    let begun = stats.begin(at(1), 10);
    stats.end(at(2), begun, answered(Some(200), 900, 10), &POLICY);
    for fault in [Fault::Server, Fault::RateLimit, Fault::BadRequest] {
        let begun = stats.begin(at(2), 10);
        stats.end(at(2), begun, failed(fault), &POLICY);
    }
    let begun = stats.begin(at(2), 10);
    stats.end(at(2), begun, Ending::Abandoned, &POLICY);
    let view = stats.view(at(2), &Limits::default(), 1);
    assert_eq!((view.first_token_us, view.total_us, view.in_flight), (200_000, 900_000, 0));
}

#[test]
fn limits_are_kept_over_any_minute_and_settled_by_what_was_used() {
    let stats = DeploymentStats::default();
    let limits = Limits { rpm: Some(10), tpm: Some(1000), parallel: Some(3) };
    let first = stats.begin(at(8), 600);
    let view = stats.view(at(8), &limits, 400);
    assert_eq!((view.headroom_ppm, view.has_room), (400_000, true));
    assert!(!stats.view(at(8), &limits, 401).has_room);
    stats.end(at(12), first, answered(None, 4000, 100), &POLICY);
    assert_eq!(stats.report(at(12)).tokens_last_minute, 100);
    let failing = stats.begin(at(12), 500);
    stats.end(at(12), failing, failed(Fault::RateLimit), &POLICY);
    let cut_short = stats.begin(at(12), 100);
    stats.end(at(12), cut_short, failed(Fault::Broken), &POLICY);
    assert_eq!(stats.report(at(12)).tokens_last_minute, 200);
    for _ in 0..7 {
        let begun = stats.begin(at(20), 0);
        stats.end(at(20), begun, answered(None, 1, 0), &POLICY);
    }
    // Ten requests since second 8: at no edge are there ten more.
    let full = stats.view(at(59), &limits, 0);
    assert_eq!((full.has_room, full.room_at), (false, Some(at(70))), "when the first of them is forgotten");
    assert!(stats.view(at(70), &limits, 0).has_room);
    assert!(stats.view(at(95), &limits, 0).has_room);
    let open = [stats.begin(at(200), 0), stats.begin(at(200), 0), stats.begin(at(200), 0)];
    let busy = stats.view(at(200), &limits, 0);
    assert_eq!((busy.has_room, busy.room_at), (false, None), "when one of them ends");
    for begun in open {
        stats.end(at(201), begun, Ending::Abandoned, &POLICY);
    }
    assert!(stats.view(at(201), &limits, 0).has_room);
}

#[test]
fn the_scarcest_limit_counts_whosoever_it_is() {
    let stats = DeploymentStats::default();
    stats.read_limits(
        at(1),
        [
            ("x-ratelimit-limit-requests", "100"),
            ("x-ratelimit-remaining-requests", "20"),
            ("x-ratelimit-reset-requests", "1m0s"),
        ]
        .into_iter(),
    );
    let limits = Limits { rpm: Some(10), ..Limits::default() };
    assert_eq!(stats.view(at(1), &limits, 0).headroom_ppm, 200_000);
    assert_eq!(stats.view(at(61), &limits, 0).headroom_ppm, 1_000_000);
}

#[test]
fn an_operator_sees_why() {
    let stats = DeploymentStats::default();
    for _ in 0..3 {
        let begun = stats.begin(at(5), 1);
        stats.end(at(5), begun, failed(Fault::FirstByteTimeout), &POLICY);
    }
    let report = stats.report(at(7));
    assert_eq!(
        (report.state, report.set_aside_for_ms, report.consecutive_failures),
        (HealthState::SetAside, Some(28_000), 3)
    );
    assert_eq!((report.last_fault, report.last_failure_ms_ago), (Some(Fault::FirstByteTimeout), Some(2000)));
    assert_eq!((report.failed_in_window, report.answered_in_window), (3, 0));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["state"], &json["last_fault"]), (&"set_aside".into(), &"first_byte_timeout".into()));
    assert_eq!(stats.report(at(40)).state, HealthState::Probation);
}

#[derive(Clone, Debug)]
enum Step {
    Begin,
    End(usize, u8),
    Told(u32),
    Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Begin),
        4 => (0_usize..64, 0_u8..6).prop_map(|(which, how)| Step::End(which, how)),
        1 => (0_u32..60_000_000).prop_map(Step::Told),
        2 => (0_u32..40_000_000).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..200)
}

fn ending(how: u8) -> Ending {
    match how {
        0 => answered(Some(5), 10, 7),
        1 => Ending::Abandoned,
        2 => failed(Fault::RateLimit),
        3 => failed(Fault::BadRequest),
        _ => failed(Fault::Server),
    }
}

proptest! {
    #[test]
    fn nothing_that_happens_breaks_it(steps in steps()) {
        let (stats, mut now, mut open) = (DeploymentStats::default(), at(1), Vec::<Begun>::new());
        for step in steps {
            match step {
                Step::Begin => {
                    let before = stats.view(now, &Limits::default(), 0);
                    let begun = stats.begin(now, 10);
                    // On probation the first one is the probe and no other, for as long as it may take.
                    prop_assert_eq!(begun.is_probe(), before.is_on_probation && !before.is_probed);
                    open.push(begun);
                    let rivals = open.iter().filter(|begun| {
                        begun.is_probe() && begun.epoch == stats.circuit.epoch() && now.since(begun.at) < Duration::from_mins(1)
                    });
                    prop_assert!(rivals.count() <= 1);
                }
                Step::End(which, how) if !open.is_empty() => {
                    let begun = open.swap_remove(which % open.len());
                    let was_probing = begun.is_probe() && begun.epoch == stats.circuit.epoch();
                    let transition = stats.end(now, begun, ending(how), &POLICY);
                    let after = stats.view(now, &Limits::default(), 0);
                    if was_probing && how == 0 {
                        prop_assert_eq!(transition, Some(Transition::Recovered));
                        prop_assert!(!after.is_on_probation && after.set_aside_until.is_none());
                    }
                    if was_probing && how > 3 {
                        prop_assert!(after.set_aside_until.is_some());
                    }
                    if let Some(Transition::SetAside { until, .. }) = transition {
                        prop_assert!(until.since(now) <= POLICY.cooldown * 16);
                    }
                }
                Step::End(..) => {}
                Step::Told(pause) => stats.told(Some(now.after(Duration::from_micros(pause.into()))), None),
                Step::Wait(pause) => now = now.after(Duration::from_micros(pause.into())),
            }
            prop_assert_eq!(stats.view(now, &Limits::default(), 0).in_flight as usize, open.len());
        }
        // Whatever it was set aside for is over in sixteen pauses, and any hang in a minute.
        let later = now.after(POLICY.cooldown * 16).after(Duration::from_mins(1));
        let view = stats.view(later, &Limits::default(), 0);
        prop_assert!(!view.is_set_aside(later) && !view.is_probed);
        let begun = stats.begin(later, 0);
        stats.end(later, begun, answered(None, 1, 1), &POLICY);
        prop_assert_eq!(stats.state(later), HealthState::Healthy);
    }

    #[test]
    fn any_figures_are_survived(ticks in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 1..40)) {
        let stats = DeploymentStats::default();
        let limits = Limits { rpm: Some(1), tpm: Some(u64::MAX), parallel: Some(u32::MAX) };
        for (tick, tokens, used) in ticks {
            let begun = stats.begin(Tick(tick), tokens);
            let _ = (stats.view(Tick(used), &limits, tokens), stats.report(Tick(used)));
            let policy = CircuitPolicy { window: Duration::from_micros(tokens), cooldown: Duration::from_micros(used), ..POLICY };
            stats.end(Tick(used), begun, answered(Some(used), tokens, used), &policy);
            let begun = stats.begin(Tick(used), used);
            stats.end(Tick(tick), begun, failed(Fault::Server), &policy);
        }
        prop_assert_eq!(stats.view(Tick(0), &limits, 0).in_flight, 0);
    }
}
