//! `deltallm`: the operator's command.

mod addresses;
mod banner;
mod check;
mod error;
mod home;
mod launch;
mod postgres;
mod secrets;
mod supervisor;
mod up;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// The DeltaLLM gateway: start it, check its configuration.
#[derive(Parser)]
#[command(name = "deltallm", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway and its dashboard in the foreground, with a database of its own unless DATABASE_URL is set.
    Up(up::Options),
    /// Validate a configuration file; what is wrong comes as file:line:column.
    Check {
        /// The file, such as config.yaml.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Up(options) => up::run(&options),
        Command::Check { file } => check::run(&file),
    }
}
