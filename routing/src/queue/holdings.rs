//! Who holds how many places of the line, and who has to give one up when there are none left.

use std::collections::{BTreeMap, BTreeSet};

use super::{Owner, Ticket};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    teams: Ranked<Team>,
}

/// Owners by how many places they hold.
#[derive(Debug)]
struct Ranked<T> {
    held: BTreeMap<Owner, (usize, T)>,
    by_count: BTreeSet<(usize, Owner)>,
}

#[derive(Debug, Default)]
struct Team {
    keys: Ranked<Key>,
}

/// A key's places, the one last that it can best do without: of the lowest class, the newest.
type Key = BTreeSet<(u8, Ticket)>;

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Self { held: BTreeMap::new(), by_count: BTreeSet::new() }
    }
}

impl<T: Default> Ranked<T> {
    fn count(&self, owner: Owner) -> usize {
        self.held.get(&owner).map_or(0, |(count, _)| *count)
    }

    /// Changes what an owner has by one, up or down.
    fn change(&mut self, owner: Owner, is_one_more: bool, change: impl FnOnce(&mut T)) {
        let (count, held) = self.held.entry(owner).or_default();
        self.by_count.remove(&(*count, owner));
        *count = if is_one_more { *count + 1 } else { count.saturating_sub(1) };
        change(held);
        if *count == 0 {
            self.held.remove(&owner);
        } else {
            self.by_count.insert((*count, owner));
        }
    }

    /// Who holds most, with how many.
    fn most(&self) -> Option<(usize, Owner)> {
        self.by_count.last().copied()
    }
}

impl Holdings {
    pub fn add(&mut self, team: Owner, key: Owner, class: u8, ticket: Ticket) {
        let of_key = |places: &mut Key| {
            places.insert((class, ticket));
        };
        self.teams.change(team, true, |team| team.keys.change(key, true, of_key));
    }

    pub fn drop_one(&mut self, team: Owner, key: Owner, class: u8, ticket: Ticket) {
        let of_key = |places: &mut Key| {
            places.remove(&(class, ticket));
        };
        self.teams.change(team, false, |team| team.keys.change(key, false, of_key));
    }

    /// The place that a newcomer of a team and key takes over: of the team that has most, where it would still have at least as many
    /// as the newcomer's; else of the newcomer's own team in the same way between its keys.
    pub fn most_of_another(&self, team: Owner, key: Owner) -> Option<Ticket> {
        let (most, largest) = self.teams.most()?;
        let is_others = largest != team && most > self.teams.count(team) + 1;
        let (_, from) = self.teams.held.get(if is_others { &largest } else { &team })?;
        let (most, largest) = from.keys.most()?;
        if !is_others && (largest == key || most <= from.keys.count(key) + 1) {
            return None;
        }
        let (_, places) = from.keys.held.get(&largest)?;
        places.last().map(|(_, ticket)| *ticket)
    }
}
