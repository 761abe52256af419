//! Every public surface, as a list: a path is looked up here and nowhere else. The list itself is in [`list`].

mod list;

use deltallm_shared::operation::Operation;
use http::Method;
pub use list::ENDPOINTS;

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A call to a model with a JSON body.
    Model {
        /// What is asked.
        operation: Operation,
        /// The field without which its body makes no sense.
        required: &'static str,
        /// Whether it can be streamed, and who says so.
        streams: Streams,
    },
    /// The list of models.
    Models,
    /// One model of the list; its name stands in the path.
    Model1,
    /// This process is alive.
    Liveness,
    /// This process wants requests.
    Readiness,
}

/// Whether an answer is a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// It never is; `stream: true` is an error.
    Never,
    /// The body's `stream` says so.
    Asked,
    /// The path says so.
    Always,
}

/// One surface.
#[derive(Debug)]
pub struct Endpoint {
    /// In metrics and records.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// Its paths, without `/v1`. `{model}` stands for the model's name, which may hold slashes.
    pub paths: &'static [&'static str],
    /// Whether the paths work with `/v1` before them.
    pub versioned: bool,
    /// What it is for.
    pub surface: Surface,
}

impl Endpoint {
    /// What is asked of a model, where the surface is about one.
    pub fn operation(&self) -> Option<Operation> {
        match self.surface {
            Surface::Model { operation, .. } => Some(operation),
            _ => None,
        }
    }
}

/// What a look-up gives.
#[derive(Debug)]
pub enum Found<'a> {
    /// The surface, and what stands for `{model}` in its path, escapes included.
    Endpoint(&'static Endpoint, Option<&'a str>),
    /// The path knows another method.
    OtherMethod(&'static Method),
    /// No such path.
    Nothing,
}

/// Looks a path up.
pub fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    let mut other = None;
    for endpoint in ENDPOINTS {
        let bare = if endpoint.versioned { strip_version(path) } else { path };
        let Some(model) = endpoint.paths.iter().find_map(|pattern| fits(pattern, bare)) else { continue };
        if endpoint.method == *method || (endpoint.method == Method::GET && method == Method::HEAD) {
            return Found::Endpoint(endpoint, model);
        }
        other = Some(&endpoint.method);
    }
    other.map_or(Found::Nothing, Found::OtherMethod)
}

/// `Some` where the path fits, with what stands for `{model}`.
fn fits<'a>(pattern: &str, path: &'a str) -> Option<Option<&'a str>> {
    let Some((before, after)) = pattern.split_once("{model}") else { return (path == pattern).then_some(None) };
    let model = path.strip_prefix(before)?.strip_suffix(after)?;
    (!model.is_empty()).then_some(Some(model))
}

/// The value of the `allow` header for a path.
pub fn allowed_methods(path: &str) -> &'static str {
    match (find(&Method::GET, path), find(&Method::POST, path)) {
        (Found::Endpoint(..), Found::Endpoint(..)) => "GET, HEAD, POST",
        (Found::Endpoint(..), _) => "GET, HEAD",
        (_, Found::Endpoint(..)) => "POST",
        _ => "",
    }
}

fn strip_version(path: &str) -> &str {
    match path.strip_prefix("/v1") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(method: Method, path: &str) -> &'static str {
        match find(&method, path) {
            Found::Endpoint(endpoint, ..) => endpoint.name,
            Found::OtherMethod(_) => "405",
            Found::Nothing => "404",
        }
    }

    #[test]
    fn paths_work_with_and_without_version() {
        assert_eq!(name(Method::POST, "/v1/chat/completions"), "chat_completions");
        assert_eq!(name(Method::POST, "/chat/completions"), "chat_completions");
        assert_eq!(name(Method::GET, "/v1/models"), "models");
        assert!(matches!(find(&Method::GET, "/v1/models/mock/echo"), Found::Endpoint(_, Some("mock/echo"))));
        assert_eq!(name(Method::HEAD, "/health/liveliness"), "liveness");
    }

    #[test]
    fn a_model_may_stand_in_the_path() {
        let model = |path| match find(&Method::POST, path) {
            Found::Endpoint(endpoint, model) => (endpoint.name, model),
            _ => ("none", None),
        };
        assert_eq!(model("/v1beta/models/org/m:generateContent"), ("generate_content", Some("org/m")));
        assert_eq!(model("/v1beta/models/m:streamGenerateContent"), ("generate_content", Some("m")));
        assert_eq!(model("/openai/deployments/m/chat/completions"), ("chat_completions", Some("m")));
    }

    #[test]
    fn other_methods_and_paths_are_told_apart() {
        assert_eq!(name(Method::GET, "/v1/chat/completions"), "405");
        for path in
            ["/", "/v1", "/v2/models", "/v1/v1/models", "/v1/health/liveness", "/v1/models/", "/v1/../v1/models"]
        {
            assert_eq!(name(Method::GET, path), "404", "{path}");
        }
    }
}
