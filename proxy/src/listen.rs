//! Addresses to listen on: checked before Pingora takes them, so that a busy port is one clear line instead of a panic.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

/// An address that this process holds until Pingora has bound it too.
pub struct Reserved {
    /// The address, with the port that the system chose where 0 was asked for.
    pub address: SocketAddr,
    _socket: Socket,
}

/// Finds out whether an address can be had, and keeps it. A socket that is bound and does not listen gets no connection, so
/// Pingora's own, with `SO_REUSEPORT`, gets them all.
pub fn reserve(address: SocketAddr) -> io::Result<Reserved> {
    // Somebody else who shares the port would take half of the connections: without reuse the bind must succeed first.
    drop(TcpListener::bind(address)?);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    let address = socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("no socket address"))?;
    Ok(Reserved { address, _socket: socket })
}

/// Waits until somebody accepts connections there.
pub fn wait_until_open(address: SocketAddr, at_most: Duration) -> bool {
    let until = Instant::now() + at_most;
    while Instant::now() < until {
        if TcpStream::connect_timeout(&connectable(address), Duration::from_millis(200)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// `0.0.0.0` is an address to listen on, not one to connect to.
fn connectable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), v6.port())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_noticed_and_a_free_one_is_kept() {
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(reserve(busy.local_addr().unwrap()).err().unwrap().kind(), io::ErrorKind::AddrInUse);
        let reserved = reserve("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(reserved.address.port(), 0);
        assert!(!wait_until_open(reserved.address, Duration::from_millis(20)), "reserved and not open yet");
    }
}
