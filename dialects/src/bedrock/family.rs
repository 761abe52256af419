//! Whose model it is. Converse is one form for all, but what it has no field for goes to the model in the words of its maker,
//! in `additionalModelRequestFields`.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json};

use crate::canonical::{ChatRequest, Effort, Reasoning, Unsupported, param_name};

/// The makers whose words we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Claude,
    Nova,
    Cohere,
    /// The open-weight models.
    OpenAi,
    /// A profile or a provisioned model, whose ARN does not say what is behind it.
    Hidden,
    Other,
}

impl Family {
    /// By the id of a model or of an inference profile: `us.anthropic.claude-…`, also within an ARN.
    pub(super) fn of(model: &str) -> Self {
        let has = |text| model.contains(text);
        if has("anthropic.") || has("claude") {
            Self::Claude
        } else if has("amazon.nova") {
            Self::Nova
        } else if has("cohere.") {
            Self::Cohere
        } else if has("openai.") || has("gpt-oss") {
            Self::OpenAi
        } else if model.starts_with("arn:") && !has("foundation-model/") {
            Self::Hidden
        } else {
            Self::Other
        }
    }

    /// Whether its prompts can be cached: others answer a `cachePoint` with an error.
    pub(super) fn has_cache_points(self) -> bool {
        matches!(self, Self::Claude | Self::Nova | Self::Hidden)
    }

    /// Adds `top_k`.
    pub(super) fn add_top_k(self, top_k: u64, fields: &mut Map<String, Value>) {
        match self {
            Self::Cohere => fields.insert("k".to_owned(), top_k.into()),
            Self::Nova => fields.insert("inferenceConfig".to_owned(), json!({ "topK": top_k })),
            Self::Claude | Self::OpenAi | Self::Hidden | Self::Other => fields.insert("top_k".to_owned(), top_k.into()),
        };
    }

