//! Which addresses this product may call on somebody's behalf.
//!
//! What an operator writes into `config.yaml` is trusted. A URL that comes through the API is not: it could point into the
//! private network. The caller resolves the host and asks [`is_allowed`] of every address, also at connection time.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A network such as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Whether the network holds this address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                same_prefix(net.to_bits().into(), address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => same_prefix(net.to_bits(), address.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

fn same_prefix(left: u128, right: u128, width: u32, prefix: u8) -> bool {
    let shift = width.saturating_sub(u32::from(prefix));
    left.checked_shr(shift).unwrap_or(0) == right.checked_shr(shift).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a network such as 10.1.0.0/16 or fd00::/8");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        if prefix > width { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whether an address may be called: public ones always, others where the operator allows their network.
pub fn is_allowed(address: IpAddr, allow_private: &[Cidr]) -> bool {
    is_public(address) || allow_private.iter().any(|network| network.contains(address))
}

/// Whether an address belongs to the public internet, by IANA's special-purpose registries.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol_assignments = a == 192 && b == 0 && c == 0;
    let benchmarking = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a >= 224
        || v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || shared
        || protocol_assignments
        || benchmarking)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    // NAT64 and 6to4 carry an IPv4 address: judge that one, or they are a way round.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., high, low] = segments;
        return is_public_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    }
    if segments[0] == 0x2002 {
        return is_public_v4(Ipv4Addr::from_bits((u32::from(segments[1]) << 16) | u32::from(segments[2])));
    }
    let documentation = segments[0] == 0x2001 && segments[1] == 0xdb8;
    // 2000::/3 is the only space given out for global unicast.
    (segments[0] & 0xe000) == 0x2000 && !documentation
}

/// Whether a text is a base URL that can be used at all: http or https, a host, no credentials, query or fragment.
pub fn check_url(url: &str) -> Result<(), String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or("it must begin with https:// or http://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("it must not hold credentials; use `api_key`".to_owned());
    }
    if rest.contains(['?', '#']) {
        return Err("it must not have a query or a fragment".to_owned());
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it holds white space".to_owned());
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, port)) => {
            v6.parse::<Ipv6Addr>().map_err(|_| "its host is not an IPv6 address")?;
            (v6, port)
        }
        None => authority.rfind(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    match port.strip_prefix(':') {
        Some(number) if number.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        None if port.is_empty() => Ok(()),
        _ => Err("its port is not a number from 1 to 65535".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass_without_permission() {
        for public in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.5.5",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn a_private_network_can_be_allowed() {
        let networks: Vec<Cidr> = ["10.1.0.0/16", "fd00::/8"].iter().map(|text| text.parse().unwrap()).collect();
        assert!(
            is_allowed("10.1.2.3".parse().unwrap(), &networks) && is_allowed("fd12::1".parse().unwrap(), &networks)
        );
        assert!(!is_allowed("10.2.2.3".parse().unwrap(), &networks));
        assert!(is_allowed("10.2.2.3".parse().unwrap(), &["0.0.0.0/0".parse().unwrap()]));
        for text in ["10.0.0.0", "10.0.0.0/33", "x/8", "::/129"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn base_urls_are_checked() {
        for good in ["https://api.example.com/v1", "http://127.0.0.1:8080", "http://[::1]:8080/v1"] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "ftp://x",
            "https://",
            "https://u:p@x/v1",
            "https://x/?a=1",
            "https://x y",
            "http://x:0",
            "http://x:y",
            "http://[zz]/",
            "x",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
