//! What differs between Claude's generations and is seen in requests. Anthropic's API refuses what a model does not have, so a
//! translation has to know; the version stands in the model's name.

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelTraits {
    /// `thinking: {type: "adaptive"}` with `output_config.effort` (Claude 4.6 and later).
    pub has_adaptive_thinking: bool,
    /// `thinking: {type: "enabled", budget_tokens}` (up to Claude 4.6).
    pub has_thinking_budget: bool,
    /// `temperature`, `top_p` and `top_k` (up to Claude 4.6).
    pub has_sampling: bool,
    /// `temperature` and `top_p` in one request (before Claude 4.1).
    pub has_both_samplings: bool,
}

/// By the name: `claude-3-7-sonnet-20250219`, `claude-opus-4-1`, `anthropic.claude-sonnet-4-5-20250929-v1:0`,
/// `claude-haiku-4-5@20251001`, `claude-sonnet-5`. A name of Claude's without a version is taken for the newest; what is not
/// Claude (other vendors that speak Anthropic's format) has budgets and samplings.
pub(crate) fn traits_of(model: &str) -> ModelTraits {
    let version = model.find("claude").map(|at| version_in(&model[at..]).unwrap_or((u32::MAX, 0)));
    let from = |least: (u32, u32)| version.is_some_and(|version| version >= least);
    ModelTraits {
        has_adaptive_thinking: from((4, 6)),
        has_thinking_budget: !from((4, 7)),
        has_sampling: !from((4, 7)),
        has_both_samplings: !from((4, 1)),
    }
}

/// The first number and, right after it, the second; a number of more than two digits is a date.
fn version_in(name: &str) -> Option<(u32, u32)> {
    let mut tokens = name.split(['-', '.', '@', ':', '_', '/']);
    let number = |token: &str| if token.len() <= 2 { token.parse().ok() } else { None };
    let major = tokens.by_ref().find_map(number)?;
    Some((major, tokens.next().and_then(number).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_all_usual_names() {
        let cases = [
            ("claude-3-7-sonnet-20250219", Some((3, 7))),
            ("claude-3-opus-20240229", Some((3, 0))),
            ("claude-opus-4-20250514", Some((4, 0))),
            ("claude-opus-4-1-20250805", Some((4, 1))),
            ("claude-sonnet-4-5-20250929-v1:0", Some((4, 5))),
            ("claude-haiku-4-5@20251001", Some((4, 5))),
            ("claude-4.7-opus", Some((4, 7))),
            ("claude-sonnet-5", Some((5, 0))),
            ("claude-mythos-preview", None),
        ];
        for (name, version) in cases {
            assert_eq!(version_in(name), version, "{name}");
        }
    }

    #[test]
    fn a_new_model_thinks_adaptively_an_old_one_by_budget_and_a_stranger_too() {
        let new = traits_of("us.anthropic.claude-opus-4-7-v1:0");
        assert!(new.has_adaptive_thinking && !new.has_thinking_budget && !new.has_sampling);
        let between = traits_of("claude-opus-4-6");
        assert!(between.has_adaptive_thinking && between.has_thinking_budget && between.has_sampling);
        for old in ["claude-haiku-4-5", "MiniMax-M2"] {
            assert!(!traits_of(old).has_adaptive_thinking && traits_of(old).has_thinking_budget, "{old}");
        }
        assert!(traits_of("claude-3-7-sonnet-latest").has_both_samplings);
        assert!(!traits_of("claude-sonnet-4-5").has_both_samplings);
        assert_eq!(traits_of("claude-next"), traits_of("claude-opus-9-9"));
    }
}