    /// Adds how much to think.
    pub(super) fn add_reasoning(
        self,
        request: &ChatRequest,
        reasoning: &Reasoning,
        fields: &mut Map<String, Value>,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<(), ApiError> {
        let param = param_name(request.source, "reasoning_effort");
        let effort = reasoning.effort.or_else(|| reasoning.budget_tokens.map(Effort::of_budget));
        match self {
            Self::Claude => return add_thinking(request, reasoning, fields, unsupported),
            Self::OpenAi => {
                let word = match effort {
                    // These always think; the least is `low`.
                    Some(Effort::None | Effort::Minimal | Effort::Low) => "low",
                    Some(Effort::High | Effort::Max) => "high",
                    Some(Effort::Medium) | None => "medium",
                };
                fields.insert("reasoning_effort".to_owned(), word.into());
            }
            Self::Nova => {
                let config = match effort {
                    Some(Effort::None) => json!({ "type": "disabled" }),
                    Some(Effort::Minimal | Effort::Low) => json!({ "type": "enabled", "maxReasoningEffort": "low" }),
                    Some(Effort::High | Effort::Max) => json!({ "type": "enabled", "maxReasoningEffort": "high" }),
                    Some(Effort::Medium) | None => json!({ "type": "enabled", "maxReasoningEffort": "medium" }),
                };
                fields.insert("reasoningConfig".to_owned(), config);
            }
            Self::Cohere | Self::Hidden | Self::Other if effort != Some(Effort::None) => unsupported.refuse(param)?,
            Self::Cohere | Self::Hidden | Self::Other => {}
        }
        Ok(())
    }
}

/// The smallest budget that Claude takes.
const LEAST_BUDGET: u64 = 1024;

/// Claude's `thinking` and `output_config.effort` ("Adaptive thinking" in Bedrock's user guide): older models take a budget,
/// newer ones decide themselves and take an effort.
fn add_thinking(
    request: &ChatRequest,
    reasoning: &Reasoning,
    fields: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<(), ApiError> {
    let Reasoning { effort, budget_tokens, is_adaptive, show, .. } = *reasoning;
    if effort == Some(Effort::None) || budget_tokens == Some(0) {
        return Ok(());
    }
    if effort.is_none() && budget_tokens.is_none() && !is_adaptive {
        return Ok(());
    }
    let mut thinking = Map::new();
    let said = budget_tokens.filter(|_| !is_adaptive && takes_budget(&request.model));
    if said.is_some() || !is_adaptive_model(&request.model) {
        let wanted =
            budget_tokens.unwrap_or_else(|| effort.unwrap_or(Effort::Medium).budget_tokens().max(LEAST_BUDGET));
        let budget = match request.max_output_tokens {
            // Thoughts are part of the longest answer, and something must be left to say.
            Some(longest) if longest <= LEAST_BUDGET && budget_tokens.is_none() => {
                let param = param_name(request.source, "reasoning_effort");
                return unsupported.refuse_because(param, "needs a longest answer of more than 1024 tokens for");
            }
            Some(longest) if budget_tokens.is_none() => wanted.min(longest - 1),
            _ => wanted,
        };
        thinking.insert("type".to_owned(), "enabled".into());
        thinking.insert("budget_tokens".to_owned(), budget.into());
    } else {
        thinking.insert("type".to_owned(), "adaptive".into());
        let word = effort.or_else(|| budget_tokens.map(Effort::of_budget)).map(|effort| match effort {
            Effort::None | Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Max => "max",
        });
        if let Some(word) = word {
            fields.insert("output_config".to_owned(), json!({ "effort": word }));
        }
        if let Some(show) = show {
            thinking.insert("display".to_owned(), if show { "summarized" } else { "omitted" }.into());
        }
    }
    fields.insert("thinking".to_owned(), thinking.into());
    Ok(())
}

/// Models before the adaptive ones; the list is closed.
fn is_adaptive_model(model: &str) -> bool {
    const OLDER: [&str; 8] = [
        "claude-3",
        "claude-sonnet-4-2",
        "claude-opus-4-2",
        "claude-opus-4-1",
        "claude-sonnet-4-5",
        "claude-opus-4-5",
        "claude-haiku-4-5",
        "claude-v2",
    ];
    !OLDER.iter().any(|name| model.contains(name))
}

/// The last ones that still take a budget are both.
fn takes_budget(model: &str) -> bool {
    !is_adaptive_model(model) || model.contains("claude-opus-4-6") || model.contains("claude-sonnet-4-6")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DialectId;

    fn fields(model: &str, reasoning: &Reasoning, longest: Option<u64>) -> Value {
        let mut request = ChatRequest::new(DialectId::OpenAiChat);
        (request.model, request.max_output_tokens) = (model.to_owned(), longest);
        let (mut fields, mut unsupported) = (Map::new(), Unsupported::new("bedrock", false));
        Family::of(model).add_reasoning(&request, reasoning, &mut fields, &mut unsupported).unwrap();
        fields.into()
    }

    fn effort(effort: Effort) -> Reasoning {
        Reasoning { effort: Some(effort), ..Reasoning::default() }
    }

    #[test]
    fn the_maker_is_found_in_every_form_of_an_id() {
        for (model, family) in [
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Claude),
            ("global.anthropic.claude-opus-4-7", Family::Claude),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-2-lite-v1:0", Family::Nova),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Family::Hidden),
            ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-1-8b-instruct-v1:0", Family::Other),
            ("cohere.command-r-v1:0", Family::Cohere),
            ("openai.gpt-oss-120b-1:0", Family::OpenAi),
            ("mistral.mistral-large-2407-v1:0", Family::Other),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }

    #[test]
    fn an_older_claude_gets_a_budget_that_fits_into_the_answer() {
        let older = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let budget = |tokens: u64| json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } });
        assert_eq!(fields(older, &effort(Effort::High), None), budget(4096));
        assert_eq!(fields(older, &effort(Effort::Minimal), None), budget(1024));
        assert_eq!(fields(older, &effort(Effort::High), Some(2000)), budget(1999));
        assert_eq!(fields(older, &effort(Effort::None), None), json!({}));
        let said = Reasoning { budget_tokens: Some(5000), ..Reasoning::default() };
        assert_eq!(fields(older, &said, None), budget(5000));
    }

    #[test]
    fn an_answer_too_short_to_think_is_refused() {
        let mut request = ChatRequest::new(DialectId::OpenAiChat);
        request.model = "anthropic.claude-haiku-4-5-20251001-v1:0".to_owned();
        request.max_output_tokens = Some(1000);
        let mut unsupported = Unsupported::new("bedrock", false);
        let error = Family::Claude.add_reasoning(&request, &effort(Effort::Low), &mut Map::new(), &mut unsupported);
        assert_eq!(error.unwrap_err().param.as_deref(), Some("reasoning_effort"));
    }

    #[test]
    fn a_newer_claude_decides_itself() {
        let newer = "global.anthropic.claude-opus-4-7";
        let adaptive = |word: &str| json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": word } });
        assert_eq!(fields(newer, &effort(Effort::High), None), adaptive("high"));
        let said = Reasoning { budget_tokens: Some(2048), ..Reasoning::default() };
        assert_eq!(fields(newer, &said, None), adaptive("medium"));
        assert_eq!(
            fields("anthropic.claude-opus-4-6-v1", &said, None),
            json!({ "thinking": { "type": "enabled", "budget_tokens": 2048 } })
        );
        let shown = Reasoning { is_adaptive: true, show: Some(true), ..Reasoning::default() };
        assert_eq!(fields(newer, &shown, None), json!({ "thinking": { "type": "adaptive", "display": "summarized" } }));
    }

    #[test]
    fn other_makers_have_their_own_words() {
        assert_eq!(fields("openai.gpt-oss-20b-1:0", &effort(Effort::Max), None), json!({ "reasoning_effort": "high" }));
        assert_eq!(
            fields("us.amazon.nova-2-lite-v1:0", &effort(Effort::Low), None),
            json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" } })
        );
    }
}
