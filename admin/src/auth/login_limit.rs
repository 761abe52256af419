//! Slows down who guesses passwords: failures are counted per address and per account.
//!
//! Kept in memory per replica. Only failures count, so nobody who knows a password is ever slowed by their own log-ins.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const WINDOW: Duration = Duration::from_mins(5);
const MAX_FAILURES_PER_ADDRESS: u32 = 20;
const MAX_FAILURES_PER_ACCOUNT: u32 = 10;
/// Above this, entries whose time is over are dropped; if that is not enough, the table starts anew.
const MAX_ENTRIES: usize = 20_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Subject {
    Address(IpAddr),
    Account(String),
}

struct Failures {
    count: u32,
    since: Instant,
}

/// The failures of the last minutes.
#[derive(Default)]
pub struct LoginLimit {
    failures: Mutex<HashMap<Subject, Failures>>,
}

impl LoginLimit {
    /// Whether another attempt is allowed now; if not, after how long.
    pub fn check(&self, address: IpAddr, account: &str, now: Instant) -> Result<(), Duration> {
        let failures = self.failures.lock();
        for (subject, max) in subjects(address, account) {
            if let Some(entry) = failures.get(&subject) {
                let age = now.saturating_duration_since(entry.since);
                if entry.count >= max && age < WINDOW {
                    return Err(WINDOW.saturating_sub(age));
                }
            }
        }
        Ok(())
    }

    /// Counts a failed attempt.
    pub fn failed(&self, address: IpAddr, account: &str, now: Instant) {
        let mut failures = self.failures.lock();
        if failures.len() >= MAX_ENTRIES {
            failures.retain(|_, entry| now.saturating_duration_since(entry.since) < WINDOW);
        }
        if failures.len() >= MAX_ENTRIES {
            failures.clear();
        }
        for (subject, _) in subjects(address, account) {
            let entry = failures.entry(subject).or_insert(Failures { count: 0, since: now });
            if now.saturating_duration_since(entry.since) >= WINDOW {
                *entry = Failures { count: 0, since: now };
            }
            entry.count += 1;
        }
    }

    /// A log-in that worked clears its account, not its address: one own account must not buy guesses at others.
    pub fn succeeded(&self, account: &str) {
        self.failures.lock().remove(&Subject::Account(account.to_lowercase()));
    }
}

fn subjects(address: IpAddr, account: &str) -> [(Subject, u32); 2] {
    // One customer has a whole /64 of IPv6, and guesses from all over it.
    let address = match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
        v4 @ IpAddr::V4(_) => v4,
    };
    [
        (Subject::Address(address), MAX_FAILURES_PER_ADDRESS),
        (Subject::Account(account.to_lowercase()), MAX_FAILURES_PER_ACCOUNT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn an_account_is_closed_after_ten_failures_and_opens_again() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        for attempt in 0..10 {
            assert!(limit.check(address(attempt), "A@example.com", start).is_ok());
            limit.failed(address(attempt), "a@example.com", start);
        }
        assert!(limit.check(address(99), "a@example.com", start).is_err());
        assert!(limit.check(address(99), "b@example.com", start).is_ok());
        assert!(limit.check(address(99), "a@example.com", start + WINDOW).is_ok());
    }

    #[test]
    fn an_address_is_closed_whatever_the_account_and_success_does_not_open_it() {
        let (limit, now) = (LoginLimit::default(), Instant::now());
        for attempt in 0..20 {
            limit.failed(address(1), &format!("user{attempt}"), now);
        }
        limit.succeeded("user1");
        assert!(limit.check(address(1), "somebody", now).is_err());
        assert!(limit.check(address(2), "user1", now).is_ok());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let (limit, now) = (LoginLimit::default(), Instant::now());
        for attempt in 0..20_u16 {
            let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, attempt);
            limit.failed(address.into(), &format!("user{attempt}"), now);
        }
        let neighbour = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 7, 7, 7, 7);
        assert!(limit.check(neighbour.into(), "x", now).is_err());
    }

    #[test]
    fn the_table_stays_bounded() {
        let (limit, now) = (LoginLimit::default(), Instant::now());
        for attempt in 0..30_000_u32 {
            limit.failed(std::net::Ipv4Addr::from_bits(attempt).into(), &attempt.to_string(), now);
        }
        assert!(limit.failures.lock().len() <= MAX_ENTRIES + 2);
    }
}
