//! The admin service from outside: the real binary, over HTTP, on a real PostgreSQL.
//!
//! The harness starts one private database cluster per run and gives every test a database and a process of its own. Nothing
//! sleeps to wait: `wait_until` asks until it is so.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a panic is the report")]

mod harness;

mod authorization;
mod config_stream;
mod credentials;
mod database_faults;
mod explain;
mod ingest;
mod keys;
mod migrations;
mod models;
mod organization_tree;
mod process;
mod requests;
mod routing;
mod session;
mod static_files;
