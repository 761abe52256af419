//! A waiting time drawn from a hash: −log₂ of an even figure between 0 and 1, which is how long one waits for what comes by chance.
//! In whole numbers, so that every replica, of whatever processor, comes to the same one.

/// Bits behind the point.
const POINT: u32 = 40;
/// Segments of the table are two to this power.
const SEGMENT_BITS: u32 = 8;
const SEGMENTS: usize = 1 << SEGMENT_BITS;

/// log₂(1 + i/256), with [`POINT`] bits behind the point, made by the compiler.
static LOGARITHMS: [u64; SEGMENTS + 1] = {
    let mut table = [0; SEGMENTS + 1];
    let mut i = 0;
    while i < SEGMENTS {
        table[i] = log2_fraction((1 << 62) + ((i as u128) << (62 - SEGMENT_BITS)));
        i += 1;
    }
    table[SEGMENTS] = 1 << POINT;
    table
};

/// The logarithm to base two of a figure between 1 and 2 that has 62 bits behind the point: each squaring gives one bit more.
const fn log2_fraction(figure: u128) -> u64 {
    let (mut figure, mut bits, mut log) = (figure, 0, 0_u64);
    while bits < POINT {
        figure = (figure * figure) >> 62;
        log <<= 1;
        if figure >= 1 << 63 {
            figure >>= 1;
            log |= 1;
        }
        bits += 1;
    }
    log
}

/// The waiting time for a hash, with 40 bits behind the point; never 0. Between the entries of the table it is interpolated; the error is
/// below 3 millionths of one, which shifts a share among a hundred deployments by less than a thousandth of itself.
pub(crate) fn waiting_time(hash: u64) -> u64 {
    let figure = hash | 1;
    let whole = figure.leading_zeros();
    // The figure without its leading one: its top bits are the segment, the next 24 the place within it.
    let fraction = (figure << whole) << 1;
    let segment = usize::try_from(fraction >> (64 - SEGMENT_BITS)).unwrap_or(0);
    let place = (fraction << SEGMENT_BITS) >> 40;
    let (low, high) =
        (LOGARITHMS.get(segment).copied().unwrap_or(0), LOGARITHMS.get(segment + 1).copied().unwrap_or(1 << POINT));
    let log = low + (((high - low) * place) >> 24);
    ((u64::from(whole) + 1) << POINT).saturating_sub(log).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_logarithm() {
        for step in 1..=4000_u64 {
            let hash = step * (u64::MAX / 4001);
            let exact = -((hash as f64) / 2_f64.powi(64)).log2();
            let ours = waiting_time(hash) as f64 / 2_f64.powi(40);
            assert!((exact - ours).abs() < 3e-6, "{hash}: {exact} {ours}");
        }
    }

    #[test]
    fn the_ends_hold() {
        assert_eq!(waiting_time(0), 64 << POINT);
        assert!((1..1 << 10).contains(&waiting_time(u64::MAX)));
        assert_eq!(waiting_time(1 << 63), 1 << POINT);
    }
}
