//! `os.environ/NAME`: a value that stands in the environment instead of the file.

use std::env;

const PREFIX: &str = "os.environ/";

/// The environment as a value, so that tests bring their own.
pub trait Environment {
    /// The variable's value; `None` where it is not set or empty.
    fn variable(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn variable(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// The name that a text refers to, if it is a reference.
pub(super) fn referred(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}
