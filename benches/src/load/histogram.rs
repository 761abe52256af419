//! Durations, counted in an HDR histogram: microseconds out, nanoseconds inside.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Longest duration told apart; longer ones count as this.
const LONGEST_NS: u64 = 600_000_000_000;

/// A histogram of durations with three significant digits.
pub struct Durations(Histogram<u64>);

/// The usual points of a distribution, in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many durations were counted.
    pub count: u64,
    /// The shortest.
    pub min_us: u64,
    /// Half were at most this long.
    pub p50_us: u64,
    /// 90 % were at most this long.
    pub p90_us: u64,
    /// 99 % were at most this long.
    pub p99_us: u64,
    /// 99.9 % were at most this long.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Durations {
    pub fn new() -> Result<Self, String> {
        Histogram::new_with_bounds(1, LONGEST_NS, 3).map(Self).map_err(|error| format!("no histogram: {error}"))
    }

    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(LONGEST_NS);
        self.0.saturating_record(nanos.max(1));
    }

    pub fn add(&mut self, other: &Self) -> Result<(), String> {
        self.0.add(&other.0).map_err(|error| format!("histograms do not add up: {error}"))
    }

    pub fn quantiles(&self) -> Quantiles {
        let at = |quantile| self.0.value_at_quantile(quantile) / 1_000;
        if self.0.is_empty() {
            return Quantiles::default();
        }
        Quantiles {
            count: self.0.len(),
            min_us: self.0.min() / 1_000,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.0.max() / 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_microseconds() -> Result<(), String> {
        let mut durations = Durations::new()?;
        for ms in 1..=100 {
            durations.record(Duration::from_millis(ms));
        }
        let quantiles = durations.quantiles();
        assert_eq!(quantiles.count, 100);
        assert!((49_900..=50_100).contains(&quantiles.p50_us), "{}", quantiles.p50_us);
        assert!((98_900..=99_100).contains(&quantiles.p99_us), "{}", quantiles.p99_us);
        Ok(())
    }
}
