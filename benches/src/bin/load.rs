//! A bounded load on a loopback target; see `benches/README.md`.

use std::process::ExitCode;

use clap::Parser as _;
use deltallm_benches::{LoadArgs, run_load};

fn main() -> ExitCode {
    let report = run_load(&LoadArgs::parse())
        .and_then(|report| serde_json::to_string_pretty(&report).map_err(|error| error.to_string()));
    match report {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
