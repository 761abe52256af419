//! Embeddings: what clients ask in OpenAI's form (`POST /v1/embeddings`), for vendors with forms of their own.
//!
//! Where the vendor speaks OpenAI's form, the body goes through as it came and none of this is used. Else a body is read by
//! [`openai::read_request`], written by an [`EmbeddingVendor`], and its answer goes back through [`openai::write_answer`].

mod bedrock;
mod canonical;
mod cohere;
pub mod openai;

pub use bedrock::BedrockEmbeddings;
pub use canonical::{EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Encoding, Piece, Task, Vector};
pub use cohere::CohereEmbeddings;
use deltallm_shared::error::ApiError;

use crate::{
    canonical::{Failure, Unsupported},
    dialect::Unreadable,
    gemini::embeddings::{GeminiEmbeddings, VertexEmbeddings},
};

/// A wire format for embeddings that is not OpenAI's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmbeddingVendorId {
    /// `POST /v2/embed`
    Cohere,
    /// `POST /model/{model}/invoke`: Amazon's and Cohere's models.
    Bedrock,
    /// `POST /v1beta/models/{model}:batchEmbedContents`
    Gemini,
    /// `POST …/publishers/google/models/{model}:predict`
    Vertex,
}

/// All vendors.
pub static EMBEDDING_VENDORS: &[&dyn EmbeddingVendor] =
    &[&CohereEmbeddings, &BedrockEmbeddings, &GeminiEmbeddings, &VertexEmbeddings];

/// The vendor of this id.
pub fn embedding_vendor(id: EmbeddingVendorId) -> Option<&'static dyn EmbeddingVendor> {
    EMBEDDING_VENDORS.iter().copied().find(|vendor| vendor.id() == id)
}

/// What a vendor of embeddings speaks.
pub trait EmbeddingVendor: Sync {
    /// Its name.
    fn id(&self) -> EmbeddingVendorId;

    /// The largest number of inputs that one call of this model takes; `None`: no limit that we know. A longer request is cut
    /// with [`EmbeddingRequest::split`] and its answers are put together with [`EmbeddingAnswer::join`].
    fn inputs_per_call(&self, _model: &str) -> Option<usize> {
        None
    }

    /// Writes the body for a vendor; `request.model` is the vendor's own name already. What the vendor cannot do goes through
    /// `unsupported`.
    fn write_request(&self, request: &EmbeddingRequest, unsupported: &mut Unsupported<'_>)
    -> Result<Vec<u8>, ApiError>;

    /// Reads an answer.
    fn read_answer(&self, body: &[u8]) -> Result<EmbeddingAnswer, Unreadable>;

    /// Reads the body of an error answer: any bytes.
    fn read_error(&self, status: u16, body: &[u8]) -> Failure;
}
