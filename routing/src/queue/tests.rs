//! What the line promises, for any order of comings and goings.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const AGEING: Duration = Duration::from_secs(1);
const FAR: Tick = Tick(u64::MAX);

fn second(seconds: u64) -> Tick {
    Tick(seconds * 1_000_000)
}

fn of(team: Owner, key: Owner) -> Waiting {
    Waiting { class: 5, team, key, came: Tick(0), deadline: FAR }
}

/// Puts it in the line, where it says when it came.
fn join(queue: &mut FairQueue, waiting: Waiting) -> Ticket {
    queue.push(waiting.came, waiting).unwrap().ticket
}

#[test]
fn a_class_goes_before_the_next_one() {
    let mut queue = FairQueue::new(10, AGEING);
    let low = join(&mut queue, Waiting { class: 9, ..of(1, 1) });
    let high = join(&mut queue, Waiting { class: 0, came: second(8), ..of(1, 1) });
    assert_eq!((queue.pop(second(8)), queue.pop(second(8)), queue.pop(second(8))), (Some(high), Some(low), None));
}

#[test]
fn the_lowest_class_catches_up_by_waiting() {
    let mut queue = FairQueue::new(100, AGEING);
    let low = join(&mut queue, Waiting { class: 9, ..of(1, 1) });
    // One request a second is let in, and one of the first class comes each second: without ageing the other one waits for ever.
    let let_in = (0..100).find(|at| {
        join(&mut queue, Waiting { class: 0, came: second(*at), ..of(2, 2) });
        queue.pop(second(*at)) == Some(low)
    });
    assert_eq!(let_in, Some(9), "nine classes behind, so it catches up after nine seconds");
}

#[test]
fn teams_have_turns_and_keys_have_turns_within_them() {
    let mut queue = FairQueue::new(100, AGEING);
    let mut names = HashMap::new();
    for (team, key) in [(1, 1), (1, 1), (1, 1), (1, 2), (2, 3), (2, 3)] {
        let count = names.len();
        names.insert(join(&mut queue, of(team, key)), (team, key, count));
    }
    let order: Vec<_> = std::iter::from_fn(|| queue.pop(Tick(0))).map(|ticket| names[&ticket]).collect();
    assert_eq!(order, [(1, 1, 0), (2, 3, 4), (1, 2, 3), (2, 3, 5), (1, 1, 1), (1, 1, 2)]);
}

#[test]
fn one_that_asks_now_and_then_is_let_in_beside_one_that_floods() {
    let mut queue = FairQueue::new(50, AGEING);
    let mut turns_waited = Vec::new();
    for round in 0..200_u64 {
        let now = second(round);
        for _ in 0..5 {
            let _ = queue.push(now, Waiting { came: now, ..of(1, 1) });
        }
        let mine = queue.push(now, Waiting { came: now, ..of(2, 2) }).expect("a flood takes nobody's place").ticket;
        turns_waited.push(std::iter::from_fn(|| queue.pop(now)).take(2).position(|ticket| ticket == mine));
    }
    assert!(turns_waited.iter().all(|turns| turns.is_some_and(|turns| turns < 2)), "{turns_waited:?}");
}

#[test]
fn when_it_is_full_the_one_with_most_places_gives_up_its_newest() {
    let mut queue = FairQueue::new(3, AGEING);
    let flood: Vec<Ticket> = (0..3).map(|_| join(&mut queue, of(1, 1))).collect();
    assert_eq!(queue.push(Tick(0), of(1, 1)), Err(Full));
    assert_eq!(queue.push(Tick(0), of(2, 2)).map(|place| place.displaced), Ok(Some(flood[2])));
    assert_eq!(queue.push(Tick(0), of(2, 2)), Err(Full), "two against one is as even as it gets");
    assert_eq!(queue.push(Tick(0), of(1, 7)).map(|place| place.displaced), Ok(Some(flood[1])), "keys of a team too");
    assert_eq!(queue.push(Tick(0), of(1, 7)), Err(Full));
}

#[test]
fn one_that_comes_back_keeps_its_place() {
    let mut queue = FairQueue::new(10, AGEING);
    let first = join(&mut queue, of(1, 1));
    join(&mut queue, Waiting { came: Tick(1), ..of(1, 1) });
    assert_eq!(queue.pop(Tick(2)), Some(first));
    let again = queue.push(Tick(3), of(1, 1)).unwrap().ticket;
    assert_eq!(queue.pop(Tick(3)), Some(again));
}

/// What may happen to a line.
#[derive(Clone, Debug)]
enum Step {
    Push { class: u8, team: Owner, key: Owner, patience: u64 },
    Pop,
    Cancel(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..=9, 0_u128..3, 0_u128..3, 0_u64..20)
            .prop_map(|(class, team, key, patience)| Step::Push { class, team, key, patience }),
        3 => Just(Step::Pop),
        1 => any::<usize>().prop_map(Step::Cancel),
        2 => (0_u64..4).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..200)
}

