//! From what a caller wants to try to a scenario, and from its outcome to what is told.
//!
//! Deployments of a group answer as they did on record: the times of attempts that answered, and the shares of those that failed.

use deltallm_routing::simulate::{Failures, Outcome, Scenario, SimulatedDeployment, Times};
use deltallm_shared::{
    control::DeploymentRecord,
    ids::DeploymentId,
    money::NanoUsd,
    pricing::{AppliedPrices, Usage},
    routing::{Fault, RoutingSettings},
};

use crate::{
    explain::Names,
    repository::routing_record::{AttemptsRow, CostRow},
    views::{
        explain::DeploymentName,
        routing::filled,
        simulation::{
            ErrorCountView, SampledChoiceView, SimulatedDeploymentDraft, SimulatedDeploymentView, SimulationView,
            made_up,
        },
    },
};

/// What is on record of a group.
#[derive(Debug, Default)]
pub struct OnRecord {
    /// Its attempts, by deployment and by how they ended.
    pub attempts: Vec<AttemptsRow>,
    /// What its answers cost.
    pub costs: Vec<CostRow>,
}

/// A deployment that takes part.
#[derive(Debug)]
pub struct Participant {
    /// How it answers.
    pub simulated: SimulatedDeployment,
    name: DeploymentName,
    source: &'static str,
}

impl Participant {
    /// A deployment as a caller describes it. `record`: the one that it names by its id.
    pub fn new(
        draft: SimulatedDeploymentDraft,
        index: usize,
        record: Option<&DeploymentRecord>,
        on_record: &OnRecord,
        tokens: u64,
    ) -> Self {
        let id = record.map_or_else(|| made_up(index), |record| record.id);
        let measured = Measured::of(id, on_record);
        let is_given = draft.total.is_some() || draft.first_token.is_some() || draft.failures.is_some();
        let source = match (is_given, &measured) {
            (true, _) => "given",
            (false, Some(_)) => "record",
            (false, None) => "default",
        };
        let measured = measured.unwrap_or_default();
        let usual = record.map(|record| format!("{}/{}", record.provider, record.upstream_model));
        let label = draft.name.or(usual).unwrap_or_else(|| format!("deployment {}", index + 1));
        let price = draft.price_usd.or_else(|| price(id, record?, on_record, tokens));
        let total = draft.total.unwrap_or(measured.total);
        Self {
            simulated: SimulatedDeployment {
                id,
                name: label.clone(),
                weight: draft.weight.or(record.map(|record| record.weight)).unwrap_or(1),
                priority: draft.priority.or(record.map(|record| record.priority)).unwrap_or(0),
                tags: draft.tags.or(record.map(|record| record.tags.clone())).unwrap_or_default(),
                rpm: draft.rpm.or_else(|| record?.rpm),
                tpm: draft.tpm.or_else(|| record?.tpm),
                parallel: draft.max_parallel_requests.or_else(|| record?.max_parallel_requests),
                first_token: draft.first_token.or(measured.first_token).unwrap_or(total),
                total,
                failures: draft.failures.unwrap_or(measured.failures),
                price,
            },
            name: DeploymentName {
                id,
                provider: record.map(|record| record.provider.clone()),
                upstream_model: record.map(|record| record.upstream_model.clone()),
                label,
            },
            source,
        }
    }
}

/// What an answer costs: as on record, else by its prices for so many tokens, three quarters of them input.
fn price(id: DeploymentId, record: &DeploymentRecord, on_record: &OnRecord, tokens: u64) -> Option<NanoUsd> {
    let paid = on_record.costs.iter().find(|row| row.deployment_id == id.0).map(|row| NanoUsd(row.mean_nano_usd));
    paid.or_else(|| {
        let output_tokens = tokens / 4;
        let usage = Usage { input_tokens: tokens - output_tokens, output_tokens, ..Usage::default() };
        AppliedPrices::resolve(&record.provider, &record.upstream_model, record.prices).cost(&usage)
    })
}

/// How a deployment answered.
#[derive(Debug, Default)]
struct Measured {
    total: Times,
    first_token: Option<Times>,
    failures: Vec<Failures>,
}

impl Measured {
    /// `None`: nothing is on record.
    fn of(id: DeploymentId, on_record: &OnRecord) -> Option<Self> {
        let of_it = || on_record.attempts.iter().filter(|row| row.deployment_id == id.0);
        let all: i64 = of_it().map(|row| row.count).sum();
        let mut measured = Self::default();
        for row in of_it() {
            let Some(fault) = &row.fault else {
                measured.total = times(row.mean_us, row.p95_us);
                measured.first_token =
                    row.first_token_mean_us.zip(row.first_token_p95_us).map(|(mean, p95)| times(mean, p95));
                continue;
            };
            let share = u8::try_from((row.count * 100 + all / 2) / all.max(1)).unwrap_or(100);
            // Of a class that is not known here, or too few to be one of a hundred.
            let fault = serde_json::from_value::<Fault>(fault.as_str().into()).unwrap_or(Fault::Server);
            if share > 0 {
                let after_ms = times(row.mean_us, row.p95_us).mean_ms;
                let (retry_after_ms, from_ms, until_ms) = (None, 0, None);
                measured.failures.push(Failures { fault, percent: share, after_ms, retry_after_ms, from_ms, until_ms });
            }
        }
        (all > 0).then_some(measured)
    }
}

/// A request takes a millisecond at least.
fn times(mean_us: i64, p95_us: i64) -> Times {
    let ms = |us: i64| (us.unsigned_abs() / 1000).clamp(1, Scenario::MAX_MS);
    Times { mean_ms: ms(mean_us), p95_ms: ms(p95_us) }
}

/// What is told of an outcome.
pub fn tell(settings: &RoutingSettings, participants: Vec<Participant>, outcome: Outcome) -> SimulationView {
    let names = Names::new(participants.iter().map(|participant| participant.name.clone()));
    let choices = outcome
        .choices
        .iter()
        .map(|sample| SampledChoiceView { request: sample.request, choice: names.choice(&sample.choice) });
    let choices = choices.collect();
    let errors = outcome.errors.into_iter().map(|error| ErrorCountView { reason: error.reason, count: error.count });
    let deployments =
        participants.into_iter().zip(outcome.deployments).map(|(participant, of_it)| SimulatedDeploymentView {
            deployment: participant.name,
            source: participant.source,
            first_token: participant.simulated.first_token,
            total: participant.simulated.total,
            failures: participant.simulated.failures,
            first_choices: of_it.first_choices,
            attempts: of_it.attempts,
            answered: of_it.answered,
            failed: of_it.failures,
            share_ppm: of_it.share_ppm,
            spend_usd: of_it.spend,
            pauses: of_it.pauses,
            pause_count: of_it.pause_count,
            is_canary_returned: of_it.is_canary_returned,
        });
    SimulationView {
        settings: filled(settings),
        requests: outcome.requests,
        answered: outcome.answered,
        client_errors: outcome.client_errors,
        errors: errors.collect(),
        attempts: outcome.attempts,
        total: outcome.total,
        first_content: outcome.first_content,
        spend_usd: outcome.spend,
        unpriced: outcome.unpriced,
        deployments: deployments.collect(),
        choices,
    }
}
