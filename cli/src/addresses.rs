//! Where the services listen, and whether anybody else does.

use std::{
    env,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use crate::error::UpError;

/// One listening address and its variable.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub variable: &'static str,
    what: &'static str,
    pub socket: SocketAddr,
}

/// All four.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub api: Address,
    pub dashboard: Address,
    pub ops: Address,
    pub internal: Address,
}

impl Addresses {
    /// From the environment or the usual ports. Port 0 becomes a free one here, because the services must know each other's.
    pub fn resolve() -> Result<Self, UpError> {
        // Held until all are known, so that two wishes for "any port" get two ports.
        let mut held = Vec::new();
        let mut take = |variable, what, port| {
            let address = Address { variable, what, socket: wanted(variable, port)? };
            let listener = address.listen()?;
            let socket = listener
                .local_addr()
                .map_or(address.socket, |bound| SocketAddr::new(address.socket.ip(), bound.port()));
            held.push(listener);
            Ok::<_, UpError>(Address { socket, ..address })
        };
        Ok(Self {
            api: take("DELTALLM_LISTEN", "the API", 4000)?,
            dashboard: take("DELTALLM_ADMIN_LISTEN", "the dashboard", 4001)?,
            ops: take("DELTALLM_OPS_LISTEN", "the proxy's metrics", 4002)?,
            internal: take("DELTALLM_INTERNAL_LISTEN", "the admin service's internal port", 4003)?,
        })
    }

    pub fn all(&self) -> [Address; 4] {
        [self.api, self.dashboard, self.ops, self.internal]
    }
}

impl Address {
    /// A URL that works on this machine, also where the service listens on every address.
    pub fn url(&self) -> String {
        let host = match self.socket.ip() {
            IpAddr::V4(host) if host.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(host) if host.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            host => host,
        };
        format!("http://{}", SocketAddr::new(host, self.socket.port()))
    }

    fn listen(&self) -> Result<TcpListener, UpError> {
        let Self { variable, what, socket } = self;
        TcpListener::bind(socket).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => UpError::told(format!(
                "Port {} ({what}) is in use by another program. Stop that one, or choose another port: {variable}={}:PORT",
                socket.port(),
                socket.ip()
            )),
            ErrorKind::PermissionDenied => {
                UpError::told(format!("{variable}={socket} ({what}) needs more rights; choose a port above 1023."))
            }
            _ => UpError::told(format!("{variable}={socket} ({what}) cannot be listened on: {error}")),
        })
    }
}

fn wanted(variable: &'static str, port: u16) -> Result<SocketAddr, UpError> {
    match env::var(variable).ok().filter(|text| !text.is_empty()) {
        None => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Some(text) => text.parse().map_err(|_| {
            UpError::told(format!("{variable}={text} is no address; write IP:PORT, such as 127.0.0.1:{port}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(socket: &str) -> Address {
        Address { variable: "DELTALLM_LISTEN", what: "the API", socket: socket.parse().unwrap() }
    }

    #[test]
    fn every_address_gives_a_url_for_this_machine() {
        assert_eq!(address("0.0.0.0:4000").url(), "http://127.0.0.1:4000");
        assert_eq!(address("[::]:4000").url(), "http://[::1]:4000");
        assert_eq!(address("10.1.2.3:80").url(), "http://10.1.2.3:80");
    }

    #[test]
    fn a_taken_port_is_named_with_its_variable() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap();
        let error = address(&taken.to_string()).listen().unwrap_err().to_string();
        assert!(
            error.contains(&taken.port().to_string()) && error.contains("DELTALLM_LISTEN=127.0.0.1:PORT"),
            "{error}"
        );
    }
}
