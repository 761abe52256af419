//! One thing that is wrong with a configuration, and where.

use std::fmt;

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
