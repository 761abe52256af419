//! The DeltaLLM control plane.
//!
//! Read `app.rs` (every route) and `middleware.rs` (what stands around them) first. A handler in `routes` takes a draft of
//! `views`, asks `repository` (the only place with SQL), and shows a view. `config_stream` feeds the proxies, `ingest` takes
//! their spend events; `boot` builds all of it.

mod app;
mod auth;
mod body;
pub mod boot;
mod config_stream;
mod database;
mod database_tls;
mod error;
mod explain;
mod ingest;
mod jobs;
mod live;
mod metrics;
mod middleware;
mod migrate;
mod model_trial;
pub mod openapi;
pub mod options;
mod page;
mod patch;
mod path_id;
mod permissions;
mod repository;
mod routes;
mod state;
mod ui;
mod validate;
mod views;
