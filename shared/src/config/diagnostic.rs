//! One thing that is wrong with a configuration, and where.

use std::fmt;

use serde_saphyr::Error as YamlError;

/// Prints as `file:line:column: message`, as compilers do, so that editors jump to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named.
    pub file: String,
    /// From 1; 0 where the file as a whole is meant.
    pub line: u64,
    /// From 1; 0 where the file as a whole is meant.
    pub column: u64,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        match line {
            0 => write!(f, "{file}: {message}"),
            _ => write!(f, "{file}:{line}:{column}: {message}"),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// The known name that is meant most likely, if one is near enough.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |name: &&str| strsim::damerau_levenshtein(written, name) <= 1 + name.len().max(written.len()) / 3;
    known.into_iter().filter(near).min_by_key(|name| strsim::damerau_levenshtein(written, name))
}

/// What the YAML library found wrong, in our words.
pub(super) fn yaml_diagnostic(file: &str, error: &YamlError) -> Diagnostic {
    let inner = error.without_snippet();
    let (line, column) = inner.location().map_or((0, 0), |at| (at.line(), at.column()));
    let message = match inner {
        YamlError::SerdeUnknownField { field, expected, .. } => unknown_key(field, expected),
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown value `{variant}`; known are {}", list(expected))
        }
        YamlError::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        YamlError::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` stands here twice"),
        other => first_line(&other.to_string()),
    };
    Diagnostic { file: file.to_owned(), line, column, message }
}

fn unknown_key(field: &str, expected: &[&'static str]) -> String {
    match nearest(field, expected.iter().copied()) {
        Some(known) => format!("unknown key `{field}`; did you mean `{known}`?"),
        None => format!("unknown key `{field}`; known are {}", list(expected)),
    }
}

fn list(names: &[&'static str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
