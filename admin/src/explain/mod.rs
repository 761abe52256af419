//! From a recorded call to an explanation of it: names joined in, figures put into words.

mod words;

use std::collections::HashMap;

use deltallm_shared::{
    control::DeploymentRecord,
    ids::DeploymentId,
    money::NanoUsd,
    routing::{AttemptEnd, AttemptTrace, CandidateTrace, Choice, RouteTrace},
};

use crate::views::{
    explain::{AttemptView, CandidateView, ChoiceView, DeploymentName, ExplainView},
    request::RequestView,
    routing,
};

/// Explains a call. `trace`: what was recorded of its way; `beside`: events that belong to it.
pub fn explain(
    request: RequestView,
    trace: Option<RouteTrace>,
    beside: Vec<RequestView>,
    deployments: &[DeploymentRecord],
) -> ExplainView {
    let names = Names::of(deployments, &request);
    let is_traced = trace.is_some();
    let trace = trace.unwrap_or_else(|| derived(&request));
    let choices: Vec<_> = trace.choices.iter().map(|choice| names.choice(choice)).collect();
    let attempts: Vec<_> = trace.attempts.iter().map(|attempt| names.attempt(attempt)).collect();
    let beside_cost =
        beside.iter().filter_map(|event| event.cost_usd).fold(0_i64, |sum, cost| sum.saturating_add(cost.0));
    ExplainView {
        summary: summary(&request, &trace, &attempts, &beside, NanoUsd(beside_cost)),
        is_traced,
        queued_us: trace.queued_us,
        mirrored_to: trace.mirrored_to,
        choices,
        attempts,
        beside,
        beside_cost_usd: NanoUsd(beside_cost),
        request,
    }
}

/// What follows from a call without a trace: who answered, and in what time.
fn derived(request: &RequestView) -> RouteTrace {
    let attempt = request.deployment_id.filter(|_| request.attempts > 0).map(|id| {
        let at_us = request.overhead_us.unsigned_abs();
        let is_answer = request.outcome == "completed" && request.status < 400;
        AttemptTrace {
            deployment_id: DeploymentId(id),
            model: request.model.clone(),
            at_us,
            waited_us: 0,
            first_token_us: None,
            duration_us: request.duration_ms.unsigned_abs().saturating_mul(1000).saturating_sub(at_us),
            // The client's status is the provider's only where it is the answer's.
            status: is_answer.then(|| u16::try_from(request.status).ok()).flatten(),
            end: match request.outcome.as_str() {
                "client_closed" | "interrupted" => AttemptEnd::Interrupted,
                _ if is_answer => AttemptEnd::Answered,
                _ => AttemptEnd::Failed,
            },
            fault: None,
            is_hedge: false,
        }
    });
    RouteTrace { attempts: attempt.into_iter().collect(), ..RouteTrace::default() }
}

fn summary(
    request: &RequestView,
    trace: &RouteTrace,
    attempts: &[AttemptView],
    beside: &[RequestView],
    beside_cost: NanoUsd,
) -> String {
    let mut said = Vec::new();
    if trace.queued_us > 0 {
        said.push(format!("It waited {} for a place.", words::time(trace.queued_us)));
    }
    let failed = attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Failed).count();
    match attempts.iter().find(|attempt| attempt.end == AttemptEnd::Answered) {
        Some(answered) => {
            let before = match failed {
                0 => String::new(),
                _ => format!(", after {}", words::count(failed, "failed attempt")),
            };
            said.push(format!("`{}` answered{before}.", answered.deployment.label));
            if answered.model != request.model {
                said.push(format!("It is of the group `{}`, which stands in for `{}`.", answered.model, request.model));
            }
            if answered.is_hedge {
                said.push("It was asked second, while the first one was slow.".to_owned());
            }
        }
        None if attempts.is_empty() => {
            let code = request.error_code.as_ref().map(|code| format!(" (`{code}`)")).unwrap_or_default();
            said.push(format!("No deployment was asked; the caller was given status {}{code}.", request.status));
        }
        None => {
            said.push(format!(
                "No attempt answered ({} made); the caller was given status {}.",
                words::count(attempts.len(), "attempt"),
                request.status
            ));
        }
    }
    let recorded = i32::try_from(attempts.len()).unwrap_or(i32::MAX);
    if request.attempts > recorded {
        said.push(format!("Of {} attempts {recorded} are on record.", request.attempts));
    }
    if let Some(shadow) = &trace.mirrored_to {
        said.push(format!("A copy went to `{shadow}`."));
    }
    if !beside.is_empty() {
        said.push(format!("Beside it, {beside_cost} USD were paid that the caller is not billed for."));
    }
    said.join(" ")
}

