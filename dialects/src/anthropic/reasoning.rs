//! Whether and how long to think: `thinking` and `output_config.effort`, read and planned.

use deltallm_shared::error::ApiError;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    json_object::{Object, Path},
    model_traits::ModelTraits,
};
use crate::{
    canonical::{ChatRequest, Effort, Reasoning, Unsupported, param_name},
    dialect::DialectId,
};

/// The least budget that Anthropic takes.
const LEAST_BUDGET: u64 = 1024;

/// What Anthropic wants as the longest answer where the client names none. A budget for thoughts is added to it.
pub const DEFAULT_MAX_TOKENS: u64 = 4096;

/// Reads `thinking`, and `effort` out of `output_config`. An effort of a later version of the API stays where it is.
/// `disabled` thinking is no effort at all, whatever `effort` says beside it.
pub(super) fn read(thinking: Option<Value>, config: &mut Map<String, Value>) -> Result<Option<Reasoning>, ApiError> {
    let effort = config.get("effort").and_then(Value::as_str).and_then(Effort::parse);
    if effort.is_some() {
        config.shift_remove("effort");
    }
    let Some(thinking) = thinking else {
        return Ok(effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }));
    };
    let mut thinking = Object::new(thinking, Path::Field(&Path::Root, "thinking"))?;
    let mut reasoning = Reasoning { effort, ..Reasoning::default() };
    match thinking.text("type")?.as_str() {
        "enabled" => {
            let budget = thinking.optional_count("budget_tokens")?;
            reasoning.budget_tokens = Some(budget.ok_or_else(|| thinking.must_be("budget_tokens", "a whole number"))?);
        }
        "adaptive" => reasoning.is_adaptive = true,
        "disabled" => reasoning.effort = Some(Effort::None),
        _ => return Err(thinking.must_be("type", "`enabled`, `adaptive` or `disabled`")),
    }
    reasoning.show = thinking.optional_text("display")?.map(|display| display != "omitted");
    Ok(Some(reasoning))
}

/// `thinking` as it is written.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Thinking {
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
}

/// What of a request is about thinking, and the longest answer, which holds the thoughts too.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub thinking: Option<Thinking>,
    pub effort: Option<&'static str>,
    pub max_tokens: u64,
}

impl Plan {
    /// Whether the model will think.
    pub fn thinks(&self) -> bool {
        !matches!(self.thinking, None | Some(Thinking::Disabled))
    }
}

/// Plans for a model. An effort becomes adaptive thinking where the model has it, else the budget of
/// [`Effort::budget_tokens`], but at least what Anthropic takes; a budget becomes an effort where the model has no budgets.
///
/// A client of another dialect does not know that the budget must be smaller than the longest answer. Its limit is never
/// raised, for it is a limit of cost: a budget that does not fit becomes half of it, and one that does not fit then either
/// (a limit of 1024 or less) cannot be had.
pub(crate) fn plan(
    request: &ChatRequest,
    model: ModelTraits,
    unsupported: &mut Unsupported<'_>,
) -> Result<Plan, ApiError> {
    let mut plan = Plan { thinking: None, effort: None, max_tokens: 0 };
    if let Some(reasoning) = &request.reasoning {
        plan_thinking(request.source, reasoning, model, &mut plan);
    }
    if let Some(Thinking::Enabled { budget_tokens, .. }) = &mut plan.thinking {
        let budget = *budget_tokens;
        match request.max_output_tokens {
            Some(limit) if budget >= limit && request.source != DialectId::AnthropicMessages => {
                *budget_tokens = (limit / 2).max(LEAST_BUDGET);
                if *budget_tokens >= limit {
                    plan.thinking = None;
                    let param = param_name(request.source, "reasoning_effort");
                    unsupported.refuse_because(param, "needs more than 1024 output tokens for")?;
                }
            }
            _ => {}
        }
    }
    let theirs = request.extra.get("thinking").and_then(|thinking| thinking.get("budget_tokens")?.as_u64());
    let budget = match (theirs, &plan.thinking) {
        (Some(budget), _) => budget,
        (None, Some(Thinking::Enabled { budget_tokens, .. })) => *budget_tokens,
        _ => 0,
    };
    plan.max_tokens = request.max_output_tokens.unwrap_or(budget.saturating_add(DEFAULT_MAX_TOKENS));
    Ok(plan)
}

