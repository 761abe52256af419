//! The one form of a request for embeddings and of its answer.

use base64::{Engine, prelude::BASE64_STANDARD};
use deltallm_shared::pricing::Usage;
use serde_json::{Map, Value};

use crate::{canonical::Source, dialect::Unreadable};

/// A request for embeddings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingRequest {
    /// The model: the public name when read, the vendor's name when written.
    pub model: String,
    /// What shall be embedded, one vector each. At least one.
    pub inputs: Vec<EmbeddingInput>,
    /// The length of a vector.
    pub dimensions: Option<u64>,
    /// How the client wants its vectors.
    pub encoding: Encoding,
    /// What the vectors are for.
    pub task: Option<Task>,
    /// The caller's own customer.
    pub user: Option<String>,
    /// Fields that only the client's dialect knows: [`crate::canonical::Unsupported`] decides.
    pub own: Map<String, Value>,
    /// Fields that the client's dialect does not know: they go to the vendor as they are, at the top level.
    pub extra: Map<String, Value>,
}

/// What one vector is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum EmbeddingInput {
    /// A text.
    Text(String),
    /// A text as numbers of OpenAI's tokens; other vendors cannot read it.
    Tokens(Vec<u64>),
    /// A picture.
    Image(Source),
    /// Texts and pictures that make one vector together.
    Mixed(Vec<Piece>),
}

/// A piece of a mixed input.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A text.
    Text(String),
    /// A picture.
    Image(Source),
}

impl EmbeddingInput {
    /// The text, where it is nothing else.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// How a client wants its vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// An array of numbers.
    #[default]
    Float,
    /// Base64 of 32-bit floats, little end first.
    Base64,
}

/// What vectors are for. Clients say it as `input_type` (Cohere, Voyage, Nvidia) or `task` (Jina), which OpenAI does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// The question of a search.
    Query,
    /// What is searched.
    Document,
    /// To sort into classes.
    Classification,
    /// To find groups.
    Clustering,
    /// To compare with each other.
    Similarity,
    /// The vendor's own word.
    Other(String),
}

impl Task {
    /// By the names of Cohere, Voyage, Nvidia, Jina and Gemini; capitals do not matter.
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "search_query" | "query" | "retrieval.query" | "retrieval_query" => Self::Query,
            "search_document" | "document" | "passage" | "retrieval.passage" | "retrieval_document" => Self::Document,
            "classification" => Self::Classification,
            "clustering" | "separation" => Self::Clustering,
            "semantic_similarity" | "text-matching" => Self::Similarity,
            _ => Self::Other(text.to_owned()),
        }
    }
}

impl EmbeddingRequest {
    /// Cuts it into requests of at most `inputs_per_call` inputs, in order.
    pub fn split(mut self, inputs_per_call: usize) -> Vec<Self> {
        let mut rest = std::mem::take(&mut self.inputs);
        let mut requests = Vec::with_capacity(rest.len().div_ceil(inputs_per_call.max(1)));
        loop {
            let tail = rest.split_off(rest.len().min(inputs_per_call.max(1)));
            requests.push(Self { inputs: rest, ..self.clone() });
            if tail.is_empty() {
                return requests;
            }
            rest = tail;
        }
    }
}

/// The vectors of a request, in the order of its inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingAnswer {
    /// The vendor's name of the model; empty where it does not say.
    pub model: String,
    /// One for each input.
    pub vectors: Vec<Vector>,
    /// What it consumed, where the vendor says it in the body.
    pub usage: Option<Usage>,
}

impl EmbeddingAnswer {
    /// Puts the answers of a request that was cut together.
    pub fn join(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for answer in answers {
            if all.model.is_empty() {
                all.model = answer.model;
            }
            all.vectors.extend(answer.vectors);
            if let Some(more) = answer.usage {
                let usage = all.usage.get_or_insert_default();
                usage.input_tokens += more.input_tokens;
                usage.image_input_tokens += more.image_input_tokens;
                usage.images += more.images;
            }
        }
        all
    }
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vector {
    /// A JSON array of numbers, as the vendor wrote it: no digit is lost.
    Numbers(Box<str>),
    /// Base64 of 32-bit floats, little end first.
    Base64(String),
}

impl Vector {
    /// As a JSON array of numbers.
    pub fn to_numbers(&self) -> Result<Box<str>, Unreadable> {
        match self {
            Self::Numbers(text) => Ok(text.clone()),
            Self::Base64(text) => {
                let bytes = BASE64_STANDARD.decode(text).ok().filter(|bytes| bytes.len() % 4 == 0);
                let bytes = bytes.ok_or_else(|| Unreadable::new("a vector is not base64 of 32-bit floats"))?;
                let floats: Vec<f32> = bytes
                    .chunks_exact(4)
                    .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                    .collect();
                let text = serde_json::to_string(&floats).map_err(|error| Unreadable::new(error.to_string()))?;
                Ok(text.into())
            }
        }
    }

    /// As base64 of 32-bit floats, little end first.
    pub fn to_base64(&self) -> Result<String, Unreadable> {
        match self {
            Self::Base64(text) => Ok(text.clone()),
            Self::Numbers(text) => {
                let floats: Vec<f32> = serde_json::from_str(text)
                    .map_err(|error| Unreadable::new(format!("a vector is not an array of numbers: {error}")))?;
                let bytes: Vec<u8> = floats.into_iter().flat_map(f32::to_le_bytes).collect();
                Ok(BASE64_STANDARD.encode(bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_base64_are_made_from_each_other() {
        let numbers = Vector::Numbers("[0.0,1.5,-2.25,0.1]".into());
        let base64 = numbers.to_base64().unwrap();
        assert_eq!(base64, "AAAAAAAAwD8AABDAzczMPQ==");
        assert_eq!(&*Vector::Base64(base64).to_numbers().unwrap(), "[0.0,1.5,-2.25,0.1]");
    }

    #[test]
    fn numbers_that_stay_numbers_keep_every_digit() {
        let text = "[0.12345678901234567890, 1e-9]";
        assert_eq!(&*Vector::Numbers(text.into()).to_numbers().unwrap(), text);
    }

    #[test]
    fn a_vector_that_is_none_is_an_error() {
        assert!(Vector::Base64("AAA".into()).to_numbers().is_err());
        assert!(Vector::Base64("AAAAAAA=".into()).to_numbers().is_err(), "five bytes");
        assert!(Vector::Numbers(r#"["x"]"#.into()).to_base64().is_err());
    }

    #[test]
    fn a_request_is_cut_and_its_answers_come_back_in_order() {
        let inputs = ["a", "b", "c"].map(|text| EmbeddingInput::Text(text.into())).to_vec();
        let request = EmbeddingRequest { model: "m".into(), inputs, dimensions: Some(2), ..Default::default() };
        let parts = request.split(2);
        assert_eq!(parts.iter().map(|part| part.inputs.len()).collect::<Vec<_>>(), [2, 1]);
        assert!(parts.iter().all(|part| part.dimensions == Some(2)));

        let answer = |vectors: &[&str], input_tokens| EmbeddingAnswer {
            model: "m".into(),
            vectors: vectors.iter().map(|text| Vector::Numbers((*text).into())).collect(),
            usage: Some(Usage { input_tokens, ..Usage::default() }),
        };
        let joined = EmbeddingAnswer::join([answer(&["[1]", "[2]"], 3), answer(&["[3]"], 4)]);
        assert_eq!(joined, answer(&["[1]", "[2]", "[3]"], 7));
    }
}
