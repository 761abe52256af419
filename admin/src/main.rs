//! `deltallm-admin`: command line, then [`deltallm_admin::boot`].

use std::{io::Write, process::ExitCode};

use clap::Parser;
use deltallm_admin::{boot, openapi, options::Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let result = if options.print_openapi {
        openapi::json().and_then(|text| std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string()))
    } else {
        boot::run(options).await
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Standard error may be gone; the exit code remains.
            let _ = writeln!(std::io::stderr(), "deltallm-admin: {message}");
            ExitCode::FAILURE
        }
    }
}
