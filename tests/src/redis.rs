//! A real Redis.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use deltallm_benches::Service;
use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::lane::free_address;
use crate::wait::eventually;

/// A running Redis that keeps nothing.
pub struct Redis {
    service: Service,
    address: SocketAddr,
}

impl Redis {
    /// Starts one, with its log in `folder`.
    pub async fn start(folder: &Path) -> Self {
        let address = free_address();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &address.port().to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.current_dir(folder);
        let service = Service::start_silent("redis-server", command, folder).expect("Redis starts");
        eventually("Redis takes connections", || async { TcpStream::connect(address).await.ok() }).await;
        Self { service, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// It takes connections and answers nothing.
    pub fn freeze(&self) {
        self.service.signal(Signal::STOP).expect("Redis takes SIGSTOP");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.service.signal(Signal::CONT).expect("Redis takes SIGCONT");
    }
}
