//! A server that speaks every vendor's protocol, for benches and tests; see `benches/README.md` for its options.

use std::process::ExitCode;

use clap::Parser as _;
use deltallm_benches::{MockArgs, run_mock};

fn main() -> ExitCode {
    match run_mock(&MockArgs::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-upstream: {error}");
            ExitCode::FAILURE
        }
    }
}
