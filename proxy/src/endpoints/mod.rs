//! Every public surface, as a list: a path is looked up here and nowhere else. The list itself is in [`list`].

mod list;

use deltallm_shared::{
    operation::Operation,
    providers::{self, MOCK, Provider},
};
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
    /// A call to a model with a form; `json`: the field without which a JSON body in its place makes no sense, where one may
    /// stand there.
    Upload {
        /// What is asked.
        operation: Operation,
        /// The main field of a JSON body.
        json: Option<&'static str>,
    },
    /// Something that lives at a provider: a file, a batch, a stored response. Its id stands in the path.
    Object {
        /// What it is.
        operation: Operation,
        /// What is done with it.
        action: Action,
    },
    /// A conversation with a model over a WebSocket.
    Realtime,
    /// Anything of a provider's own interface; the provider and its path stand in the path.
    Onward,
    /// The list of models.
    Models,
    /// One model of the list; its name stands in the path.
    Model1,
    /// This process is alive.
    Liveness,
    /// This process wants requests.
    Readiness,
}

/// What is done with a thing at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new one is made.
    Create,
    /// All of them are listed.
    List,
    /// It is described.
    Read,
    /// Something of it is read: a file's content, a response's input.
    ReadPart(&'static str),
    /// It is deleted.
    Delete,
    /// Its work is ended.
    Cancel,
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
    /// Its paths, without `/v1`. `{model}` stands for the model's name, which may hold slashes; `{id}` for the name of a thing,
    /// which holds none.
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
            Surface::Model { operation, .. }
            | Surface::Upload { operation, .. }
            | Surface::Object { operation, .. } => Some(operation),
            Surface::Realtime => Some(Operation::Realtime),
            _ => None,
        }
    }
}

/// What a look-up gives.
#[derive(Debug)]
pub enum Found<'a> {
    /// The surface, and what stands for `{model}` or `{id}` in its path, escapes included.
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
        let Some(name) = endpoint.paths.iter().find_map(|pattern| fits(pattern, bare)) else { continue };
        if endpoint.method == *method || (endpoint.method == Method::GET && method == Method::HEAD) {
            return Found::Endpoint(endpoint, Some(name).filter(|name| !name.is_empty()));
        }
        other = Some(&endpoint.method);
    }
    match other {
        Some(method) => Found::OtherMethod(method),
        None if onward(path).is_some() => Found::Endpoint(&ONWARD, None),
        None => Found::Nothing,
    }
}

/// `Some` where the path fits, with what stands for `{model}` or `{id}`; empty where the pattern has neither.
fn fits<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (placeholder, may_hold_slashes) = if pattern.contains("{id}") { ("{id}", false) } else { ("{model}", true) };
    let Some((before, after)) = pattern.split_once(placeholder) else { return (path == pattern).then_some("") };
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    (!name.is_empty() && (may_hold_slashes || !name.contains('/'))).then_some(name)
}

/// Everything of a provider's own interface, whatever the method.
static ONWARD: Endpoint =
    Endpoint { name: "pass_through", method: Method::POST, paths: &[], versioned: false, surface: Surface::Onward };

/// The provider that a path begins with, and what stands behind its name.
pub fn onward(path: &str) -> Option<(&'static Provider, &str)> {
    let first = path.strip_prefix('/')?.split('/').next()?;
    let provider = providers::provider(first).filter(|provider| provider.id != MOCK)?;
    path.get(1 + first.len()..).filter(|rest| rest.len() > 1).map(|rest| (provider, rest))
}

/// What is asked of a model at a path, whatever the method.
pub fn operation_at(path: &str) -> Option<Operation> {
    match find(&Method::POST, path) {
        Found::Endpoint(endpoint, _) => endpoint.operation(),
        _ => None,
    }
}

/// The value of the `allow` header for a path.
pub fn allowed_methods(path: &str) -> String {
    let methods = [Method::GET, Method::POST, Method::DELETE];
    let known = methods.iter().filter(|method| matches!(find(method, path), Found::Endpoint(..)));
    let names: Vec<&str> =
        known.map(|method| if method == Method::GET { "GET, HEAD" } else { method.as_str() }).collect();
    names.join(", ")
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
    fn things_at_providers_have_their_id_in_the_path() {
        let id = |method: Method, path| match find(&method, path) {
            Found::Endpoint(endpoint, id) => (endpoint.name, id),
            _ => ("none", None),
        };
        assert_eq!(id(Method::GET, "/v1/files/file-1~a~b"), ("files", Some("file-1~a~b")));
        assert_eq!(id(Method::GET, "/v1/files/file-1/content"), ("files", Some("file-1")));
        assert_eq!(id(Method::DELETE, "/v1/responses/resp_1"), ("responses", Some("resp_1")));
        assert_eq!(id(Method::POST, "/v1/batches/b/cancel"), ("batches", Some("b")));
        assert_eq!(id(Method::GET, "/v1/files/a/b"), ("none", None));
        assert_eq!(allowed_methods("/v1/files/a"), "GET, HEAD, DELETE");
    }

    #[test]
    fn the_rest_of_a_providers_interface_stands_behind_its_name() {
        assert_eq!(name(Method::POST, "/anthropic/v1/messages"), "pass_through");
        assert_eq!(name(Method::PUT, "/cohere/v2/anything"), "pass_through");
        assert_eq!(name(Method::POST, "/openai/v1/chat/completions"), "chat_completions");
        assert_eq!(
            onward("/gemini/v1beta/models").map(|(provider, rest)| (provider.id, rest)),
            Some(("gemini", "/v1beta/models"))
        );
        for path in ["/anthropic", "/anthropic/", "/mock/x", "/nobody/v1/x", "anthropic/v1"] {
            assert!(onward(path).is_none(), "{path}");
        }
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
