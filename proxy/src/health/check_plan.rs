//! Which deployments are looked after at a moment. Pure: the time, the chance and what is known are passed in.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use deltallm_routing::{seed::Seed, tick::Tick};
use deltallm_shared::ids::DeploymentId;

/// A check that proved nothing leaves a deployment on probation; it is looked at again after this time.
const ON_PROBATION: Duration = Duration::from_secs(10);
/// Nobody is asked more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// A deployment as the plan sees it.
#[derive(Clone, Copy, Debug)]
pub struct Patient {
    /// Which.
    pub id: DeploymentId,
    /// How often it is looked at while nobody asks it.
    pub every: Duration,
    /// Whether it was set aside, and has to prove itself now.
    pub must_prove_itself: bool,
    /// Whether it is set aside still: there is nothing to do.
    pub is_set_aside: bool,
    /// Whether requests went to it lately: they say more than a check.
    pub is_busy: bool,
}

/// Why a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Its pause is over.
    Probation,
    /// Nobody asked it for a while.
    Idle,
}

/// See the module.
#[derive(Debug, Default)]
pub struct CheckPlan {
    next: HashMap<DeploymentId, Tick>,
    next_proof: HashMap<DeploymentId, Tick>,
}

impl CheckPlan {
    /// Who is looked after now. `seed`: chance, so that replicas and deployments do not all have the same turn.
    pub fn due(&mut self, at: Tick, patients: &[Patient], mut seed: Seed) -> Vec<(DeploymentId, Occasion)> {
        let ids: HashSet<_> = patients.iter().map(|patient| patient.id).collect();
        self.next.retain(|id, _| ids.contains(id));
        self.next_proof.retain(|id, _| ids.contains(id));
        let mut due = Vec::new();
        for patient in patients {
            let every = patient.every.max(SHORTEST);
            // A newcomer's first turn is anywhere in its interval.
            let next = self.next.entry(patient.id).or_insert_with(|| at.after(part(every, &mut seed)));
            if patient.must_prove_itself {
                let next_proof = self.next_proof.entry(patient.id).or_insert(at);
                if *next_proof <= at {
                    *next_proof = at.after(ON_PROBATION);
                    *next = at.after(scattered(every, &mut seed));
                    due.push((patient.id, Occasion::Probation));
                }
                continue;
            }
            self.next_proof.remove(&patient.id);
            if *next <= at {
                *next = at.after(scattered(every, &mut seed));
                if !patient.is_busy && !patient.is_set_aside {
                    due.push((patient.id, Occasion::Idle));
                }
            }
        }
        due
    }
}

fn part(whole: Duration, seed: &mut Seed) -> Duration {
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(seed.below(micros.saturating_add(1)))
}

/// The interval, up to a tenth longer.
fn scattered(every: Duration, seed: &mut Seed) -> Duration {
    every.saturating_add(part(every / 10, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_mins(5);

    fn patient() -> Patient {
        Patient { id: DeploymentId::new(), every: EVERY, must_prove_itself: false, is_set_aside: false, is_busy: false }
    }

    /// The seconds of an hour in which there is a check.
    fn checks(patient: impl Fn(u64) -> Patient) -> Vec<u64> {
        let mut plan = CheckPlan::default();
        let is_due = |second: &u64| !plan.due(Tick(second * 1_000_000), &[patient(*second)], Seed(*second)).is_empty();
        (1..=3600).filter(is_due).collect()
    }

    #[test]
    fn an_idle_one_has_its_turn_once_in_an_interval() {
        let patient = patient();
        let turns = checks(|_| patient);
        assert!((10..=12).contains(&turns.len()), "{turns:?}");
        assert!(turns.windows(2).all(|pair| (300..=331).contains(&(pair[1] - pair[0]))), "{turns:?}");
    }

    #[test]
    fn a_busy_one_and_one_that_is_set_aside_have_none() {
        let one = patient();
        assert!(checks(|_| Patient { is_busy: true, ..one }).is_empty());
        assert!(checks(|_| Patient { is_set_aside: true, ..one }).is_empty());
    }

    #[test]
    fn the_end_of_a_pause_is_a_turn_at_once() {
        let one = patient();
        let turns = checks(|second| Patient {
            is_set_aside: second < 100,
            must_prove_itself: (100..=125).contains(&second),
            ..one
        });
        assert_eq!(turns[..3], [100, 110, 120]);
        assert!(turns[3] > 400, "{turns:?}");
    }

    #[test]
    fn newcomers_do_not_all_come_at_once() {
        let patients: Vec<_> = (0..100).map(|_| patient()).collect();
        let mut plan = CheckPlan::default();
        let most = (1..600).map(|second| plan.due(Tick(second * 1_000_000), &patients, Seed(second)).len()).max();
        assert!(most < Some(10), "{most:?}");
    }
}
