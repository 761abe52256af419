//! The one form of a request for reranking and of its answer.

use deltallm_shared::pricing::Usage;
use serde_json::{Map, Number, Value};

/// A request for reranking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RerankRequest {
    /// The model: the public name when read, the vendor's name when written.
    pub model: String,
    /// The question.
    pub query: String,
    /// What may answer it: strings, or objects of which `rank_fields` are read (else `text`). At least one.
    pub documents: Vec<Value>,
    /// How many of the best are wanted; `None`: all.
    pub top_n: Option<u64>,
    /// Whether the answer shall repeat the documents.
    pub return_documents: Option<bool>,
    /// Where a longer document is cut, in tokens.
    pub max_tokens_per_doc: Option<u64>,
    /// The fields of an object that count.
    pub rank_fields: Vec<String>,
    /// Fields that are not known: they go to the vendor as they are, at the top level.
    pub extra: Map<String, Value>,
}

impl RerankRequest {
    /// A document as text, for vendors that take no objects: its `rank_fields`, one line each (`name: value`, as Cohere advises
    /// for structured data), or its `text`. `None` where an object has none of them.
    pub fn text_of(&self, document: &Value) -> Option<String> {
        let object = match document {
            Value::String(text) => return Some(text.clone()),
            Value::Object(object) => object,
            _ => return None,
        };
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if self.rank_fields.is_empty() {
            return object.get("text").map(plain);
        }
        let fields = self.rank_fields.iter().filter_map(|name| Some((name, object.get(name)?)));
        let lines: Vec<String> = fields.map(|(name, value)| format!("{name}: {}", plain(value))).collect();
        match (lines.as_slice(), self.rank_fields.as_slice()) {
            ([], _) => None,
            (_, [only]) => object.get(only).map(plain),
            _ => Some(lines.join("\n")),
        }
    }
}

/// The documents by how well they answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RerankAnswer {
    /// The vendor's id; empty where it gives none.
    pub id: String,
    /// The best first.
    pub results: Vec<Ranked>,
    /// What it consumed: `searches` where search units are billed, `input_tokens` where tokens are.
    pub usage: Option<Usage>,
}

/// One document of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Its place in the request, from 0.
    pub index: u64,
    /// How well it answers, as the vendor wrote it.
    pub relevance_score: Number,
    /// The document, where the vendor repeats it.
    pub document: Option<Value>,
}
