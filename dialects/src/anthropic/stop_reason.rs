//! Why an answer ended: Anthropic's `stop_reason` and `stop_sequence`.

use crate::canonical::StopReason;

/// Reads a `stop_reason`, and the stop text that came.
pub(super) fn read(reason: &str, sequence: Option<String>) -> StopReason {
    match reason {
        "end_turn" => StopReason::End,
        "max_tokens" => StopReason::Length,
        "stop_sequence" => StopReason::StopSequence(sequence),
        "tool_use" => StopReason::ToolCalls,
        "pause_turn" => StopReason::Pause,
        "refusal" => StopReason::Refusal,
        "model_context_window_exceeded" => StopReason::ContextWindow,
        other => StopReason::Other(other.to_owned()),
    }
}

/// The `stop_reason` and the `stop_sequence` of an answer. Vendors that say only that the model finished have not looked at
/// what it said: a tool call, or a refusal, is the reason then. A stop text that the vendor did not name was a usual end for
/// Anthropic's clients, which look the text up.
pub(super) fn write(reason: Option<&StopReason>, has_calls: bool, has_refusal: bool) -> (&'static str, Option<&str>) {
    match reason {
        None | Some(StopReason::End | StopReason::Other(_)) if has_calls => ("tool_use", None),
        None | Some(StopReason::End | StopReason::Other(_)) if has_refusal => ("refusal", None),
        None | Some(StopReason::End | StopReason::Other(_) | StopReason::StopSequence(None)) => ("end_turn", None),
        Some(StopReason::Length) => ("max_tokens", None),
        Some(StopReason::ToolCalls) => ("tool_use", None),
        Some(StopReason::StopSequence(Some(text))) => ("stop_sequence", Some(text)),
        Some(StopReason::ContentFilter | StopReason::Refusal) => ("refusal", None),
        Some(StopReason::Pause) => ("pause_turn", None),
        Some(StopReason::ContextWindow) => ("model_context_window_exceeded", None),
    }
}
