//! What both DeltaLLM processes speak.
//!
//! Values and their rules only: no socket, no Pingora, no actix-web type. `proxy`, `admin` and `cli` stand on this crate and
//! never on each other; `tests/whole_system` asserts that direction.

pub mod catalog;
pub mod config;
pub mod control;
pub mod credential;
pub mod crypto;
pub mod egress;
pub mod error;
pub mod event;
pub mod ids;
pub mod log;
pub mod money;
pub mod operation;
pub mod pricing;
pub mod providers;
pub mod routing;
pub mod secret;
pub mod time_text;
