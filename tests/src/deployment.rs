//! A deployment of a test: an entry of `model_list` whose upstream does what its own options say, whoever asks it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::config::UPSTREAM_KEY;

/// One deployment of a group.
#[derive(Clone, Debug)]
pub struct Deployment {
    group: String,
    options: String,
    place: Place,
    lines: Vec<String>,
    tags: Vec<String>,
}

/// Where a deployment is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the mock upstream.
    Mock,
    /// There as well, but by a protocol that it does not speak.
    MockOverTls,
    /// At a port where nobody listens.
    Closed,
    /// At a host that has no address.
    Nowhere,
}

impl Deployment {
    /// A deployment of `group` at the mock upstream, which answers it as `options` say.
    pub fn new(group: &str, options: &str) -> Self {
        Self {
            group: group.to_owned(),
            options: options.to_owned(),
            place: Place::Mock,
            lines: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Elsewhere.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// With a further line of `deltallm_params`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.lines.push(format!("      {line}\n"));
        self
    }

    /// Asked only where no deployment of a lower tier can be.
    #[must_use]
    pub fn tier(self, order: u32) -> Self {
        self.with(&format!("order: {order}"))
    }

    /// With a tag.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// The name of the model at the upstream: the options travel in it, so every request to this deployment has them.
    pub fn upstream_model(&self) -> String {
        format!("m-mock-opts:{{{}}}", self.options)
    }

    /// The entry of `model_list`.
    pub fn entry(&self, upstream: SocketAddr) -> String {
        let base = match self.place {
            Place::Mock => format!("http://{upstream}/v1"),
            Place::MockOverTls => format!("https://{upstream}/v1"),
            Place::Closed => format!("http://{}/v1", closed_port()),
            Place::Nowhere => "http://nowhere.invalid:1/v1".to_owned(),
        };
        format!(
            "  - model_name: {}
    deltallm_params:
      model: 'openai_compatible/{}'
{}      api_base: {base}
{}    model_info: {{ tags: [{}], input_cost_per_token: 0.00000015, output_cost_per_token: 0.0000006 }}
",
            self.group,
            self.upstream_model(),
            if self.lines.iter().any(|line| line.contains("api_key:")) {
                String::new()
            } else {
                format!("      api_key: {UPSTREAM_KEY}\n")
            },
            self.lines.concat(),
            self.tags.join(", "),
        )
    }
}

/// A port that was free a moment ago and where nobody listens.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("a bound port has an address")
}
