//! The providers that DeltaLLM knows, as data: a vendor that speaks OpenAI's wire format is one entry here and no code.
//!
//! `docs/` and the dashboard show this list in this order. What differs in code per vendor lives in `proxy/src/providers`.

use serde::Serialize;

use crate::{credential::CredentialKind, operation::Operation};

/// How the credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialStyle {
    /// `Authorization: Bearer …`
    Bearer,
    /// `api-key: …`, or an Entra ID token as a bearer.
    AzureKey,
    /// `x-api-key: …`
    XApiKey,
    /// `x-goog-api-key: …`
    XGoogApiKey,
    /// `Authorization: Bearer …` with a token that Google gives for a service account.
    GoogleOauth,
    /// AWS Signature Version 4, or a Bedrock API key as a bearer.
    AwsSigV4,
    /// The provider wants none.
    None,
}

impl CredentialStyle {
    /// Whether a credential of this kind can be sent so.
    pub const fn takes(self, kind: CredentialKind) -> bool {
        match self {
            Self::None => false,
            Self::XApiKey => matches!(kind, CredentialKind::ApiKey),
            Self::AzureKey => matches!(kind, CredentialKind::ApiKey | CredentialKind::AzureEntra),
            // Vertex AI's express mode has keys, the Gemini API takes Google's tokens.
            Self::XGoogApiKey | Self::GoogleOauth => matches!(kind, CredentialKind::ApiKey | CredentialKind::Google),
            Self::AwsSigV4 => matches!(kind, CredentialKind::ApiKey | CredentialKind::Aws),
            // Servers that speak OpenAI's format also stand at Google and Azure.
            Self::Bearer => !matches!(kind, CredentialKind::Aws),
        }
    }
}

/// Whether a stream ends with a usage record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamUsage {
    /// When the request has `stream_options.include_usage`.
    Asked,
    /// Always, and the request option is unknown there.
    Always,
}

/// What a vendor speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// OpenAI's interface, or one like it.
    OpenAi,
    /// OpenAI's interface at Microsoft Azure.
    Azure,
    /// Anthropic's interface.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// The same at Google Cloud.
    Vertex,
    /// AWS Bedrock's runtime.
    Bedrock,
    /// Cohere's interface, version 2.
    Cohere,
}

/// One vendor.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Provider {
    /// The prefix in `provider/model`.
    pub id: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it speaks.
    pub wire: Wire,
    /// Where its API stands; `None`: the deployment must say so, or it follows from region and project.
    pub default_api_base: Option<&'static str>,
    /// The usual name of its key in the environment.
    pub key_variable: Option<&'static str>,
    /// Whether a deployment without a key cannot work.
    pub needs_api_key: bool,
    /// How the key is sent.
    pub credential_style: CredentialStyle,
    /// How usage of streams is had.
    pub stream_usage: StreamUsage,
    /// What it does in its own words; what is not here is translated where that is possible, else refused.
    pub operations: &'static [Operation],
}

/// What most vendors with OpenAI's interface have.
const USUAL: &[Operation] = &[Operation::ChatCompletions, Operation::Embeddings];
/// With the older completions.
const WITH_COMPLETIONS: &[Operation] = &[Operation::ChatCompletions, Operation::Completions, Operation::Embeddings];
/// Chat only.
const CHAT_ONLY: &[Operation] = &[Operation::ChatCompletions];
/// All of OpenAI's own.
const ALL_OF_OPENAI: &[Operation] = &[
    Operation::ChatCompletions,
    Operation::Completions,
    Operation::Responses,
    Operation::Embeddings,
    Operation::Moderations,
    Operation::ImageGenerations,
    Operation::ImageEdits,
    Operation::ImageVariations,
    Operation::Speech,
    Operation::Transcriptions,
    Operation::AudioTranslations,
    Operation::Realtime,
    Operation::Files,
    Operation::Batches,
];
/// What a server may have that only says that it is like OpenAI. Responses are not among it: they are translated, which works
/// everywhere.
const ANYTHING: &[Operation] = &[
    Operation::ChatCompletions,
    Operation::Completions,
    Operation::Embeddings,
    Operation::Rerank,
    Operation::Moderations,
    Operation::ImageGenerations,
    Operation::ImageEdits,
    Operation::ImageVariations,
    Operation::Speech,
    Operation::Transcriptions,
    Operation::AudioTranslations,
    Operation::Realtime,
    Operation::Files,
    Operation::Batches,
];

impl Provider {
    /// Whether the vendor does it in its own words.
    pub fn speaks(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }
}

const fn vendor(id: &'static str, label: &'static str, api_base: &'static str, key_variable: &'static str) -> Provider {
    Provider {
        id,
        label,
        wire: Wire::OpenAi,
        default_api_base: Some(api_base),
        key_variable: Some(key_variable),
        needs_api_key: true,
        credential_style: CredentialStyle::Bearer,
        stream_usage: StreamUsage::Asked,
        operations: USUAL,
    }
}

