//! The embedded default database: a private, native PostgreSQL that listens on a socket file only.

mod account;
mod cluster;
mod discovery;
mod place;
mod server;

pub use account::Account;
pub use server::{Embedded, postmaster_is_ready};

/// The role and the database that everything lives in.
const ROLE: &str = "deltallm";
const DATABASE: &str = "deltallm";
