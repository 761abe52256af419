//! How much room the scarcest of several limits leaves.

/// All of it, in parts.
const WHOLE: u32 = 1_000_000;

/// What is left so far, limit by limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) headroom_ppm: u32,
    pub(super) has_room: bool,
}

impl Room {
    /// Without limits.
    pub(super) const ALL: Self = Self { headroom_ppm: WHOLE, has_room: true };

    /// One more limit: what is left of it, and what this request wants. Whoever wants more than the whole limit is let through where
    /// nothing of it is used: it is an estimate, and waiting would not make it smaller.
    pub(super) fn narrow(&mut self, limit: u64, left: u64, wanted: u64) {
        let left = left.min(limit);
        let share = (u128::from(left) * u128::from(WHOLE)).checked_div(u128::from(limit)).unwrap_or(0);
        self.headroom_ppm = self.headroom_ppm.min(u32::try_from(share).unwrap_or(WHOLE));
        let fits = left >= wanted || (left == limit && limit > 0);
        self.has_room = self.has_room && fits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scarcest_limit_says_how_much_is_left() {
        let mut room = Room::ALL;
        room.narrow(100, 40, 1);
        room.narrow(10, 9, 1);
        assert_eq!(room, Room { headroom_ppm: 400_000, has_room: true });
        room.narrow(1000, 500, 501);
        assert_eq!(room, Room { headroom_ppm: 400_000, has_room: false });
    }

    #[test]
    fn a_limit_of_nothing_leaves_nothing_and_a_giant_is_let_through_alone() {
        let mut room = Room::ALL;
        room.narrow(1000, 1000, 5000);
        assert_eq!(room, Room::ALL);
        room.narrow(0, 0, 1);
        assert_eq!(room, Room { headroom_ppm: 0, has_room: false });
    }
}
