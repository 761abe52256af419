//! The line in front of a group that is full: who waits, and who is let in next.
//!
//! Bounded and fair. Sans-IO: it holds tickets, not requests; who waits on a ticket is the caller's business.
//!
//! - **Class**: 0 comes first. A class costs waiting time: an entry of class `c` is due `c × ageing` after it came, and the class of
//!   the entry that is due first is served. So a class goes before the next one, but an entry that has waited for `ageing` longer
//!   than one of the class before it has caught up: the lowest class waits, and is never starved.
//! - **Teams, then keys**: within a class every team that waits has its turn, and within a team every key, one request at a time. It
//!   is virtual-time fair queueing in which each request counts 1. Who asks often waits behind its own requests, not others behind it.
//! - **First come, first served** within a key.
//! - **Places**: when all are taken, one who has fewer of them takes the newest one of who has most, so that nobody can shut others
//!   out by asking a lot.
//!
//! Every operation takes logarithmic time.

mod holdings;
mod ring;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use self::{holdings::Holdings, ring::Ring};
use crate::tick::Tick;

/// The last class.
pub const LAST_CLASS: u8 = 9;

/// Says which entry is meant; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A team or a key, by any figure of its own.
pub type Owner = u128;

/// One who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// 0 comes first; [`LAST_CLASS`] is the last one.
    pub class: u8,
    /// Whose it is.
    pub team: Owner,
    /// Whose of the team it is.
    pub key: Owner,
    /// When it came. One who could not use its turn comes back with the time at which it came first, and keeps its place by it.
    pub came: Tick,
    /// Until when it waits.
    pub deadline: Tick,
}

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The entry's.
    pub ticket: Ticket,
    /// Who lost its place for it.
    pub displaced: Option<Ticket>,
}

/// There is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

type Tickets = BTreeSet<(Tick, Ticket)>;

/// See the module.
#[derive(Debug, Default)]
pub struct FairQueue {
    most: usize,
    ageing: Duration,
    entries: BTreeMap<Ticket, Waiting>,
    /// By when they are due: the first one says which class is served.
    due: Tickets,
    /// By when they are given up.
    deadlines: Tickets,
    classes: BTreeMap<u8, Ring<Ring<Tickets>>>,
    holdings: Holdings,
    last: u64,
}

impl FairQueue {
    /// A line of so many places. `ageing`: how much waiting a class is worth.
    pub fn new(most: usize, ageing: Duration) -> Self {
        Self { most, ageing, ..Self::default() }
    }

    /// Changes the policy. Who waits already keeps its place, also where there are fewer now.
    pub fn set(&mut self, most: usize, ageing: Duration) {
        self.most = most;
        if ageing != self.ageing {
            self.ageing = ageing;
            self.due = self.entries.iter().map(|(ticket, waiting)| (due(waiting, ageing), *ticket)).collect();
        }
    }

    /// How many wait, those included whose time is over and who were not looked at since.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Joins the line.
    pub fn push(&mut self, now: Tick, waiting: Waiting) -> Result<Place, Full> {
        self.give_up(now);
        let waiting = Waiting { class: waiting.class.min(LAST_CLASS), ..waiting };
        let mut displaced = None;
        if self.entries.len() >= self.most {
            let newest = self.holdings.most_of_another(waiting.team, waiting.key).ok_or(Full)?;
            self.remove(newest);
            displaced = Some(newest);
        }
        self.last += 1;
        let ticket = Ticket(self.last);
        self.entries.insert(ticket, waiting);
        self.due.insert((due(&waiting, self.ageing), ticket));
        self.deadlines.insert((waiting.deadline, ticket));
        self.holdings.add(waiting.team, waiting.key, waiting.class, ticket);
        let class = self.classes.entry(waiting.class).or_default();
        class.join(waiting.team).join(waiting.key).insert((waiting.came, ticket));
        Ok(Place { ticket, displaced })
    }

    /// The next one to be let in. Those whose time is over are skipped and gone.
    pub fn pop(&mut self, now: Tick) -> Option<Ticket> {
        self.give_up(now);
        let (_, first) = self.due.first()?;
        let class = self.entries.get(first)?.class;
        let teams = self.classes.get_mut(&class)?;
        let keys = teams.take_turn()?;
        let tickets = keys.take_turn()?;
        let (_, ticket) = *tickets.first()?;
        self.remove(ticket);
        Some(ticket)
    }

    /// Leaves the line. False: it was not there any more.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        self.remove(ticket).is_some()
    }

    fn give_up(&mut self, now: Tick) {
        while let Some((deadline, ticket)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            if self.remove(ticket).is_none() {
                self.deadlines.remove(&(deadline, ticket));
            }
        }
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.entries.remove(&ticket)?;
        self.due.remove(&(due(&waiting, self.ageing), ticket));
        self.deadlines.remove(&(waiting.deadline, ticket));
        self.holdings.drop_one(waiting.team, waiting.key, waiting.class, ticket);
        if let Some(teams) = self.classes.get_mut(&waiting.class) {
            if let Some(keys) = teams.get_mut(waiting.team) {
                if let Some(tickets) = keys.get_mut(waiting.key) {
                    tickets.remove(&(waiting.came, ticket));
                    if tickets.is_empty() {
                        keys.leave(waiting.key);
                    }
                }
                if keys.is_empty() {
                    teams.leave(waiting.team);
                }
            }
            if teams.is_empty() {
                self.classes.remove(&waiting.class);
            }
        }
        Some(waiting)
    }
}

fn due(waiting: &Waiting, ageing: Duration) -> Tick {
    waiting.came.after(ageing.saturating_mul(u32::from(waiting.class)))
}

#[cfg(test)]
mod tests;
