//! `deltallm-proxy`: arguments → configuration → boot.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use deltallm_proxy::boot::{self, Options};

/// What a bad configuration or a busy port ends with (`EX_CONFIG` of sysexits).
const EXIT_CONFIG: u8 = 78;

/// jemalloc gives memory back after a burst of streams; glibc's allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// DeltaLLM's proxy: one OpenAI-compatible endpoint in front of many providers.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The configuration file [default: config.yaml where there is one]
    #[arg(long, env = "DELTALLM_CONFIG_PATH")]
    config: Option<PathBuf>,

    /// Address of the API
    #[arg(long, env = "DELTALLM_LISTEN", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,

    /// Address of metrics and probes
    #[arg(long, env = "DELTALLM_OPS_LISTEN", default_value = "127.0.0.1:4002")]
    ops_listen: SocketAddr,

    /// Folder for the journal and the last-known-good configuration
    #[arg(long, env = "DELTALLM_HOME", default_value = ".deltallm")]
    home: PathBuf,

    /// Serving threads [default: one for each core]
    #[arg(long, env = "DELTALLM_THREADS")]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    deltallm_shared::log::start(&[
        "pingora_core=warn",
        "pingora_core::connectors=off",
        "pingora_proxy=error",
        "hyper=warn",
        "reqwest=warn",
    ]);
    let default = PathBuf::from("config.yaml");
    let options = Options {
        config: arguments.config.or_else(|| default.exists().then_some(default)),
        home: arguments.home,
        api: arguments.listen,
        ops: arguments.ops_listen,
        threads: arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into)).max(1),
    };
    match boot::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}
