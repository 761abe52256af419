//! What holds for every choice, whatever the strategy and the state of the group.

use deltallm_shared::routing::{Canary, RoutingSettings};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::stats::StatsView;

const NOW: Tick = Tick(1_000_000_000);

fn until() -> impl Strategy<Value = Option<Tick>> {
    option::weighted(0.3, (0..2_000_000_000_u64).prop_map(Tick))
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let stats = (0..50_u32, 0..=1_000_000_u32, proptest::bool::weighted(0.8), until(), until(), any::<(bool, bool)>());
    let stats = stats.prop_map(|(in_flight, headroom_ppm, has_room, set_aside_until, limited_until, probation)| {
        let (is_on_probation, is_probed) = probation;
        StatsView {
            in_flight,
            headroom_ppm,
            has_room,
            set_aside_until,
            limited_until,
            room_at: set_aside_until.filter(|until| !has_room && *until > NOW),
            is_on_probation,
            is_probed,
            ..StatsView::default()
        }
    });
    let skip =
        option::weighted(0.2, select(vec![SkipReason::Tried, SkipReason::NoCredential, SkipReason::CannotServe]));
    (any::<u64>(), 0..4_u32, 0..3_u32, any::<[bool; 4]>(), stats, skip).prop_map(
        |(identity, weight, priority, flags, stats, skip)| Candidate {
            identity,
            weight,
            priority,
            has_tags: flags[0],
            is_default: flags[1],
            is_canary: flags[2],
            is_canary_returned: flags[2] && flags[3],
            stats,
            skip,
            ..Candidate::default()
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    (any::<u64>(), any::<u64>(), any::<[bool; 4]>(), option::of(any::<u64>())).prop_map(
        |(seed, turn, flags, session)| {
            let [streams, is_tagged, is_first, may_retry] = flags;
            Ask { now: NOW, seed, turn, streams, is_tagged, is_first, may_retry, session, ..Ask::default() }
        },
    )
}

fn routing() -> impl Strategy<Value = EffectiveRouting> {
    let names = select(super::Strategy::NAMES.map(|(name, _)| name).to_vec());
    (names, any::<bool>(), option::of(0..=100_u8)).prop_map(|(strategy, tags, percent)| {
        let canary = percent.map(|percent| Canary {
            deployment_id: None,
            tag: None,
            percent,
            max_error_percent: 20,
            min_requests: 20,
        });
        EffectiveRouting::of(&RoutingSettings {
            strategy: Some(strategy),
            enable_tag_filtering: Some(tags),
            canary,
            ..RoutingSettings::default()
        })
    })
}

use proptest::strategy::Strategy;

fn is_limited(candidate: &Candidate) -> bool {
    !candidate.stats.has_room || candidate.stats.limited_until.is_some_and(|until| until > NOW)
}

fn is_sick(candidate: &Candidate) -> bool {
    candidate.stats.set_aside_until.is_some_and(|until| until > NOW)
        || candidate.stats.is_on_probation && candidate.stats.is_probed
}

/// Whether tags exclude it, said once more in other words.
fn is_excluded(all: &[Candidate], candidate: &Candidate, routing: &EffectiveRouting, ask: &Ask) -> bool {
    let somebody = |has: fn(&Candidate) -> bool| all.iter().any(has);
    let tagged_well = ask.is_tagged && somebody(|other| other.has_tags);
    let wants_default = ask.is_tagged || somebody(|other| other.is_default);
    routing.filters_tags && if tagged_well { !candidate.has_tags } else { wants_default && !candidate.is_default }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_choice_keeps_the_rules(before in vec(candidate(), 0..12), routing in routing(), ask in ask()) {
        let mut after = before.clone();
        let decision = choose(&routing, &mut after, &ask);
        let can_serve = |one: &Candidate| one.skip.is_none() && !is_excluded(&before, one, &routing, &ask);
        let is_well = |one: &Candidate| can_serve(one) && !is_limited(one) && !is_sick(one);

        // A provider's 429 takes the only credential away as well.
        let has_lost_credential = |one: &Candidate| {
            one.skip == Some(SkipReason::NoCredential) && one.stats.limited_until.is_some_and(|until| until > NOW)
        };
        let lacks_room = |one: &Candidate| can_serve(one) && is_limited(one) || has_lost_credential(one);
        let is_worth_waiting_for = |one: &Candidate| ask.is_first && lacks_room(one) && !is_sick(one);

        prop_assert_eq!(decision, choose(&routing, &mut before.clone(), &ask), "the same again");
        match decision {
            Decision::Chosen(index) => {
                prop_assert!(is_well(&before[index]));
                prop_assert_eq!(after[index].skip, None);
            }
            Decision::LastResort(index) => {
                prop_assert!(!before.iter().any(is_well));
                prop_assert!(!before.iter().any(is_worth_waiting_for));
                prop_assert!(!is_limited(&before[index]));
                prop_assert!(before[index].skip == Some(SkipReason::NoCredential) || can_serve(&before[index]));
                prop_assert_eq!(after[index].skip, None);
            }
            Decision::Full { until } => {
                prop_assert!(!before.iter().any(is_well));
                prop_assert!(before.iter().any(lacks_room));
                let has_sick_one = before.iter().any(|one| can_serve(one) && !is_limited(one));
                prop_assert!(!has_sick_one || before.iter().any(is_worth_waiting_for), "the last one is never set aside");
                prop_assert!(until.is_none_or(|until| until > NOW));
            }
            Decision::Nobody => prop_assert!(!before.iter().any(can_serve)),
        }
        // What the caller said stays said, and whoever is excluded has a reason.
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            if decision.index() != Some(index) {
                prop_assert!(before.skip.is_none() || before.skip == after.skip);
                prop_assert!(is_well(before) || after.skip.is_some());
            }
        }
    }
}
