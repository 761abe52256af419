//! The mock upstream: a server that speaks every vendor's protocol, whose every behaviour is chosen by the request.
//!
//! [`vendor`] lists the protocols; each reads a request into a [`prompt`], or refuses it as the real one does. [`reply`]
//! decides what is answered, and the vendor puts it into its own words. [`options`] is the grammar a caller uses to choose
//! faults and sizes, [`script`] turns the choice into what is sent and when, [`body`] plays it on a connection, [`ledger`]
//! remembers what was served.

mod anthropic;
mod anthropic_messages;
mod anthropic_read;
mod azure;
mod bedrock;
mod bedrock_read;
mod body;
mod cohere;
mod cohere_search;
mod connection;
mod event_stream;
mod gemini;
mod gemini_contents;
mod gemini_read;
mod json;
mod ledger;
mod mistral;
mod openai;
mod openai_audio;
mod openai_embeddings;
mod openai_files;
mod openai_images;
mod openai_media;
mod openai_read;
mod openai_realtime;
mod openai_responses;
mod openai_responses_read;
mod options;
mod prompt;
mod refusal;
mod reply;
mod schema;
mod script;
mod server;
mod signature;
mod sigv4;
mod storm;
mod tokens;
mod vendor;
mod vertex;

use std::io::Write as _;
use std::net::SocketAddr;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Answers as the vendor of each path does, and as the request's mock options ask.
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
