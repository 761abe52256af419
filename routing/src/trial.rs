//! Whether a deployment on trial fails too often: a count of its latest requests.

use deltallm_shared::routing::Canary;

/// How many times `min_requests` are remembered.
const SPANS: u64 = 4;
/// At least so many are, or a few failures in a row would weigh too much.
const FEWEST: u64 = 200;

/// See the module. What is remembered is halved now and then, so that what was long ago cannot outweigh what happens now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trial {
    requests: u64,
    failures: u64,
    has_failed: bool,
}

impl Trial {
    /// A request of the trial ended. True: with this one the trial has failed; told once.
    pub fn count(&mut self, terms: &Canary, is_failure: bool) -> bool {
        let (min, most) = (u64::from(terms.min_requests), u64::from(terms.max_error_percent));
        if self.requests >= (min * SPANS).max(FEWEST) {
            (self.requests, self.failures) = (self.requests / 2, self.failures / 2);
        }
        self.requests += 1;
        self.failures += u64::from(is_failure);
        let is_over = self.requests >= min && self.failures * 100 > self.requests * most;
        is_over && !std::mem::replace(&mut self.has_failed, true)
    }

    /// Whether it has failed.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(min_requests: u32) -> Canary {
        Canary { deployment_id: None, tag: Some("new".into()), percent: 5, max_error_percent: 20, min_requests }
    }

    #[test]
    fn one_that_did_well_for_long_can_still_fail() {
        for (min_requests, most) in [(20, 60), (1_000, 1_200)] {
            let (mut trial, terms) = (Trial::default(), terms(min_requests));
            assert!((0..100_000).all(|number| !trial.count(&terms, number % 10 == 9)), "every tenth is few enough");
            let until = (1..=most).find(|_| trial.count(&terms, true));
            assert!(until.is_some(), "{min_requests}: it breaks down entirely");
            assert!(trial.has_failed() && !trial.count(&terms, true), "told once");
        }
    }

    #[test]
    fn a_few_say_nothing() {
        let (mut trial, terms) = (Trial::default(), terms(4));
        assert!(!trial.count(&terms, true) && !trial.count(&terms, true) && !trial.count(&terms, true));
        assert!(trial.count(&terms, false));
    }
}
