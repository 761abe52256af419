//! What stands at a path of a provider's own interface. Whatever has no place here is for the master key alone: a list of what
//! tenants may use cannot be walked around by an escape, another case, or an interface that the provider adds tomorrow.

use deltallm_dialects::dialect::DialectId;
use deltallm_shared::{operation::Operation, providers::Wire};
use http::Method;

use crate::{onward_path, stages::relay::Known};

/// Segments that stand before the interface itself at one provider or another, besides versions.
const LEADING: [&str; 5] = ["openai", "api", "inference", "compatible-mode", "compatibility"];

/// Something that a provider's tenants may use without seeing each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How its answer is read.
    pub known: Known,
    /// Where the model's name stands.
    pub model: ModelAt,
    /// Asking costs nothing.
    pub is_free: bool,
}

/// Where a model's name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelAt {
    /// In the path: this name, without escapes.
    Path(String),
    /// In the body.
    Body,
    /// Nowhere: no model runs.
    Nowhere,
}

impl Place {
    /// By method and path. `bases`: segments of the addresses of the provider's deployments. Segments are compared as they are:
    /// one with an escape, a parameter or another case is another one.
    pub fn find(wire: Wire, method: &Method, rest: &str, bases: &[&str]) -> Option<Self> {
        let segments: Vec<&str> = rest.trim_start_matches('/').split('/').collect();
        let leading = segments.iter().take_while(|segment| is_leading(segment, bases)).count();
        let tail = &segments[leading..];
        match *method {
            Method::GET | Method::HEAD => matches!(tail, ["models"] | ["models", _]).then_some(Self {
                known: Known::Nothing,
                model: ModelAt::Nowhere,
                is_free: true,
            }),
            Method::POST => match wire {
                Wire::Anthropic => of_anthropic(tail),
                Wire::Gemini => of_google(tail),
                Wire::Vertex => match tail {
                    ["publishers", _, tail @ ..] | ["projects", _, "locations", _, "publishers", _, tail @ ..] => {
                        of_google(tail)
                    }
                    tail => of_google(tail),
                },
                Wire::Bedrock => of_bedrock(tail),
                Wire::Cohere => match tail {
                    ["chat"] if segments[..leading].last() == Some(&"v2") => {
                        Some(Self::run(Known::Chat(DialectId::CohereChat), ModelAt::Body))
                    }
                    ["rerank"] => Some(Self::run(Known::Figures(Operation::Rerank), ModelAt::Body)),
                    _ => None,
                },
                Wire::Azure => match tail {
                    ["deployments", name, tail @ ..] => {
                        Some(Self::run(of_openai(tail)?, ModelAt::Path(onward_path::decoded(name))))
                    }
                    tail => Some(Self::run(of_openai(tail)?, ModelAt::Body)),
                },
                Wire::OpenAi => Some(Self::run(of_openai(tail)?, ModelAt::Body)),
            },
            _ => None,
        }
    }

    fn run(known: Known, model: ModelAt) -> Self {
        Self { known, model, is_free: false }
    }

    fn count(model: ModelAt) -> Self {
        Self { known: Known::Nothing, model, is_free: true }
    }
}

/// A version, or what stands before one.
fn is_leading(segment: &str, bases: &[&str]) -> bool {
    let mut version = segment.strip_prefix('v').unwrap_or_default().bytes();
    let is_version = version.next().is_some_and(|byte| byte.is_ascii_digit())
        && version.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_version || LEADING.contains(&segment) || bases.contains(&segment)
}

fn of_anthropic(tail: &[&str]) -> Option<Place> {
    match tail {
        ["messages"] => Some(Place::run(Known::Chat(DialectId::AnthropicMessages), ModelAt::Body)),
        ["messages", "count_tokens"] => Some(Place::count(ModelAt::Body)),
        _ => None,
    }
}

fn of_google(tail: &[&str]) -> Option<Place> {
    let ["models", last] = tail else { return None };
    let (name, method) = last.rsplit_once(':')?;
    let model = ModelAt::Path(onward_path::decoded(name));
    match method {
        "generateContent" | "streamGenerateContent" => Some(Place::run(Known::Chat(DialectId::GeminiGenerate), model)),
        "countTokens" => Some(Place::count(model)),
        _ => None,
    }
}

fn of_bedrock(tail: &[&str]) -> Option<Place> {
    let ["model", name, "converse" | "converse-stream"] = tail else { return None };
    Some(Place::run(Known::Chat(DialectId::BedrockConverse), ModelAt::Path(onward_path::decoded(name))))
}

