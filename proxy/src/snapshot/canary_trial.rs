//! How a deployment on trial does of late: after too many failures it gets no share any more, until an operator sets the trial anew.
//!
//! Each replica keeps its own count: a trial that fails does so on all of them.

use deltallm_routing::trial::Trial;
use deltallm_shared::routing::Canary;
use parking_lot::Mutex;

/// See the module.
#[derive(Default)]
pub struct CanaryTrial(Mutex<Standing>);

#[derive(Default)]
struct Standing {
    /// The settings that the trial is under.
    terms: Option<Canary>,
    trial: Trial,
}

impl CanaryTrial {
    /// Begins anew where the settings have changed.
    pub fn under(&self, terms: Option<&Canary>) {
        let mut standing = self.0.lock();
        if standing.terms.as_ref() != terms {
            *standing = Standing { terms: terms.cloned(), ..Standing::default() };
        }
    }

    /// Whether the trial has failed.
    pub fn is_returned(&self) -> bool {
        self.0.lock().trial.has_failed()
    }

    /// A request of the trial ended. True: with this one the trial has failed.
    pub fn count(&self, has_failed: bool) -> bool {
        let Standing { terms, trial } = &mut *self.0.lock();
        terms.as_ref().is_some_and(|terms| trial.count(terms, has_failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(percent: u8) -> Canary {
        serde_json::from_value(serde_json::json!({ "tag": "new", "percent": percent, "min_requests": 4 })).unwrap()
    }

    #[test]
    fn a_trial_that_fails_too_often_is_over_until_its_terms_change() {
        let trial = CanaryTrial::default();
        trial.under(Some(&terms(5)));
        assert!(!trial.count(true) && !trial.count(false) && !trial.count(false), "three say nothing yet");
        assert!(trial.count(false) && trial.is_returned(), "one of four is more than 20 of a hundred");
        assert!(!trial.count(true), "told once");
        trial.under(Some(&terms(5)));
        assert!(trial.is_returned());
        trial.under(Some(&terms(10)));
        assert!(!trial.is_returned());
    }

    #[test]
    fn a_trial_that_does_well_goes_on() {
        let trial = CanaryTrial::default();
        trial.under(Some(&terms(5)));
        assert!((0..100).all(|number| !trial.count(number % 10 == 9)));
    }
}
