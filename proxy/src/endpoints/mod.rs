//! Every public surface, as a list: a path is looked up here and nowhere else.

use http::Method;

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A call to a model; `required` is the field without which its body makes no sense.
    Model {
        /// The body's main field.
        required: &'static str,
        /// Whether it can be streamed.
        can_stream: bool,
    },
    /// The list of models.
    Models,
    /// One model of the list; its name is the rest of the path.
    Model1,
    /// This process is alive.
    Liveness,
    /// This process wants requests.
    Readiness,
}

/// One surface.
#[derive(Debug)]
pub struct Endpoint {
    /// In metrics and records.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// Its paths, without `/v1`; one that ends in `/` stands for everything below.
    pub paths: &'static [&'static str],
    /// Whether the paths work with `/v1` before them.
    pub versioned: bool,
    /// What it is for.
    pub surface: Surface,
}

/// The list.
pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "chat_completions",
        method: Method::POST,
        paths: &["/chat/completions"],
        versioned: true,
        surface: Surface::Model { required: "messages", can_stream: true },
    },
    Endpoint {
        name: "embeddings",
        method: Method::POST,
        paths: &["/embeddings"],
        versioned: true,
        surface: Surface::Model { required: "input", can_stream: false },
    },
    Endpoint { name: "models", method: Method::GET, paths: &["/models"], versioned: true, surface: Surface::Models },
    Endpoint { name: "model", method: Method::GET, paths: &["/models/"], versioned: true, surface: Surface::Model1 },
    Endpoint {
        name: "liveness",
        method: Method::GET,
        paths: &["/health/liveness", "/health/liveliness"],
        versioned: false,
        surface: Surface::Liveness,
    },
    Endpoint {
        name: "readiness",
        method: Method::GET,
        paths: &["/health/readiness"],
        versioned: false,
        surface: Surface::Readiness,
    },
];

/// What a look-up gives.
#[derive(Debug)]
pub enum Found<'a> {
    /// The surface, its path without `/v1`, and what stands behind a path that ends in `/`.
    Endpoint(&'static Endpoint, &'static str, &'a str),
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
        let hit = endpoint.paths.iter().find_map(|pattern| match pattern.strip_suffix('/') {
            Some(_) => bare.strip_prefix(*pattern).filter(|rest| !rest.is_empty()).map(|rest| (*pattern, rest)),
            None => (bare == *pattern).then_some((*pattern, "")),
        });
        let Some((pattern, rest)) = hit else { continue };
        if endpoint.method == *method || (endpoint.method == Method::GET && method == Method::HEAD) {
            return Found::Endpoint(endpoint, pattern, rest);
        }
        other = Some(&endpoint.method);
    }
    other.map_or(Found::Nothing, Found::OtherMethod)
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
        assert!(matches!(find(&Method::GET, "/v1/models/mock/echo"), Found::Endpoint(_, _, "mock/echo")));
        assert_eq!(name(Method::HEAD, "/health/liveliness"), "liveness");
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