fn plan_thinking(source: DialectId, reasoning: &Reasoning, model: ModelTraits, plan: &mut Plan) {
    let show = reasoning.show.or(reasoning.summary.is_some().then_some(true));
    let display = show.map(|show| if show { "summarized" } else { "omitted" });
    let effort = reasoning.effort.map(name);
    let adaptive = || Some(Thinking::Adaptive { display });
    let enabled = |budget: u64| Some(Thinking::Enabled { budget_tokens: budget.max(LEAST_BUDGET), display });
    match (reasoning.budget_tokens, reasoning.effort) {
        (Some(0), _) | (None, Some(Effort::None)) => plan.thinking = Some(Thinking::Disabled),
        (Some(budget), _) if model.has_thinking_budget => {
            plan.thinking = enabled(budget);
            plan.effort = effort;
        }
        (Some(budget), _) => {
            plan.thinking = adaptive();
            plan.effort = effort.or(Some(name(Effort::of_budget(budget))));
        }
        (None, effort_asked) if reasoning.is_adaptive => {
            if model.has_adaptive_thinking {
                plan.thinking = adaptive();
                plan.effort = effort;
            } else {
                plan.thinking = enabled(effort_asked.unwrap_or(Effort::Medium).budget_tokens());
            }
        }
        // At Anthropic an effort alone is about the whole answer and starts no thinking.
        (None, Some(_)) if source == DialectId::AnthropicMessages => plan.effort = effort,
        (None, Some(asked)) => {
            if model.has_adaptive_thinking {
                plan.thinking = adaptive();
                plan.effort = effort;
            } else {
                plan.thinking = enabled(asked.budget_tokens());
            }
        }
        (None, None) => {}
    }
}

/// Anthropic's name of an effort.
fn name(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "max",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anthropic::model_traits::traits_of;

    fn planned(model: &str, limit: Option<u64>, reasoning: Reasoning) -> Result<Plan, ApiError> {
        let mut request = ChatRequest::new(DialectId::OpenAiChat);
        request.max_output_tokens = limit;
        request.reasoning = Some(reasoning);
        plan(&request, traits_of(model), &mut Unsupported::new("anthropic", false))
    }

    fn effort(effort: Effort) -> Reasoning {
        Reasoning { effort: Some(effort), ..Reasoning::default() }
    }

    fn enabled(budget_tokens: u64) -> Thinking {
        Thinking::Enabled { budget_tokens, display: None }
    }

    #[test]
    fn an_effort_is_a_budget_for_old_models_and_adaptive_for_new_ones() {
        let old = planned("claude-sonnet-4-5", None, effort(Effort::High)).unwrap();
        assert_eq!(old, Plan { thinking: Some(enabled(4096)), effort: None, max_tokens: 8192 });
        let new = planned("claude-opus-4-7", None, effort(Effort::Max)).unwrap();
        let adaptive = Some(Thinking::Adaptive { display: None });
        assert_eq!(new, Plan { thinking: adaptive, effort: Some("max"), max_tokens: 4096 });
    }

    #[test]
    fn a_budget_is_an_effort_for_models_without_budgets() {
        let budget = Reasoning { budget_tokens: Some(4000), show: Some(false), ..Reasoning::default() };
        let plan = planned("claude-sonnet-5", Some(256), budget).unwrap();
        let adaptive = Some(Thinking::Adaptive { display: Some("omitted") });
        assert_eq!(plan, Plan { thinking: adaptive, effort: Some("high"), max_tokens: 256 });
    }

    #[test]
    fn a_budget_never_raises_the_limit_of_the_caller() {
        let fits = |limit| planned("claude-sonnet-4-5", Some(limit), effort(Effort::High));
        assert_eq!(fits(5000).unwrap().thinking, Some(enabled(4096)));
        assert_eq!(fits(4096).unwrap().thinking, Some(enabled(2048)));
        assert_eq!(fits(1025).unwrap().thinking, Some(enabled(1024)));
        assert_eq!(fits(1024).unwrap_err().param.as_deref(), Some("reasoning_effort"));
    }

    #[test]
    fn no_effort_is_no_thinking() {
        let plan = planned("claude-sonnet-4-5", Some(9), effort(Effort::None)).unwrap();
        assert_eq!(plan.thinking, Some(Thinking::Disabled));
        assert!(!plan.thinks());
    }

    #[test]
    fn what_a_client_of_anthropics_says_is_read() {
        let read = |thinking: &str, config: &str| {
            let mut config = serde_json::from_str(config).unwrap();
            read(serde_json::from_str(thinking).unwrap(), &mut config).map(|reasoning| (reasoning, config.len()))
        };
        let adaptive = Reasoning { effort: Some(Effort::Max), is_adaptive: true, ..Reasoning::default() };
        assert_eq!(read(r#"{"type":"adaptive"}"#, r#"{"effort":"xhigh"}"#).unwrap(), (Some(adaptive), 0));
        let budget = Reasoning { budget_tokens: Some(2000), show: Some(false), ..Reasoning::default() };
        let enabled = r#"{"type":"enabled","budget_tokens":2000,"display":"omitted"}"#;
        assert_eq!(read(enabled, r#"{"effort":"unheard"}"#).unwrap(), (Some(budget), 1));
        assert_eq!(read(r#"{"type":"disabled"}"#, "{}").unwrap(), (Some(effort(Effort::None)), 0));
        assert_eq!(read("null", "{}").unwrap(), (None, 0));
        let wrong = read(r#"{"type":"enabled"}"#, "{}").unwrap_err();
        assert_eq!(wrong.param.as_deref(), Some("thinking.budget_tokens"));
    }
}