impl Provider {
    const fn doing(self, operations: &'static [Operation]) -> Self {
        Self { operations, ..self }
    }

    const fn speaking(self, wire: Wire, credential_style: CredentialStyle) -> Self {
        Self { wire, credential_style, stream_usage: StreamUsage::Always, ..self }
    }

    const fn with_usage_asked(self) -> Self {
        Self { stream_usage: StreamUsage::Asked, ..self }
    }

    const fn always_with_usage(self) -> Self {
        Self { stream_usage: StreamUsage::Always, ..self }
    }

    /// Where it stands depends on the deployment.
    const fn without_base(self) -> Self {
        Self { default_api_base: None, ..self }
    }
}

/// A server that people run themselves: a key is possible and rarely there.
const fn own_server(id: &'static str, label: &'static str, api_base: Option<&'static str>) -> Provider {
    Provider { default_api_base: api_base, key_variable: None, needs_api_key: false, ..vendor(id, label, "", "") }
        .doing(WITH_COMPLETIONS)
}

/// Every provider.
pub const PROVIDERS: &[Provider] = &[
    vendor("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY").doing(ALL_OF_OPENAI),
    vendor("azure", "Azure OpenAI", "", "AZURE_API_KEY")
        .without_base()
        .speaking(Wire::Azure, CredentialStyle::AzureKey)
        .with_usage_asked()
        .doing(ALL_OF_OPENAI),
    vendor("anthropic", "Anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY")
        .speaking(Wire::Anthropic, CredentialStyle::XApiKey)
        .doing(&[Operation::Messages, Operation::CountMessageTokens]),
    vendor("gemini", "Google Gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY")
        .speaking(Wire::Gemini, CredentialStyle::XGoogApiKey)
        .doing(&[Operation::GenerateContent, Operation::CountContentTokens]),
    vendor("vertex_ai", "Google Vertex AI", "", "GOOGLE_APPLICATION_CREDENTIALS")
        .without_base()
        .speaking(Wire::Vertex, CredentialStyle::GoogleOauth)
        .doing(&[Operation::GenerateContent, Operation::CountContentTokens]),
    vendor("bedrock", "AWS Bedrock", "", "AWS_BEARER_TOKEN_BEDROCK")
        .without_base()
        .speaking(Wire::Bedrock, CredentialStyle::AwsSigV4)
        .doing(&[]),
    vendor("cohere", "Cohere", "https://api.cohere.com", "COHERE_API_KEY")
        .speaking(Wire::Cohere, CredentialStyle::Bearer)
        .doing(&[Operation::Rerank]),
    vendor("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY").always_with_usage().doing(&[
        Operation::ChatCompletions,
        Operation::Embeddings,
        Operation::Moderations,
        Operation::Transcriptions,
        Operation::Files,
    ]),
    vendor("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY").doing(WITH_COMPLETIONS),
    vendor("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY").doing(&[
        Operation::ChatCompletions,
        Operation::Speech,
        Operation::Transcriptions,
        Operation::AudioTranslations,
        Operation::Files,
        Operation::Batches,
    ]),
    vendor("together_ai", "Together AI", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY").doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Embeddings,
        Operation::Rerank,
        Operation::ImageGenerations,
        Operation::Speech,
        Operation::Transcriptions,
        Operation::AudioTranslations,
    ]),
    vendor("fireworks_ai", "Fireworks AI", "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY").doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Responses,
        Operation::Embeddings,
        Operation::Rerank,
    ]),
    vendor("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY").doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Embeddings,
        Operation::ImageGenerations,
        Operation::Speech,
        Operation::Transcriptions,
        Operation::AudioTranslations,
    ]),
    vendor("perplexity", "Perplexity", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY")
        .always_with_usage()
        .doing(CHAT_ONLY),
    vendor("deepseek", "DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY").doing(CHAT_ONLY),
    vendor("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY").doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Responses,
        Operation::Embeddings,
        Operation::ImageGenerations,
    ]),
    vendor("cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY")
        .doing(&[Operation::ChatCompletions, Operation::Completions]),
    vendor("nvidia_nim", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY")
        .doing(WITH_COMPLETIONS),
    vendor("sambanova", "SambaNova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY").doing(&[
        Operation::ChatCompletions,
        Operation::Embeddings,
        Operation::Transcriptions,
        Operation::AudioTranslations,
    ]),
    vendor("huggingface", "Hugging Face", "https://router.huggingface.co/v1", "HF_TOKEN").doing(CHAT_ONLY),
    vendor("databricks", "Databricks", "", "DATABRICKS_API_KEY").without_base().doing(WITH_COMPLETIONS),
    own_server("vllm", "vLLM", Some("http://localhost:8000/v1")).doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Embeddings,
        Operation::Rerank,
        Operation::Transcriptions,
        Operation::AudioTranslations,
    ]),
    own_server("sglang", "SGLang", Some("http://localhost:30000/v1")).doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Embeddings,
        Operation::Rerank,
    ]),
    own_server("ollama", "Ollama", Some("http://localhost:11434/v1")),
    own_server("lm_studio", "LM Studio", Some("http://localhost:1234/v1")),
    own_server("llama_cpp", "llama.cpp", Some("http://localhost:8080/v1")).doing(&[
        Operation::ChatCompletions,
        Operation::Completions,
        Operation::Embeddings,
        Operation::Rerank,
    ]),
    own_server("openai_compatible", "Any OpenAI-compatible server", None).doing(ANYTHING),
    Provider {
        credential_style: CredentialStyle::None,
        ..own_server(MOCK, "Mock (answers by itself)", Some("http://mock.invalid/v1")).doing(USUAL)
    },
];