/// What deployments are called.
struct Names(HashMap<DeploymentId, DeploymentName>);

impl Names {
    fn of(deployments: &[DeploymentRecord], request: &RequestView) -> Self {
        let mut names = HashMap::new();
        // One that is there no more is known by what the call recorded of it.
        if let (Some(id), Some(provider), Some(model)) =
            (request.deployment_id, &request.provider, &request.upstream_model)
        {
            names.insert(DeploymentId(id), name(DeploymentId(id), provider, model));
        }
        for record in deployments {
            names.insert(record.id, name(record.id, &record.provider, &record.upstream_model));
        }
        Self(names)
    }

    fn find(&self, id: DeploymentId) -> DeploymentName {
        let gone = || DeploymentName { id, provider: None, upstream_model: None, label: id.to_string() };
        self.0.get(&id).cloned().unwrap_or_else(gone)
    }

    fn choice(&self, choice: &Choice) -> ChoiceView {
        let chosen = choice.chosen.map(|id| self.find(id));
        let number = choice.candidates.len() + usize::try_from(choice.omitted).unwrap_or(0);
        let among = words::count(number, "deployment");
        let strategy = choice.strategy.name();
        let why = choice.fallback.map(|kind| format!("{} ", words::fallback(kind))).unwrap_or_default();
        let sentence = match &chosen {
            Some(chosen) => {
                format!("{why}`{}` was chosen among {among} of `{}` by `{strategy}`.", chosen.label, choice.model)
            }
            None => format!("{why}None of {among} of `{}` could be asked.", choice.model),
        };
        ChoiceView {
            model: choice.model.clone(),
            strategy: choice.strategy,
            fallback: choice.fallback,
            at_us: choice.at_us,
            candidates: choice.candidates.iter().map(|candidate| self.candidate(choice, candidate)).collect(),
            chosen,
            omitted: choice.omitted,
            score_meaning: routing::score(choice.strategy),
            sentence,
        }
    }

    fn candidate(&self, choice: &Choice, candidate: &CandidateTrace) -> CandidateView {
        let is_chosen = choice.chosen == Some(candidate.deployment_id);
        let score = candidate.score.map(|score| words::score(choice.strategy, score));
        let figure = score.map(|score| format!(" ({score})")).unwrap_or_default();
        let sentence = match (is_chosen, candidate.skipped) {
            // Rules give way before nobody is asked; what spoke against it is worth knowing all the same.
            (true, Some(reason)) => {
                format!("It was chosen{figure}, since nobody else was left. {}", words::skip(reason))
            }
            (true, None) => format!("It was chosen{figure}."),
            (false, Some(reason)) => words::skip(reason).to_owned(),
            (false, None) => format!("It could have been chosen{figure}."),
        };
        CandidateView {
            deployment: self.find(candidate.deployment_id),
            is_chosen,
            score: candidate.score,
            skipped: candidate.skipped,
            sentence,
        }
    }

    fn attempt(&self, attempt: &AttemptTrace) -> AttemptView {
        let said =
            words::attempt(attempt.end, attempt.fault, attempt.status, attempt.first_token_us, attempt.duration_us);
        let waited = match attempt.waited_us {
            0 => String::new(),
            us => format!("After a wait of {}: ", words::time(us)),
        };
        AttemptView {
            deployment: self.find(attempt.deployment_id),
            model: attempt.model.clone(),
            at_us: attempt.at_us,
            waited_us: attempt.waited_us,
            first_token_us: attempt.first_token_us,
            duration_us: attempt.duration_us,
            status: attempt.status,
            end: attempt.end,
            fault: attempt.fault,
            is_hedge: attempt.is_hedge,
            sentence: format!("{waited}{said}"),
        }
    }
}

fn name(id: DeploymentId, provider: &str, model: &str) -> DeploymentName {
    let (provider, model) = (provider.to_owned(), model.to_owned());
    DeploymentName { id, label: format!("{provider}/{model}"), provider: Some(provider), upstream_model: Some(model) }
}
