//! `thinkingConfig`: Gemini 2.5 counts thinking in tokens, Gemini 3 and later know levels ("Gemini API, Thinking").

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json};

use super::object::Object;
use crate::{
    canonical::{ChatRequest, Effort, Reasoning, Unsupported, param_name},
    dialect::DialectId,
};

/// Which Gemini a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    major: u32,
    minor: u32,
    is_pro: bool,
    is_flash: bool,
    is_lite: bool,
}

impl Generation {
    /// Reads `gemini-2.5-flash`, `models/gemini-3-pro`, `publishers/google/models/gemini-flash-latest` …; `None` for other names,
    /// as tuned models have.
    pub fn of(model: &str) -> Option<Self> {
        let name = model.rsplit('/').next()?.strip_prefix("gemini-")?;
        let version = name.split('-').next().unwrap_or_default();
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        let has = |word: &str| name.split('-').any(|part| part == word);
        Some(Self {
            // A name without a number is the newest.
            major: major.parse().unwrap_or(u32::MAX),
            minor: minor.parse().unwrap_or(0),
            is_pro: has("pro"),
            is_flash: has("flash"),
            is_lite: has("lite"),
        })
    }

    /// Gemini 3 and later: levels of thinking, signed tool calls, pictures in tool results.
    pub fn is_third(self) -> bool {
        self.major >= 3
    }

    fn thinks(self) -> bool {
        (self.major, self.minor) >= (2, 5)
    }

    /// The level for an effort. No model of this generation can leave thinking off, and not every one knows every level.
    fn level(self, effort: Effort) -> &'static str {
        let knows_minimal = self.is_flash && self.major == 3 && self.minor < 7;
        let knows_medium = !(self.is_pro && (self.major, self.minor) == (3, 0));
        match effort {
            Effort::None | Effort::Minimal if knows_minimal => "MINIMAL",
            Effort::None | Effort::Minimal | Effort::Low => "LOW",
            Effort::Medium if knows_medium => "MEDIUM",
            Effort::Medium | Effort::High | Effort::Max => "HIGH",
        }
    }

    /// The nearest budget that a model of 2.5 takes.
    fn budget(self, tokens: u64) -> u64 {
        match (self.is_pro, self.is_lite) {
            (true, _) => tokens.clamp(128, 32_768),
            (false, true) if tokens > 0 => tokens.clamp(512, 24_576),
            _ => tokens.min(24_576),
        }
    }
}

/// Reads `thinkingConfig`.
pub(super) fn read(mut config: Object<'_>) -> Result<Reasoning, ApiError> {
    let budget = config.take_integer("thinkingBudget")?;
    let level = config.take_text("thinkingLevel")?.map(|level| level.to_ascii_lowercase());
    let effort = match level.as_deref() {
        None | Some("thinking_level_unspecified") => None,
        Some(level) => {
            let level = level.strip_prefix("thinking_level_").unwrap_or(level);
            let wrong = || config.wrong("thinkingLevel", "MINIMAL, LOW, MEDIUM or HIGH");
            Some(Effort::parse(level).ok_or_else(wrong)?)
        }
    };
    Ok(Reasoning {
        effort,
        budget_tokens: budget.and_then(|tokens| u64::try_from(tokens).ok()),
        is_adaptive: budget == Some(-1),
        show: config.take_bool("includeThoughts")?,
        summary: None,
    })
}

/// Writes `thinkingConfig`, or nothing where the vendor's default is meant.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Option<Value>, ApiError> {
    let Some(reasoning) = &request.reasoning else { return Ok(None) };
    let generation = Generation::of(&request.model);
    if request.source == DialectId::GeminiGenerate {
        return Ok(Some(as_asked(reasoning)));
    }
    let is_off = reasoning.effort == Some(Effort::None) || reasoning.budget_tokens == Some(0);
    if generation.is_some_and(|generation| !generation.thinks()) {
        if !is_off {
            unsupported.refuse(param_name(request.source, "reasoning_effort"))?;
        }
        return Ok(None);
    }
    let mut config = Map::new();
    let effort = reasoning.effort.or(reasoning.budget_tokens.map(Effort::of_budget));
    match generation.filter(|generation| generation.is_third()) {
        Some(generation) => {
            config.extend(effort.map(|effort| ("thinkingLevel".to_owned(), json!(generation.level(effort)))));
        }
        None if reasoning.is_adaptive && effort.is_none() => {
            config.insert("thinkingBudget".to_owned(), json!(-1));
        }
        None => {
            let tokens = reasoning.budget_tokens.or(reasoning.effort.map(Effort::budget_tokens));
            let tokens = tokens.map(|tokens| generation.map_or(tokens, |generation| generation.budget(tokens)));
            config.extend(tokens.map(|tokens| ("thinkingBudget".to_owned(), json!(tokens))));
        }
    }
    // Who asks another vendor for thinking expects to see it; Google hides it unless told.
    let show = reasoning.show.unwrap_or(!is_off);
    config.insert("includeThoughts".to_owned(), json!(show));
    Ok(Some(Value::Object(config)))
}

