//! In what the servers that speak OpenAI's chat interface differ, as data.

/// How thoughts of earlier turns are sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoughts {
    /// The server does not know them; they are left out, as its own models would forget them too.
    LeftOut,
    /// As `reasoning_content`: DeepSeek and servers after its model.
    Content,
    /// As `reasoning_details`: OpenRouter.
    Details,
    /// As `reasoning_content` and `thinking_blocks`: LiteLLM and this gateway.
    Blocks,
}

/// How much thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// `reasoning_effort`
    Effort,
    /// `reasoning: {"effort"}` or `{"max_tokens"}`: OpenRouter.
    Reasoning,
    /// `thinking: {"type"}`: DeepSeek, which has no effort.
    Switch,
    /// Not at all: the model decides.
    Unknown,
}

/// What a server makes of OpenAI's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// `max_completion_tokens`; else `max_tokens`.
    pub max_completion_tokens: bool,
    /// The role `developer` is known; else it is the system.
    pub developer_role: bool,
    /// The system may speak in the middle of a conversation; else the person says what it says there.
    pub late_system: bool,
    /// The word for "some tool must be used".
    pub some_tool: &'static str,
    /// `tool_choice` may name several tools.
    pub allowed_tools: bool,
    /// The name of `seed`.
    pub seed: &'static str,
    /// Usage of a stream has to be asked for by `stream_options`.
    pub asks_stream_usage: bool,
    /// `top_k` is known.
    pub top_k: bool,
    /// Marks for the prompt cache are known (`cache_control`).
    pub cache_control: bool,
    /// Fields of OpenAI's that few others know: `metadata`, `store`, `prediction` …
    pub own_fields: bool,
    /// Films by `video_url`.
    pub video_url: bool,
    /// Documents in `file` parts.
    pub files: bool,
    /// Texts may stand in an array of parts; else several are joined to one.
    pub text_parts: bool,
    /// How thoughts are sent back.
    pub thoughts: Thoughts,
    /// How thinking is asked for.
    pub thinking: Thinking,
}

/// OpenAI's own service.
pub const OPENAI: Quirks = Quirks {
    max_completion_tokens: true,
    developer_role: true,
    late_system: true,
    some_tool: "required",
    allowed_tools: true,
    seed: "seed",
    asks_stream_usage: true,
    top_k: false,
    cache_control: false,
    own_fields: true,
    video_url: false,
    files: true,
    text_parts: true,
    thoughts: Thoughts::LeftOut,
    thinking: Thinking::Effort,
};

/// A server of which no more is known than that it is like OpenAI's: it gets the older names, which all of them know, and
/// what it does not know it can leave aside.
pub const ANY_SERVER: Quirks = Quirks {
    max_completion_tokens: false,
    developer_role: false,
    allowed_tools: false,
    top_k: true,
    video_url: true,
    text_parts: false,
    thoughts: Thoughts::Content,
    ..OPENAI
};

/// A gateway like this one: everything that clients may say arrives as they said it.
pub const GATEWAY: Quirks =
    Quirks { top_k: true, cache_control: true, video_url: true, thoughts: Thoughts::Blocks, ..OPENAI };

/// A service that is strict about names which it does not know.
const STRICT: Quirks = Quirks {
    own_fields: false,
    top_k: false,
    video_url: false,
    files: false,
    thoughts: Thoughts::LeftOut,
    ..ANY_SERVER
};

/// The quirks of a provider, by its id in `deltallm_shared::providers`.
pub const fn of_provider(provider: &str) -> &'static Quirks {
    match provider.as_bytes() {
        b"openai" | b"azure" => &OPENAI,
        b"mistral" => &Quirks {
            late_system: false,
            some_tool: "any",
            seed: "random_seed",
            asks_stream_usage: false,
            thinking: Thinking::Unknown,
            ..STRICT
        },
        b"openrouter" => &Quirks {
            developer_role: true,
            cache_control: true,
            thoughts: Thoughts::Details,
            thinking: Thinking::Reasoning,
            ..ANY_SERVER
        },
        b"deepseek" => &Quirks { thoughts: Thoughts::Content, thinking: Thinking::Switch, ..STRICT },
        b"groq" | b"cerebras" => &Quirks { max_completion_tokens: true, ..STRICT },
        b"xai" => &Quirks { max_completion_tokens: true, files: true, ..STRICT },
        b"perplexity" => &Quirks { asks_stream_usage: false, top_k: true, files: true, ..STRICT },
        b"fireworks_ai" => &Quirks { top_k: true, thoughts: Thoughts::Content, ..STRICT },
        b"together_ai" | b"deepinfra" | b"nvidia_nim" | b"sambanova" | b"huggingface" | b"databricks" => {
            &Quirks { top_k: true, ..STRICT }
        }
        _ => &ANY_SERVER,
    }
}

#[cfg(test)]
mod tests {
    use deltallm_shared::providers::{PROVIDERS, StreamUsage, Wire};

    use super::*;

    #[test]
    fn who_is_asked_for_usage_is_the_same_in_both_lists() {
        for provider in PROVIDERS.iter().filter(|provider| matches!(provider.wire, Wire::OpenAi | Wire::Azure)) {
            let is_asked = provider.stream_usage == StreamUsage::Asked || provider.wire == Wire::Azure;
            assert_eq!(of_provider(provider.id).asks_stream_usage, is_asked, "{}", provider.id);
        }
    }
}
