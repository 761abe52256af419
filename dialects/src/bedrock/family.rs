//! Whose model it is. Converse is one form for all, but what it has no field for goes to the model in the words of its maker,
//! in `additionalModelRequestFields`.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json};

use crate::{
    anthropic::{Sampling, plan, traits_of},
    canonical::{ChatRequest, Effort, Reasoning, Unsupported, param_name},
};

/// What Claude takes of thinking and sampling, as Anthropic's own API does: `thinking` and `output_config.effort` go to
/// `fields`, what is left of the sampling is handed back. What the caller put into `fields` stays.
pub(super) fn add_claudes<'a>(
    request: &'a ChatRequest,
    fields: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<Sampling<'a>, ApiError> {
    let traits = traits_of(&request.model);
    let plan = plan(request, traits, unsupported)?;
    let thinks = plan.thinks() || fields.contains_key("thinking");
    if let Some(thinking) = plan.thinking {
        fields.entry("thinking").or_insert(json!(thinking));
    }
    if let Some(effort) = plan.effort {
        fields.entry("output_config").or_insert(json!({ "effort": effort }));
    }
    Sampling::new(request, traits, thinks, unsupported)
}

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

    /// Whether its thoughts are signed and wanted back: others answer them with an error.
    pub(super) fn takes_thoughts_back(self) -> bool {
        matches!(self, Self::Claude | Self::Nova | Self::Hidden)
    }

    /// Adds `top_k`.
    pub(super) fn add_top_k(self, top_k: u64, fields: &mut Map<String, Value>) {
        match self {
            Self::Cohere => fields.entry("k").or_insert(top_k.into()),
            Self::Nova => fields.entry("inferenceConfig").or_insert(json!({ "topK": top_k })),
            Self::Claude | Self::OpenAi | Self::Hidden | Self::Other => fields.entry("top_k").or_insert(top_k.into()),
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
        let Some(effort) = reasoning.effort.or_else(|| reasoning.budget_tokens.map(Effort::of_budget)) else {
            // The model decides: one that cannot think decides not to.
            return Ok(());
        };
        match self {
            // See [`add_claudes`].
            Self::Claude => {}
            Self::OpenAi => {
                let word = match effort {
                    // These always think; the least is `low`.
                    Effort::None | Effort::Minimal | Effort::Low => "low",
                    Effort::Medium => "medium",
                    Effort::High | Effort::Max => "high",
                };
                fields.entry("reasoning_effort").or_insert(word.into());
            }
            Self::Nova => {
                let config = match effort {
                    Effort::None => json!({ "type": "disabled" }),
                    Effort::Minimal | Effort::Low => json!({ "type": "enabled", "maxReasoningEffort": "low" }),
                    Effort::Medium => json!({ "type": "enabled", "maxReasoningEffort": "medium" }),
                    Effort::High | Effort::Max => json!({ "type": "enabled", "maxReasoningEffort": "high" }),
                };
                fields.entry("reasoningConfig").or_insert(config);
            }
            Self::Cohere | Self::Hidden | Self::Other if effort != Effort::None => unsupported.refuse(param)?,
            Self::Cohere | Self::Hidden | Self::Other => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DialectId;

    fn fields(model: &str, reasoning: &Reasoning, longest: Option<u64>) -> Value {
        let mut request = ChatRequest::new(DialectId::OpenAiChat);
        (request.model, request.max_output_tokens) = (model.to_owned(), longest);
        let (mut fields, mut unsupported) = (Map::new(), Unsupported::new("bedrock", false));
        request.reasoning = Some(reasoning.clone());
        match Family::of(model) {
            Family::Claude => drop(add_claudes(&request, &mut fields, &mut unsupported).unwrap()),
            family => family.add_reasoning(&request, reasoning, &mut fields, &mut unsupported).unwrap(),
        }
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
        assert_eq!(fields(older, &effort(Effort::High), Some(4000)), budget(2000));
        assert_eq!(fields(older, &effort(Effort::None), None), json!({ "thinking": { "type": "disabled" } }));
        let said = Reasoning { budget_tokens: Some(5000), ..Reasoning::default() };
        assert_eq!(fields(older, &said, None), budget(5000));
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
