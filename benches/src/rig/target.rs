//! What is measured: where it listens, which process pays for it, which key it wants.

use std::net::SocketAddr;
use std::time::Duration;

use super::service::Service;

/// One thing to measure.
pub struct Target {
    pub name: &'static str,
    pub address: SocketAddr,
    pub key: Option<String>,
    /// The process whose CPU and memory count; none for the upstream itself.
    pub service: Option<Service>,
}

impl Target {
    /// Address of the chat completions endpoint.
    pub fn url(&self) -> String {
        format!("http://{}/v1/chat/completions", self.address)
    }

    /// From the start of the process to its ready line.
    pub fn ready_after(&self) -> Option<Duration> {
        self.service.as_ref().map(Service::ready_after)
    }
}