fn as_asked(reasoning: &Reasoning) -> Value {
    let mut config = Map::new();
    if reasoning.is_adaptive {
        config.insert("thinkingBudget".to_owned(), json!(-1));
    }
    config.extend(reasoning.budget_tokens.map(|tokens| ("thinkingBudget".to_owned(), json!(tokens))));
    let level = reasoning.effort.map(|effort| effort.name().to_ascii_uppercase());
    config.extend(level.map(|level| ("thinkingLevel".to_owned(), json!(level))));
    config.extend(reasoning.show.map(|show| ("includeThoughts".to_owned(), json!(show))));
    Value::Object(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(model: &str, reasoning: Reasoning) -> Result<Option<Value>, ApiError> {
        let mut request = ChatRequest::new(DialectId::OpenAiChat);
        request.model = model.to_owned();
        request.reasoning = Some(reasoning);
        write(&request, &mut Unsupported::new("gemini", false))
    }

    fn effort(effort: Effort) -> Reasoning {
        Reasoning { effort: Some(effort), ..Reasoning::default() }
    }

    #[test]
    fn each_generation_gets_what_it_understands() {
        let cases = [
            ("gemini-2.5-flash", Effort::None, json!({"thinkingBudget": 0, "includeThoughts": false})),
            ("gemini-2.5-pro", Effort::None, json!({"thinkingBudget": 128, "includeThoughts": false})),
            ("gemini-2.5-flash-lite", Effort::Minimal, json!({"thinkingBudget": 512, "includeThoughts": true})),
            ("gemini-2.5-pro", Effort::High, json!({"thinkingBudget": 4096, "includeThoughts": true})),
            (
                "publishers/google/models/gemini-3-pro-preview",
                Effort::Medium,
                json!({"thinkingLevel": "HIGH", "includeThoughts": true}),
            ),
            ("gemini-3.1-pro-preview", Effort::Medium, json!({"thinkingLevel": "MEDIUM", "includeThoughts": true})),
            ("gemini-3-flash-preview", Effort::None, json!({"thinkingLevel": "MINIMAL", "includeThoughts": false})),
            ("gemini-3.7-flash", Effort::Minimal, json!({"thinkingLevel": "LOW", "includeThoughts": true})),
            ("gemini-flash-latest", Effort::Max, json!({"thinkingLevel": "HIGH", "includeThoughts": true})),
            ("a-tuned-model", Effort::Low, json!({"thinkingBudget": 1024, "includeThoughts": true})),
        ];
        for (model, asked, expected) in cases {
            assert_eq!(config(model, effort(asked)).unwrap(), Some(expected), "{model} {asked:?}");
        }
    }

    #[test]
    fn budgets_become_levels_where_only_levels_are_known() {
        let budget = Reasoning { budget_tokens: Some(2048), ..Reasoning::default() };
        assert_eq!(config("gemini-3.1-pro", budget.clone()).unwrap().unwrap()["thinkingLevel"], "MEDIUM");
        assert_eq!(config("gemini-2.5-pro", budget).unwrap().unwrap()["thinkingBudget"], 2048);
        let adaptive = Reasoning { is_adaptive: true, ..Reasoning::default() };
        assert_eq!(config("gemini-2.5-pro", adaptive).unwrap().unwrap()["thinkingBudget"], -1);
    }

    #[test]
    fn a_model_that_does_not_think_says_so() {
        assert_eq!(config("gemini-2.0-flash", effort(Effort::None)).unwrap(), None);
        let error = config("gemini-2.0-flash", effort(Effort::High)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("reasoning_effort"));
    }
}
