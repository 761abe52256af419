//! What a parameter is called in the dialect that the caller wrote in, for errors about it.

use crate::dialect::DialectId;

/// The caller's name of a parameter that OpenAI's chat calls `openai`; that name itself where the dialect has no other.
pub fn param_name(source: DialectId, openai: &'static str) -> &'static str {
    match source {
        DialectId::AnthropicMessages => anthropic(openai),
        DialectId::GeminiGenerate => gemini(openai),
        DialectId::OpenAiResponses => responses(openai),
        _ => None,
    }
    .unwrap_or(openai)
}

fn anthropic(openai: &str) -> Option<&'static str> {
    Some(match openai {
        "stop" => "stop_sequences",
        "response_format" => "output_config.format",
        "reasoning_effort" => "thinking",
        "parallel_tool_calls" => "tool_choice.disable_parallel_tool_use",
        "user" => "metadata.user_id",
        _ => return None,
    })
}

fn gemini(openai: &str) -> Option<&'static str> {
    Some(match openai {
        "temperature" => "generationConfig.temperature",
        "top_p" => "generationConfig.topP",
        "top_k" => "generationConfig.topK",
        "n" => "generationConfig.candidateCount",
        "seed" => "generationConfig.seed",
        "stop" => "generationConfig.stopSequences",
        "max_tokens" => "generationConfig.maxOutputTokens",
        "frequency_penalty" => "generationConfig.frequencyPenalty",
        "presence_penalty" => "generationConfig.presencePenalty",
        "logprobs" => "generationConfig.responseLogprobs",
        "top_logprobs" => "generationConfig.logprobs",
        "response_format" => "generationConfig.responseMimeType",
        "reasoning_effort" => "generationConfig.thinkingConfig",
        "modalities" => "generationConfig.responseModalities",
        "audio" => "generationConfig.speechConfig",
        "tool_choice" => "toolConfig.functionCallingConfig",
        _ => return None,
    })
}

fn responses(openai: &str) -> Option<&'static str> {
    Some(match openai {
        "max_tokens" => "max_output_tokens",
        "response_format" => "text.format",
        "reasoning_effort" => "reasoning.effort",
        "messages" => "input",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_the_name_that_its_caller_knows() {
        assert_eq!(param_name(DialectId::OpenAiChat, "reasoning_effort"), "reasoning_effort");
        assert_eq!(param_name(DialectId::AnthropicMessages, "reasoning_effort"), "thinking");
        assert_eq!(param_name(DialectId::GeminiGenerate, "n"), "generationConfig.candidateCount");
    }
}
