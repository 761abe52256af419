//! What a parameter is called in the words of the caller's dialect: for errors.

use crate::dialect::DialectId;

/// The caller's name for a parameter that OpenAI's chat completions call `name`; the same name where it is no other.
pub fn param_name(source: DialectId, name: &'static str) -> &'static str {
    match source {
        DialectId::AnthropicMessages => match name {
            "stop" => "stop_sequences",
            "reasoning_effort" => "thinking",
            "response_format" => "output_config.format",
            "parallel_tool_calls" => "tool_choice.disable_parallel_tool_use",
            _ => name,
        },
        DialectId::GeminiGenerate => match name {
            "stop" => "generationConfig.stopSequences",
            "n" => "generationConfig.candidateCount",
            "seed" => "generationConfig.seed",
            "top_k" => "generationConfig.topK",
            "frequency_penalty" => "generationConfig.frequencyPenalty",
            "presence_penalty" => "generationConfig.presencePenalty",
            "logprobs" => "generationConfig.responseLogprobs",
            "top_logprobs" => "generationConfig.logprobs",
            "modalities" => "generationConfig.responseModalities",
            "response_format" => "generationConfig.responseSchema",
            "reasoning_effort" => "generationConfig.thinkingConfig",
            "tool_choice" => "toolConfig.functionCallingConfig",
            _ => name,
        },
        DialectId::OpenAiResponses => match name {
            "reasoning_effort" => "reasoning",
            "response_format" => "text.format",
            _ => name,
        },
        DialectId::CohereChat => match name {
            "stop" => "stop_sequences",
            "top_k" => "k",
            "top_p" => "p",
            "reasoning_effort" => "thinking",
            _ => name,
        },
        DialectId::OpenAiChat | DialectId::OpenAiCompletions | DialectId::BedrockConverse => name,
    }
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
