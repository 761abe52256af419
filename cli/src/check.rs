//! `deltallm check FILE`.

use std::{path::Path, process::ExitCode};

use deltallm_shared::config::{self, ProcessEnvironment};

/// Exit code 0 for a good file, 1 otherwise; one line for each mistake on standard error.
pub fn run(file: &Path) -> ExitCode {
    match config::check(file, &ProcessEnvironment) {
        Ok(config) => {
            for warning in &config.warnings {
                eprintln!("{warning} (warning)");
            }
            let (models, keys) = (config.deployments.len(), config.keys.len());
            println!("{} is valid: {models} model deployments, {keys} keys", file.display());
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                eprintln!("{mistake}");
            }
            ExitCode::FAILURE
        }
    }
}
