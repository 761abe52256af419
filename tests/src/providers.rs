//! A model of every provider whose own protocol the mock upstream speaks, for tests with real clients.

use std::net::SocketAddr;
use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a deployment of a provider is written in the configuration.
struct Sample {
    /// The last part of the models' public names.
    name: &'static str,
    /// `provider/model` of the chat model.
    chat: &'static str,
    /// `provider/model` of the embedding model.
    embedding: Option<&'static str>,
    /// The lines of `deltallm_params` that say where it is and who asks; `{upstream}` is the mock's address.
    lines: &'static [&'static str],
}

/// Keys are what the mock upstream takes: any, and one pair for signatures.
const SAMPLES: &[Sample] = &[
    Sample {
        name: "openai",
        chat: "openai/gpt-4o",
        embedding: Some("openai/text-embedding-3-small"),
        lines: &["api_base: http://{upstream}/v1", "api_key: sk-openai-test"],
    },
    Sample {
        name: "azure",
        chat: "azure/my-gpt-4o",
        embedding: Some("azure/my-embeddings"),
        lines: &["api_base: http://{upstream}", "api_version: 2025-04-01-preview", "api_key: azure-test"],
    },
    Sample {
        name: "anthropic",
        chat: "anthropic/claude-sonnet-4-5",
        embedding: None,
        lines: &["api_base: http://{upstream}", "api_key: sk-ant-test"],
    },
    Sample {
        name: "gemini",
        chat: "gemini/gemini-2.5-flash",
        embedding: Some("gemini/gemini-embedding-001"),
        lines: &["api_base: http://{upstream}", "api_key: gemini-test"],
    },
    Sample {
        name: "vertex",
        chat: "vertex_ai/gemini-2.5-pro",
        embedding: Some("vertex_ai/text-embedding-005"),
        lines: &[
            "api_base: http://{upstream}",
            "region: us-central1",
            "project: my-project",
            "vertex_credentials: '{service_account}'",
        ],
    },
    Sample {
        name: "bedrock",
        chat: "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
        embedding: Some("bedrock/amazon.titan-embed-text-v2:0"),
        lines: &[
            "api_base: http://{upstream}",
            "region: us-east-1",
            "aws_access_key_id: AKIAMOCKUPSTREAM0001",
            "aws_secret_access_key: mock/upstream+secret0123456789abcdefghijk",
        ],
    },
    Sample {
        name: "cohere",
        chat: "cohere/command-a-03-2025",
        embedding: Some("cohere/embed-v4.0"),
        lines: &["api_base: http://{upstream}", "api_key: cohere-test"],
    },
    Sample {
        name: "mistral",
        chat: "mistral/mistral-large-latest",
        embedding: Some("mistral/mistral-embed"),
        lines: &["api_base: http://{upstream}/mistral/v1", "api_key: mistral-test"],
    },
    Sample {
        name: "groq",
        chat: "groq/llama-3.3-70b-versatile",
        embedding: None,
        lines: &["api_base: http://{upstream}/v1", "api_key: groq-test"],
    },
];

/// Statuses for which there are models of their own: a deployment that failed too often is left alone for a while.
const FAILING: [u16; 5] = [400, 401, 404, 429, 500];

/// The names of all providers, separated by blanks.
pub fn names() -> String {
    SAMPLES.iter().map(|sample| sample.name).collect::<Vec<_>>().join(" ")
}

/// The entries of `model_list`: `chat-<provider>`, `lax-<provider>` (drops what the vendor does not have),
/// `embed-<provider>`, `fail-<provider>-<status>`, `rerank-cohere`.
pub fn entries(upstream: SocketAddr) -> String {
    let mut entries = String::new();
    for sample in SAMPLES {
        let mut add =
            |name: &str, model: &str, mode: &str| entries.push_str(&entry(sample, name, model, mode, upstream));
        add(&format!("chat-{}", sample.name), sample.chat, "chat");
        add(&format!("lax-{}", sample.name), sample.chat, "chat");
        if let Some(model) = sample.embedding {
            // Google's SDK takes any name with its own name in it for a model of another kind.
            add(&format!("embed-{}", sample.name.replace("gemini", "google")), model, "embedding");
        }
        for status in FAILING {
            add(&format!("fail-{}-{status}", sample.name), sample.chat, "chat");
        }
        if sample.name == "cohere" {
            add("rerank-cohere", "cohere/rerank-v3.5", "rerank");
        }
    }
    entries
}

fn entry(sample: &Sample, name: &str, model: &str, mode: &str, upstream: SocketAddr) -> String {
    let lines = sample.lines.iter().flat_map(|line| ["      ", line, "\n"]).collect::<String>();
    let drops = if name.starts_with("lax-") { "      drop_params: true\n" } else { "" };
    let lines = lines.replace("{service_account}", &service_account(upstream));
    let lines = lines.replace("{upstream}", &upstream.to_string()) + drops;
    format!(
        "  - model_name: {name}
    deltallm_params:
      model: {model}
{lines}    model_info: {{ mode: {mode}, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002 }}
"
    )
}

/// The key file of a service account of Google's, on one line; its key is made once per run.
fn service_account(upstream: SocketAddr) -> String {
    static PRIVATE_KEY: LazyLock<String> = LazyLock::new(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("a key can be written");
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()))
    });
    serde_json::json!({
        "type": "service_account",
        "project_id": "my-project",
        "client_email": "robot@my-project.iam.gserviceaccount.com",
        "private_key_id": "key-1",
        "private_key": *PRIVATE_KEY,
        "token_uri": format!("http://{upstream}/token"),
    })
    .to_string()
}
