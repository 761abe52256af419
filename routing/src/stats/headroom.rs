//! How much room the scarcest of several limits leaves.

use crate::tick::Tick;

/// All of it, in parts.
const WHOLE: u32 = 1_000_000;

/// What is left so far, limit by limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leeway {
    pub(super) headroom_ppm: u32,
    pub(super) has_room: bool,
    /// When it has room again, where it has none and that is known.
    pub(super) room_at: Option<Tick>,
}

impl Leeway {
    /// Without limits.
    pub(super) const ALL: Self = Self { headroom_ppm: WHOLE, has_room: true, room_at: None };

    /// One more limit: what is left of it, and what this request wants. Whoever wants more than the whole limit is let through where
    /// nothing of it is used: it is an estimate, and waiting would not make it smaller. `opens_at`: when there is room again, asked
    /// only where there is none.
    pub(super) fn narrow(&mut self, limit: u64, left: u64, wanted: u64, opens_at: impl FnOnce() -> Option<Tick>) {
        let left = left.min(limit);
        let share = (u128::from(left) * u128::from(WHOLE)).checked_div(u128::from(limit)).unwrap_or(0);
        self.headroom_ppm = self.headroom_ppm.min(u32::try_from(share).unwrap_or(WHOLE));
        let fits = left >= wanted || (left == limit && limit > 0);
        if fits {
            return;
        }
        // All of them have to have room; where one does not say when, nobody knows.
        let opens_at = opens_at();
        self.room_at =
            if self.has_room { opens_at } else { self.room_at.zip(opens_at).map(|(one, other)| one.max(other)) };
        self.has_room = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scarcest_limit_says_how_much_is_left() {
        let mut room = Leeway::ALL;
        room.narrow(100, 40, 1, || None);
        room.narrow(10, 9, 1, || None);
        assert_eq!(room, Leeway { headroom_ppm: 400_000, ..Leeway::ALL });
        room.narrow(1000, 500, 501, || None);
        assert_eq!(room, Leeway { headroom_ppm: 400_000, has_room: false, room_at: None });
    }

    #[test]
    fn there_is_room_when_all_have_some() {
        let mut room = Leeway::ALL;
        room.narrow(10, 5, 1, || Some(Tick(90)));
        assert_eq!(room.room_at, None, "there is room");
        room.narrow(10, 0, 1, || Some(Tick(50)));
        room.narrow(10, 0, 1, || Some(Tick(70)));
        room.narrow(10, 0, 1, || Some(Tick(60)));
        assert_eq!(room.room_at, Some(Tick(70)));
        room.narrow(10, 0, 1, || None);
        room.narrow(10, 0, 1, || Some(Tick(80)));
        assert_eq!(room.room_at, None);
    }

    #[test]
    fn a_limit_of_nothing_leaves_nothing_and_a_giant_is_let_through_alone() {
        let mut room = Leeway::ALL;
        room.narrow(1000, 1000, 5000, || None);
        assert_eq!(room, Leeway::ALL);
        room.narrow(0, 0, 1, || None);
        assert_eq!(room, Leeway { headroom_ppm: 0, has_room: false, room_at: None });
    }
}
