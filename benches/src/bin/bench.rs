//! `DeltaLLM` beside nginx, on this machine, now; see `benches/README.md`.

use std::process::ExitCode;

use clap::Parser as _;
use deltallm_benches::{BenchArgs, run_bench};

fn main() -> ExitCode {
    match run_bench(&BenchArgs::parse()) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
