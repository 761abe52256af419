//! From a deployment to the address and options that Pingora connects with.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use deltallm_shared::egress::{Cidr, is_allowed};
use pingora::{upstreams::peer::HttpPeer, upstreams::peer::Peer};

use super::dns::{DnsError, Resolver};
use crate::snapshot::{Deployment, Target};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// With TLS.
const CONNECT_TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Providers close idle connections after one to four minutes; leaving first avoids most stale ones.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Why a deployment has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// See [`DnsError`].
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// The egress guard says no.
    #[error("its address is in a private network that `general_settings.egress.allow_private` does not allow")]
    Forbidden,
    /// The mock's socket cannot be named.
    #[error("the mock provider's socket cannot be used: {0}")]
    Mock(String),
}

/// How a deployment is connected to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// How long the upstream may say nothing.
    pub silence: Duration,
    /// Until a connection stands, TLS included, where somebody says so.
    pub connect: Option<Duration>,
    /// How often this request asked the deployment before.
    pub tried_before: usize,
    /// A connection of its own and not a pooled one, under a figure that nobody else has.
    pub fresh: Option<u64>,
}

/// Makes peers.
pub struct Peers {
    resolver: Resolver,
    allow_private: Arc<[Cidr]>,
    mock_socket: PathBuf,
}

impl Peers {
    /// `mock_socket`: where the mock provider of this process listens.
    pub fn new(allow_private: Arc<[Cidr]>, mock_socket: PathBuf) -> Self {
        Self { resolver: Resolver::default(), allow_private, mock_socket }
    }

    /// The peer of a deployment.
    pub async fn of(&self, deployment: &Deployment, way: &Way) -> Result<Box<HttpPeer>, PeerError> {
        let mut peer = match &deployment.target {
            Target::Mock => mock_peer(&self.mock_socket)?,
            Target::Remote { tls, host, port, .. } => {
                let addresses = self.resolver.resolve(host).await?;
                let is_usable = |address: &IpAddr| !deployment.is_guarded || is_allowed(*address, &self.allow_private);
                let usable: Vec<IpAddr> = addresses.into_iter().filter(is_usable).collect();
                // A host of several addresses is asked at the next one after it failed at one.
                let address = usable.get(way.tried_before.checked_rem(usable.len()).unwrap_or(0));
                let address = *address.ok_or(PeerError::Forbidden)?;
                HttpPeer::new(SocketAddr::new(address, *port), *tls, host.clone())
            }
        };
        if let Some(options) = peer.get_mut_peer_options() {
            options.connection_timeout = way.connect.or(Some(CONNECT_TIMEOUT));
            options.total_connection_timeout = way.connect.or(Some(CONNECT_TOTAL_TIMEOUT));
            options.read_timeout = Some(way.silence);
            options.write_timeout = Some(WRITE_TIMEOUT);
            options.idle_timeout = Some(IDLE_TIMEOUT);
        }
        // Connections are pooled by this figure too: under one that nobody else has, there is none yet.
        if let Some(own) = way.fresh {
            peer.group_key = own;
            // Nobody else knows the figure, so nobody could use the connection again.
            if let Some(options) = peer.get_mut_peer_options() {
                options.idle_timeout = Some(Duration::from_millis(1));
            }
        }
        Ok(Box::new(peer))
    }
}

fn mock_peer(socket: &Path) -> Result<HttpPeer, PeerError> {
    let path = socket.to_str().ok_or_else(|| PeerError::Mock("its path is not UTF-8".to_owned()))?;
    HttpPeer::new_uds(path, false, String::new()).map_err(|error| PeerError::Mock(error.to_string()))
}