fn of_openai(tail: &[&str]) -> Option<Known> {
    Some(match tail {
        ["chat", "completions"] => Known::Chat(DialectId::OpenAiChat),
        ["embeddings"] => Known::Figures(Operation::Embeddings),
        ["rerank"] => Known::Figures(Operation::Rerank),
        ["moderations"] => Known::Figures(Operation::Moderations),
        ["images", "generations"] => Known::Figures(Operation::ImageGenerations),
        ["images", "edits"] => Known::Figures(Operation::ImageEdits),
        ["audio", "transcriptions"] => Known::Figures(Operation::Transcriptions),
        ["audio", "translations"] => Known::Figures(Operation::AudioTranslations),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(wire: Wire, rest: &str) -> Option<Place> {
        Place::find(wire, &Method::POST, rest, &["serving-endpoints"])
    }

    #[test]
    fn what_runs_a_model_has_a_place() {
        let chat = posted(Wire::OpenAi, "/v1/chat/completions").unwrap();
        assert_eq!((chat.known, chat.model), (Known::Chat(DialectId::OpenAiChat), ModelAt::Body));
        for path in ["/chat/completions", "/openai/v1/chat/completions", "/serving-endpoints/chat/completions"] {
            assert!(posted(Wire::OpenAi, path).is_some(), "{path}");
        }
        let named = |wire, path: &str| posted(wire, path).unwrap().model;
        assert_eq!(
            named(Wire::Bedrock, "/model/anthropic.claude-v2%3A1/converse"),
            ModelAt::Path("anthropic.claude-v2:1".into())
        );
        assert_eq!(
            named(Wire::Gemini, "/v1beta/models/gemini-2.5-pro:generateContent"),
            ModelAt::Path("gemini-2.5-pro".into())
        );
        let vertex = "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent";
        assert_eq!(named(Wire::Vertex, vertex), ModelAt::Path("g".into()));
        assert_eq!(named(Wire::Azure, "/openai/deployments/d/chat/completions"), ModelAt::Path("d".into()));
        assert_eq!(named(Wire::Anthropic, "/v1/messages"), ModelAt::Body);
        assert_eq!(named(Wire::Cohere, "/v2/chat"), ModelAt::Body);
        let models = Place::find(Wire::OpenAi, &Method::GET, "/v1/models/gpt-4o", &[]).unwrap();
        assert_eq!((models.model, models.is_free), (ModelAt::Nowhere, true));
    }

    #[test]
    fn nothing_else_has_one_however_it_is_written() {
        for path in [
            "/v1/files",
            "/v1/%66iles",
            "/openai/Files",
            "/v1/fil%65s",
            "/v1/files;x=1",
            "/v1/responses",
            "/v1/batches",
            "/v1/realtime/client_secrets",
            "/v1/realtime/sessions",
            "/v1/videos",
            "/v1/files/chat/completions",
            "/v1/chat/completions/",
            "/v1/chat/Completions",
            "/v1/chat/completions/id",
            "/v1/fine_tuning/jobs",
            "/v1/deployments/d/chat/completions",
            "/other/invocations",
            "/async-invoke",
            "/v1/completions",
        ] {
            assert_eq!(posted(Wire::OpenAi, path), None, "{path}");
            assert_eq!(Place::find(Wire::OpenAi, &Method::GET, path, &[]), None, "{path}");
        }
        for path in
            ["/chat/completions", "/chat/completions/c/messages", "/v1/%6dodels", "/v1/models/m/x", "/v1/Models"]
        {
            assert_eq!(Place::find(Wire::OpenAi, &Method::GET, path, &[]), None, "{path}");
        }
        for method in [Method::DELETE, Method::PUT, Method::PATCH, Method::OPTIONS] {
            assert_eq!(Place::find(Wire::OpenAi, &method, "/v1/models/ft:x", &[]), None, "{method}");
        }
        for path in ["/v1beta/cachedContents", "/v1beta/tunedModels/t:generateContent", "/v1beta/auth_tokens"] {
            assert_eq!(posted(Wire::Gemini, path), None, "{path}");
        }
        assert_eq!(posted(Wire::Vertex, "/v1/projects/p/locations/l/endpoints/e:generateContent"), None);
        assert_eq!(posted(Wire::Anthropic, "/v1/skills"), None);
        assert_eq!(posted(Wire::Bedrock, "/async-invoke"), None);
    }
}
