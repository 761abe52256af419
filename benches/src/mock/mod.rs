//! The mock upstream: an OpenAI-compatible server whose every behaviour is chosen by the request.
//!
//! [`options`] is the grammar a caller uses to choose, [`script`] turns the choice into what is
//! sent and when, [`body`] plays it on a connection, [`ledger`] remembers what was served.

mod body;
mod connection;
mod embeddings;
mod ledger;
mod openai;
mod options;
mod script;
mod server;

use std::io::Write as _;
use std::net::SocketAddr;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Answers like OpenAI's API, as each request's mock options ask.
#[derive(Debug, Parser)]
#[command(name = "mock-upstream", version)]
pub struct MockArgs {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How many requests the ledger keeps with headers and body; 0 for load tests.
    #[arg(long, default_value_t = 256)]
    keep: usize,
}

/// Serves until a signal ends it; prints one `ready` line once it listens.
pub fn run_mock(args: &MockArgs) -> std::io::Result<()> {
    // One thread: it shares a core with the load generator and must not take another.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await?;
        println!("ready mock-upstream addr={}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            served = server::serve(listener, ledger::Ledger::new(args.keep)) => served,
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })
}