proptest! {
    /// Bounded; nobody is let in twice, after it left, after its time; within a key and class in the order of coming.
    #[test]
    fn whatever_happens_it_stays_a_line(steps in steps(), most in 1_usize..12) {
        let mut queue = FairQueue::new(most, AGEING);
        let (mut now, mut line, mut gone) = (0, Vec::<(Ticket, Waiting)>::new(), Vec::new());
        for step in steps {
            match step {
                Step::Push { class, team, key, patience } => {
                    let waiting = Waiting { class, team, key, came: second(now), deadline: second(now + patience) };
                    line.retain(|(_, waiting)| waiting.deadline > second(now));
                    let was_full = line.len() >= most;
                    match queue.push(second(now), waiting) {
                        Ok(place) => {
                            prop_assert_eq!(was_full, place.displaced.is_some());
                            line.retain(|(ticket, _)| Some(*ticket) != place.displaced);
                            line.push((place.ticket, waiting));
                        }
                        Err(Full) => prop_assert!(was_full),
                    }
                }
                Step::Pop => {
                    line.retain(|(_, waiting)| waiting.deadline > second(now));
                    let popped = queue.pop(second(now));
                    prop_assert_eq!(popped.is_none(), line.is_empty());
                    if let Some(popped) = popped {
                        prop_assert!(!gone.contains(&popped));
                        let at = line.iter().position(|(ticket, _)| *ticket == popped);
                        prop_assert!(at.is_some(), "it waited");
                        let (_, waiting) = line.remove(at.unwrap());
                        let is_same = |other: &Waiting| (other.class, other.team, other.key) == (waiting.class, waiting.team, waiting.key);
                        prop_assert!(line.iter().all(|(ticket, other)| !is_same(other) || *ticket > popped));
                        gone.push(popped);
                    }
                }
                Step::Cancel(which) if !line.is_empty() => {
                    let (ticket, _) = line.remove(which % line.len());
                    queue.cancel(ticket);
                    prop_assert!(!queue.cancel(ticket));
                    gone.push(ticket);
                }
                Step::Cancel(_) => {}
                Step::Wait(seconds) => now += seconds,
            }
            prop_assert!(queue.len() <= most);
        }
        while let Some(ticket) = queue.pop(second(now)) {
            prop_assert!(line.iter().any(|(known, _)| *known == ticket));
        }
        prop_assert!(queue.is_empty() && queue.classes.is_empty() && queue.due.is_empty() && queue.deadlines.is_empty());
    }

    /// While everybody always has something waiting, each team gets its share to within one, and each key its share of its team's.
    #[test]
    fn shares_are_even(counts in proptest::collection::vec(1_usize..5, 1..5), rounds in 1_usize..100) {
        let mut queue = FairQueue::new(1000, AGEING);
        let owners: Vec<(Owner, Owner)> = counts.iter().enumerate()
            .flat_map(|(team, keys)| (0..*keys).map(move |key| (team as Owner, key as Owner))).collect();
        let mut whose = HashMap::new();
        let mut served: HashMap<(Owner, Owner), usize> = HashMap::new();
        for (team, key) in &owners {
            whose.insert(join(&mut queue, of(*team, *key)), (*team, *key));
        }
        for _ in 0..rounds {
            let (team, key) = whose[&queue.pop(Tick(0)).unwrap()];
            *served.entry((team, key)).or_default() += 1;
            whose.insert(join(&mut queue, of(team, key)), (team, key));
        }
        let of_key = |owner: &(Owner, Owner)| served.get(owner).copied().unwrap_or(0);
        let of_team = |team: usize| owners.iter().filter(|(one, _)| *one == team as Owner).map(of_key).sum::<usize>();
        let teams: Vec<usize> = (0..counts.len()).map(of_team).collect();
        prop_assert!(teams.iter().max().unwrap() - teams.iter().min().unwrap() <= 1, "{:?}", teams);
        for team in 0..counts.len() {
            let keys: Vec<usize> = owners.iter().filter(|(one, _)| *one == team as Owner).map(of_key).collect();
            prop_assert!(keys.iter().max().unwrap() - keys.iter().min().unwrap() <= 1, "{:?}", keys);
        }
    }

    /// However many others keep coming, of whatever class, everybody is let in after a bounded number of turns.
    #[test]
    fn nobody_is_starved(class in 0_u8..=9, others in proptest::collection::vec((0_u8..=9, 0_u128..4, 0_u128..4), 1..6), each in 1_u64..4) {
        let mut queue = FairQueue::new(100_000, AGEING);
        let mine = join(&mut queue, Waiting { class, ..of(99, 99) });
        // One is let in each second, and more come than can be let in.
        let let_in = (0..1000_u64).find(|at| {
            for (class, team, key) in others.iter().cycle().take(usize::try_from(each).unwrap() * others.len()) {
                join(&mut queue, Waiting { class: *class, team: *team, key: *key, came: second(*at), deadline: FAR });
            }
            queue.pop(second(*at)) == Some(mine)
        });
        // Until it is due first, then one turn of each class that came before, and of each team in its own.
        prop_assert!(let_in.is_some_and(|turns| turns < 600), "{:?}", let_in);
    }
}
