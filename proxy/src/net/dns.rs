//! Host names to addresses, without blocking a serving thread, with a short memory.
//!
//! A name that cannot be resolved now keeps its last addresses: DNS trouble should not take out providers that still stand
//! where they stood.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::time::timeout;

/// How long an answer is used without asking again.
const FRESH: Duration = Duration::from_secs(30);
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);
/// Names come from the configuration only; the bound is for safety.
const MAX_NAMES: usize = 4096;

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// No answer in time.
    #[error("the name could not be resolved in {} s", LOOK_UP_TIMEOUT.as_secs())]
    Timeout,
    /// The name has no address.
    #[error("the name has no address")]
    NoAddress,
    /// The resolver failed.
    #[error("the name could not be resolved: {0}")]
    Io(#[from] std::io::Error),
}

struct Known {
    addresses: Vec<IpAddr>,
    asked_at: Instant,
}

/// The resolver of this process.
#[derive(Default)]
pub struct Resolver {
    known: papaya::HashMap<String, Known>,
}

impl Resolver {
    /// The addresses of a host; an address is its own.
    pub async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let earlier =
            self.known.pin().get(host).map(|known| (known.addresses.clone(), known.asked_at.elapsed() < FRESH));
        match earlier {
            Some((addresses, true)) => return Ok(addresses),
            // One request asks anew, with a fresh time on the old answer; meanwhile, and if it fails, the old answer serves.
            Some((addresses, false)) => self.remember(host, addresses),
            None => {}
        }
        match look_up(host).await {
            Ok(addresses) => {
                self.remember(host, addresses.clone());
                Ok(addresses)
            }
            Err(error) => match self.known.pin().get(host) {
                Some(known) => {
                    tracing::warn!(%error, "using the addresses of an earlier look-up");
                    Ok(known.addresses.clone())
                }
                None => Err(error),
            },
        }
    }

    fn remember(&self, host: &str, addresses: Vec<IpAddr>) {
        let known = self.known.pin();
        if known.len() < MAX_NAMES || known.contains_key(host) {
            known.insert(host.to_owned(), Known { addresses, asked_at: Instant::now() });
        }
    }
}

async fn look_up(host: &str) -> Result<Vec<IpAddr>, DnsError> {
    let found = timeout(LOOK_UP_TIMEOUT, tokio::net::lookup_host((host, 0))).await.map_err(|_| DnsError::Timeout)??;
    let mut addresses: Vec<IpAddr> = found.map(|address: SocketAddr| address.ip()).collect();
    addresses.dedup();
    // IPv4 first: a host without an IPv6 route is common, one without IPv4 is not.
    addresses.sort_by_key(IpAddr::is_ipv6);
    if addresses.is_empty() { Err(DnsError::NoAddress) } else { Ok(addresses) }
}
