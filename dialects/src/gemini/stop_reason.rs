//! `finishReason`, in both directions.

use crate::canonical::StopReason;

/// Google's words for an answer that a filter cut.
const FILTERED: [&str; 10] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "JAILBREAK",
];

/// Words that are kept as they are; Google's SDKs know them.
const OTHERS: [&str; 9] = [
    "OTHER",
    "LANGUAGE",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "IMAGE_OTHER",
    "NO_IMAGE",
];

/// Reads one. Google says `STOP` also where tools are called.
pub(super) fn read(word: &str, has_calls: bool) -> StopReason {
    match word {
        "STOP" | "FINISH_REASON_UNSPECIFIED" | "" if has_calls => StopReason::ToolCalls,
        "STOP" | "FINISH_REASON_UNSPECIFIED" | "" => StopReason::End,
        "MAX_TOKENS" => StopReason::Length,
        word if FILTERED.contains(&word) => StopReason::ContentFilter,
        word => StopReason::Other(word.to_owned()),
    }
}

/// Writes one.
pub(super) fn write(reason: Option<&StopReason>) -> &'static str {
    match reason {
        None | Some(StopReason::End | StopReason::ToolCalls | StopReason::StopSequence(_) | StopReason::Pause) => {
            "STOP"
        }
        Some(StopReason::Length | StopReason::ContextWindow) => "MAX_TOKENS",
        Some(StopReason::ContentFilter | StopReason::Refusal) => "SAFETY",
        Some(StopReason::Other(word)) => OTHERS.iter().copied().find(|known| known == word).unwrap_or("OTHER"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_only_google_has_come_back() {
        for word in OTHERS {
            assert_eq!(write(Some(&read(word, true))), word);
        }
        assert_eq!(read("STOP", true), StopReason::ToolCalls);
        assert_eq!(read("SPII", false), StopReason::ContentFilter);
        assert_eq!(write(Some(&StopReason::Other("guardrail".into()))), "OTHER");
    }
}
