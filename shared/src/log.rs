//! Logging of both services: one line of text an event on standard error, level by `DELTALLM_LOG`.
//!
//! Field names are the same everywhere: `request_id`, `key_id`, `model`, `deployment_id`, `duration_ms`, `error`.

use tracing_subscriber::EnvFilter;

/// The variable with the level filter: `info`, `debug`, `deltallm_proxy=debug,warn` …
pub const LEVEL_VARIABLE: &str = "DELTALLM_LOG";

/// Starts logging, once per process. `quiet` names modules of libraries and the level above which they are not wanted.
pub fn start(quiet: &[&str]) {
    let mut filter = EnvFilter::try_from_env(LEVEL_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    for directive in quiet {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let json = std::env::var("DELTALLM_LOG_FORMAT").is_ok_and(|format| format == "json");
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A second call (in tests) finds the first one's subscriber in place, which is fine.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
