//! Turns: everybody in the ring has one before anybody has a second one. Who joins, or was served, goes to the end.

use std::collections::BTreeMap;

use super::Owner;

/// See the module.
#[derive(Debug)]
pub(super) struct Ring<T> {
    turns: BTreeMap<u64, Owner>,
    members: BTreeMap<Owner, Member<T>>,
    last: u64,
}

#[derive(Debug, Default)]
struct Member<T> {
    turn: u64,
    held: T,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { turns: BTreeMap::new(), members: BTreeMap::new(), last: 0 }
    }
}

impl<T: Default> Ring<T> {
    /// What a member holds; a new one joins at the end.
    pub fn join(&mut self, owner: Owner) -> &mut T {
        let member = self.members.entry(owner).or_insert_with(|| {
            self.last += 1;
            self.turns.insert(self.last, owner);
            Member { turn: self.last, held: T::default() }
        });
        &mut member.held
    }

    /// What the member holds whose turn it is; it goes to the end.
    pub fn take_turn(&mut self) -> Option<&mut T> {
        let (_, owner) = self.turns.pop_first()?;
        let member = self.members.get_mut(&owner)?;
        self.last += 1;
        member.turn = self.last;
        self.turns.insert(self.last, owner);
        Some(&mut member.held)
    }

    /// What a member holds.
    pub fn get_mut(&mut self, owner: Owner) -> Option<&mut T> {
        self.members.get_mut(&owner).map(|member| &mut member.held)
    }

    /// Leaves the ring.
    pub fn leave(&mut self, owner: Owner) {
        if let Some(member) = self.members.remove(&owner) {
            self.turns.remove(&member.turn);
        }
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}
