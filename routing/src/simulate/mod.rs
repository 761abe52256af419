//! What a policy would do: traffic that is made up or was recorded, deployments that answer as they are said to, and the code that
//! routes real requests in between. Time is virtual, chance is a seed: the same scenario has the same outcome.
//!
//! One group is simulated. Fallback groups, hedging, mirroring and the queue are not: a request that would go to another group, or
//! wait for a place, counts as an error here.
//!
//! | module | is |
//! |---|---|
//! | `scenario` | what is asked |
//! | `traffic` | when requests come |
//! | `upstream` | how deployments answer |
//! | `clockwork` | what happens, in the order of time |
//! | `request` | the attempts of one request |
//! | `tally`, `outcome` | what came of it |

mod clockwork;
mod outcome;
mod request;
mod scenario;
mod tally;
mod traffic;
mod upstream;

pub use outcome::{DeploymentOutcome, ErrorCount, Outcome, Pause, Quantiles, SampledChoice};
pub use scenario::{Arrival, Failures, Scenario, ScenarioError, SimulatedDeployment, SyntheticTraffic, Times, Traffic};

/// Runs a scenario. At most [`Scenario::MAX_REQUESTS`] requests, so it ends within a second or two.
pub fn simulate(scenario: &Scenario) -> Result<Outcome, ScenarioError> {
    scenario.check()?;
    Ok(clockwork::Clockwork::new(scenario, traffic::arrivals(scenario)?).run())
}

#[cfg(test)]
mod tests;
