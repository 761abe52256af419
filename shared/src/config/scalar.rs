//! Scalars that know where they stand and read the grammars of durations, sizes and prices.

use serde::Deserialize;
use serde_saphyr::Spanned;

/// A text of the file with its place. Numbers arrive as the text that was written, so that `0.00000015` stays exact.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text(Spanned<Written>);

/// What was written, whether it looks like text, a number or a truth value.
#[derive(Clone, Debug)]
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.0.value.0
    }

    /// Line and column, from 1.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.0.referenced.line(), self.0.referenced.column())
    }
}
