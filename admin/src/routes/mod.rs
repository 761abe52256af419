//! Handlers, one file per noun. A handler reads what it was given, asks `repository`, and answers with a view.

pub mod credentials;
pub mod explain;
pub mod health;
pub mod keys;
pub mod me;
pub mod models;
pub mod organizations;
pub mod providers;
pub mod requests;
pub mod routing;
pub mod session;
pub mod spend;
pub mod teams;
pub mod users;
