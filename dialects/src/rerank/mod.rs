//! Reranking: which documents answer a question best. Clients ask as Cohere and Jina have it (`POST /v1/rerank`, `/v2/rerank`),
//! which is also what Together, vLLM, Infinity, Voyage and others speak, with small differences.
//!
//! A body is read by [`client::read_request`], written by a [`RerankVendor`], and its answer goes back through
//! [`client::write_answer`].

mod bedrock;
mod canonical;
pub mod client;
mod cohere;
mod jina;

pub use bedrock::{BedrockRerank, model_arn};
pub use canonical::{Ranked, RerankAnswer, RerankRequest};
pub use cohere::CohereRerank;
use deltallm_shared::error::ApiError;
pub use jina::JinaRerank;

use crate::{
    canonical::{Failure, Unsupported},
    dialect::Unreadable,
};

/// A wire format for reranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RerankVendorId {
    /// Cohere's `POST /v2/rerank`.
    Cohere,
    /// `POST /v1/rerank` as Jina has it, and Together, vLLM, Voyage …
    Jina,
    /// `POST /rerank` of Bedrock's agent runtime (`bedrock-agent-runtime.{region}.amazonaws.com`).
    Bedrock,
}

/// All vendors.
pub static RERANK_VENDORS: &[&dyn RerankVendor] = &[&CohereRerank, &JinaRerank, &BedrockRerank];

/// The vendor of this id.
pub fn rerank_vendor(id: RerankVendorId) -> Option<&'static dyn RerankVendor> {
    RERANK_VENDORS.iter().copied().find(|vendor| vendor.id() == id)
}

/// What a reranker speaks.
pub trait RerankVendor: Sync {
    /// Its name.
    fn id(&self) -> RerankVendorId;

    /// Writes the body for a vendor; `request.model` is the vendor's own name already. What the vendor cannot do goes through
    /// `unsupported`.
    fn write_request(&self, request: &RerankRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError>;

    /// Reads an answer.
    fn read_answer(&self, body: &[u8]) -> Result<RerankAnswer, Unreadable>;

    /// Reads the body of an error answer: any bytes.
    fn read_error(&self, status: u16, body: &[u8]) -> Failure;
}