impl Provider {
    /// Whether a deployment without an address must name a region, because the usual address holds it. Vertex AI has a global one.
    pub fn needs_region(&self) -> bool {
        self.wire == Wire::Bedrock
    }

    /// Where it usually stands; `None` where the deployment must say so, or must name a region and does not.
    ///
    /// Vertex AI: "Generative AI on Vertex AI locations", the global one has no prefix. Bedrock: "Amazon Bedrock endpoints and
    /// quotas"; China's regions have a domain of their own.
    pub fn usual_api_base(&self, region: Option<&str>) -> Option<String> {
        match (self.wire, region) {
            (Wire::Vertex, None | Some("global")) => Some("https://aiplatform.googleapis.com".to_owned()),
            (Wire::Vertex, Some(region)) => Some(format!("https://{region}-aiplatform.googleapis.com")),
            (Wire::Bedrock, Some(region)) if region.starts_with("cn-") => {
                Some(format!("https://bedrock-runtime.{region}.amazonaws.com.cn"))
            }
            (Wire::Bedrock, Some(region)) => Some(format!("https://bedrock-runtime.{region}.amazonaws.com")),
            _ => self.default_api_base.map(str::to_owned),
        }
    }
}

/// Whether a text can be a region or location: it becomes a part of a host.
pub fn is_region(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text can be a project: it becomes a part of a path. Old ones have the form `example.com:name`.
pub fn is_project(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    !text.is_empty() && text.len() <= 128 && text.bytes().all(fits) && !text.starts_with('.')
}

/// Whether a text can be a version of a vendor's API: it becomes a part of a query.
pub fn is_api_version(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= 64 && text.bytes().all(fits)
}

/// The provider that answers by itself, for trials and tests: `mock/echo`, `mock/lorem`.
pub const MOCK: &str = "mock";

/// The models of [`MOCK`].
pub const MOCK_MODELS: [&str; 2] = ["echo", "lorem"];

/// The provider of this id.
pub fn provider(id: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn usual_addresses_hold_the_region_where_the_vendor_wants_one() {
        let base = |id, region| provider(id).unwrap().usual_api_base(region);
        let text = |url: &str| Some(url.to_owned());
        assert_eq!(base("openai", None), text("https://api.openai.com/v1"));
        assert_eq!((base("bedrock", None), base("azure", Some("westeurope"))), (None, None));
        assert_eq!(base("vertex_ai", None), base("vertex_ai", Some("global")));
        assert_eq!(base("vertex_ai", Some("europe-west4")), text("https://europe-west4-aiplatform.googleapis.com"));
        assert_eq!(base("vertex_ai", Some("global")), text("https://aiplatform.googleapis.com"));
        assert_eq!(base("bedrock", Some("eu-west-1")), text("https://bedrock-runtime.eu-west-1.amazonaws.com"));
        assert!(is_region("us-east-1") && !is_region("evil.com#") && !is_region(""));
        assert!(is_project("example.com:old-1") && !is_project("a/../b") && !is_project(".."));
        assert!(is_api_version("2024-10-21") && is_api_version("preview") && !is_api_version("1&x=2"));
    }

    #[test]
    fn ids_are_unique_and_every_entry_is_complete() {
        let ids: HashSet<_> = PROVIDERS.iter().map(|provider| provider.id).collect();
        assert_eq!(ids.len(), PROVIDERS.len());
        for provider in PROVIDERS {
            assert!(!provider.label.is_empty(), "{}: label", provider.id);
            assert_eq!(provider.needs_api_key, provider.key_variable.is_some(), "{}: key variable", provider.id);
            let operations: HashSet<_> = provider.operations.iter().collect();
            assert_eq!(operations.len(), provider.operations.len(), "{}: an operation twice", provider.id);
            let base = provider.default_api_base.unwrap_or("http://set.by.hand");
            assert!(base.starts_with("http") && !base.ends_with('/'), "{}: api base", provider.id);
        }
    }
}
