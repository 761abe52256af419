//! The stages of a request, one file each. A stage never calls another and never decides what comes next: it returns what it
//! found, or an [`deltallm_shared::error::ApiError`] for the caller, and `gateway.rs` goes on.

pub mod account;
pub mod assume;
pub mod authenticate;
pub mod authorize;
pub mod count;
pub mod read_body;
pub mod read_upload;
pub mod receive;
pub mod relay;
pub mod reply;
pub mod send;
pub mod translate;
