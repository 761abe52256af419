//! Forgetting: what is left of a figure after a while, in integers.

use std::time::Duration;

/// One, as a fraction of sixteen bits.
pub(super) const ONE: u64 = 1 << 16;

/// What is left of a figure that halves every `half_life`. Exact at whole half-lives, within a tenth of a percent between them.
pub(super) fn decayed(figure: u64, age: Duration, half_life: Duration) -> u64 {
    let (age, half) = (age.as_micros(), half_life.as_micros().max(1));
    let Some(halvings) = u32::try_from(age / half).ok().filter(|halvings| *halvings < 64) else { return 0 };
    let part = u64::try_from(((age % half) << 16) / half).unwrap_or(ONE);
    // 2^-x for x below one, as the beginning of its series; the last term makes it exactly a half at one.
    let square = (part * part) >> 16;
    let cube = (square * part) >> 16;
    let left = ONE + ((15_742 * square) >> 16) - ((45_426 * part) >> 16) - ((3_084 * cube) >> 16);
    let scaled = (u128::from(figure) * u128::from(left)) >> 16;
    u64::try_from(scaled).unwrap_or(u64::MAX) >> halvings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HALF: Duration = Duration::from_secs(30);

    #[test]
    fn it_halves_in_a_half_life() {
        assert_eq!(decayed(1_000_000, Duration::ZERO, HALF), 1_000_000);
        assert_eq!(decayed(1_000_000, HALF, HALF), 500_000);
        assert_eq!(decayed(1_000_000, 3 * HALF, HALF), 125_000);
        let between = decayed(1_000_000, HALF / 2, HALF);
        assert!((706_000..708_500).contains(&between), "{between}");
        assert_eq!(decayed(u64::MAX, Duration::MAX, HALF), 0);
    }

    proptest! {
        #[test]
        fn more_time_never_leaves_more(figure: u64, age in 0_u64..4_000_000_000, more in 0_u64..4_000_000_000) {
            let sooner = decayed(figure, Duration::from_micros(age), HALF);
            // The series is cut to whole parts of 65,536.
            let grain = figure >> 14;
            prop_assert!(decayed(figure, Duration::from_micros(age + more), HALF) <= sooner.saturating_add(grain));
        }
    }
}
