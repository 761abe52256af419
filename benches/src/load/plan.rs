//! What is asked of the load generator, checked: bounded, and against loopback only.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Parser;
use hyper::Uri;

/// Sends a bounded load to an OpenAI-compatible endpoint on this machine and prints JSON.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", version)]
pub struct LoadArgs {
    /// Where to: `http://127.0.0.1:4000/v1/chat/completions`; loopback only.
    #[arg(long)]
    pub target: String,
    /// Keep-alive connections, each with one request at a time.
    #[arg(long, default_value_t = 16)]
    pub connections: u16,
    /// Stop after this many requests.
    #[arg(long)]
    pub requests: Option<u64>,
    /// Stop taking up new requests after this time.
    #[arg(long)]
    pub seconds: Option<u64>,
    /// Requests per second (open loop); without it each connection goes as fast as it can.
    #[arg(long)]
    pub rate: Option<u64>,
    /// Exact size of each request body.
    #[arg(long, default_value_t = 1024)]
    pub body_bytes: usize,
    /// Ask for a streamed answer.
    #[arg(long)]
    pub stream: bool,
    /// `model` of the request.
    #[arg(long, default_value = "gpt-4o-mini")]
    pub model: String,
    /// Bearer token of the request.
    #[arg(long)]
    pub key: Option<String>,
    /// Options for the mock upstream, `chunks=50,gap_ms=10`; sent in `user`.
    #[arg(long)]
    pub mock_opts: Option<String>,
    /// Give up on an answer after this time.
    #[arg(long, default_value_t = 30)]
    pub timeout_seconds: u64,
}

/// Longest a run may take, whatever else is said.
const SECONDS_MAX: u64 = 600;

/// A checked [`LoadArgs`].
pub struct Plan {
    pub address: SocketAddr,
    pub path: String,
    pub host: String,
    pub connections: u16,
    pub requests_max: u64,
    pub duration: Duration,
    pub rate: Option<u64>,
    pub timeout: Duration,
    pub is_stream: bool,
    pub args: LoadArgs,
}

impl Plan {
    pub fn new(args: &LoadArgs) -> Result<Self, String> {
        if args.requests.is_none() && args.seconds.is_none() {
            return Err("say how long: --requests N or --seconds N".to_owned());
        }
        if args.connections == 0 || args.rate == Some(0) {
            return Err("--connections and --rate have to be at least 1".to_owned());
        }
        let uri: Uri = args.target.parse().map_err(|error| format!("--target `{}`: {error}", args.target))?;
        let host = uri.host().ok_or("--target needs a host")?;
        let address = SocketAddr::new(loopback(host)?, uri.port_u16().ok_or("--target needs a port")?);
        Ok(Self {
            address,
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            host: address.to_string(),
            connections: args.connections,
            requests_max: args.requests.unwrap_or(u64::MAX),
            duration: Duration::from_secs(args.seconds.unwrap_or(SECONDS_MAX).min(SECONDS_MAX)),
            rate: args.rate,
            timeout: Duration::from_secs(args.timeout_seconds),
            is_stream: args.stream,
            args: args.clone(),
        })
    }
}

/// Load goes to this machine and to no other.
fn loopback(host: &str) -> Result<IpAddr, String> {
    let text = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Ok(address),
        _ => Err(format!("--target has to be a loopback address, not `{host}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(target: &str) -> Result<Plan, String> {
        let args = LoadArgs::try_parse_from(["load", "--target", target, "--requests", "1"]);
        Plan::new(&args.map_err(|error| error.to_string())?)
    }

    #[test]
    fn loopback_is_the_only_target() {
        assert!(plan("http://127.0.0.1:80/v1").is_ok_and(|plan| plan.path == "/v1"));
        assert!(plan("http://localhost:80/").is_ok());
        assert!(plan("http://[::1]:80/").is_ok());
        for target in ["http://192.0.2.1:80/", "http://example.com:80/", "http://0.0.0.0:80/", "/v1"] {
            assert!(plan(target).is_err(), "{target}");
        }
    }

    #[test]
    fn a_load_without_an_end_is_refused() {
        let args = LoadArgs::try_parse_from(["load", "--target", "http://127.0.0.1:80/"]);
        assert!(args.is_ok_and(|args| Plan::new(&args).is_err()));
    }
}
