//! The providers that DeltaLLM knows, as data: a vendor that speaks OpenAI's wire format is one entry here and no code.
//!
//! `docs/` and the dashboard show this list in this order. What differs in code per vendor lives in `proxy/src/providers`.

use serde::Serialize;

use crate::credential::CredentialKind;

/// How the credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialStyle {
    /// `Authorization: Bearer …`: a key, or a token of Google's or Microsoft's.
    Bearer,
    /// Azure: `api-key: …`, or an Entra token as `Authorization: Bearer …`.
    AzureKey,
    /// Anthropic: `x-api-key: …`
    XApiKey,
    /// Google's Gemini API: `x-goog-api-key: …`, or a Google token as `Authorization: Bearer …`.
    GoogleKey,
    /// Vertex AI: a Google token as `Authorization: Bearer …`, or a key of its express mode as `x-goog-api-key: …`.
    GoogleOauth,
    /// AWS: every request is signed (Signature Version 4), or a Bedrock API key as `Authorization: Bearer …`.
    AwsSigv4,
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
            Self::GoogleKey | Self::GoogleOauth => matches!(kind, CredentialKind::ApiKey | CredentialKind::Google),
            Self::AwsSigv4 => matches!(kind, CredentialKind::ApiKey | CredentialKind::Aws),
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

/// One vendor.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Provider {
    /// The prefix in `provider/model`.
    pub id: &'static str,
    /// For people.
    pub label: &'static str,
    /// Where its OpenAI-compatible API stands; `None`: the deployment must say so.
    pub default_api_base: Option<&'static str>,
    /// The usual name of its key in the environment.
    pub key_variable: Option<&'static str>,
    /// Whether a deployment without a key cannot work.
    pub needs_api_key: bool,
    /// How the key is sent.
    pub credential_style: CredentialStyle,
    /// How usage of streams is had.
    pub stream_usage: StreamUsage,
}

const fn vendor(id: &'static str, label: &'static str, api_base: &'static str, key_variable: &'static str) -> Provider {
    Provider {
        id,
        label,
        default_api_base: Some(api_base),
        key_variable: Some(key_variable),
        needs_api_key: true,
        credential_style: CredentialStyle::Bearer,
        stream_usage: StreamUsage::Asked,
    }
}

/// A server that people run themselves: a key is possible and rarely there.
const fn own_server(id: &'static str, label: &'static str, api_base: Option<&'static str>) -> Provider {
    Provider { default_api_base: api_base, key_variable: None, needs_api_key: false, ..vendor(id, label, "", "") }
}

/// Every provider.
pub const PROVIDERS: &[Provider] = &[
    vendor("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    vendor("anthropic", "Anthropic (OpenAI-compatible surface)", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    vendor(
        "gemini",
        "Google Gemini (OpenAI-compatible surface)",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
    ),
    Provider {
        stream_usage: StreamUsage::Always,
        ..vendor("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY")
    },
    vendor("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    vendor("deepseek", "DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    vendor("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY"),
    vendor("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    vendor("together_ai", "Together AI", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    vendor("fireworks_ai", "Fireworks AI", "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    vendor("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    Provider {
        stream_usage: StreamUsage::Always,
        ..vendor("perplexity", "Perplexity", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY")
    },
    vendor("cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    vendor("nvidia_nim", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    vendor("sambanova", "SambaNova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    Provider {
        default_api_base: None,
        credential_style: CredentialStyle::AzureKey,
        ..vendor("azure", "Azure OpenAI", "", "AZURE_API_KEY")
    },
    Provider {
        credential_style: CredentialStyle::GoogleOauth,
        ..vendor(
            "vertex_ai",
            "Google Vertex AI",
            "https://{region}-aiplatform.googleapis.com",
            "GOOGLE_APPLICATION_CREDENTIALS",
        )
    },
    Provider {
        credential_style: CredentialStyle::AwsSigv4,
        ..vendor("bedrock", "AWS Bedrock", "https://bedrock-runtime.{region}.amazonaws.com", "AWS_BEARER_TOKEN_BEDROCK")
    },
    own_server("ollama", "Ollama", Some("http://localhost:11434/v1")),
    own_server("vllm", "vLLM", Some("http://localhost:8000/v1")),
    own_server("lm_studio", "LM Studio", Some("http://localhost:1234/v1")),
    own_server("openai_compatible", "Any OpenAI-compatible server", None),
    Provider {
        credential_style: CredentialStyle::None,
        ..own_server(MOCK, "Mock (answers by itself)", Some("http://mock.invalid/v1"))
    },
];

impl Provider {
    /// Whether its usual address holds the region, so that a deployment must name one.
    pub fn needs_region(&self) -> bool {
        self.default_api_base.is_some_and(|base| base.contains(REGION))
    }

    /// Where it usually stands; `None` where the deployment must say so, or must name a region and does not.
    pub fn usual_api_base(&self, region: Option<&str>) -> Option<String> {
        let base = self.default_api_base?;
        match region {
            _ if !base.contains(REGION) => Some(base.to_owned()),
            // "Endpoints and locations": the global one has no prefix.
            Some("global") => Some(base.replace("{region}-", "")),
            Some(region) => Some(base.replace(REGION, region)),
            None => None,
        }
    }
}

const REGION: &str = "{region}";

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
        assert_eq!(base("vertex_ai", None), None);
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
            let base = provider.default_api_base.unwrap_or("http://set.by.hand");
            assert!(
                !provider.usual_api_base(Some("us-east-1")).is_some_and(|base| base.contains('{')),
                "{}: region",
                provider.id
            );
            assert!(base.starts_with("http") && !base.ends_with('/'), "{}: api base", provider.id);
        }
    }
}
