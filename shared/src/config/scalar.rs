//! Scalars that know where they stand and read the grammars of durations, sizes and prices.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
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

/// One text, or several in a list; each with its place.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<Text>);

impl Texts {
    pub(super) fn as_slice(&self) -> &[Text] {
        &self.0
    }
}

/// What stands there. serde's untagged enums would do, but lose the places.
enum OneOrMany {
    One(String),
    Many(Vec<Text>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined } = Spanned::<OneOrMany>::deserialize(deserializer)?;
        Ok(Self(match value {
            OneOrMany::One(text) => vec![Text(Spanned { value: Written(text), referenced, defined })],
            OneOrMany::Many(texts) => texts,
        }))
    }
}
