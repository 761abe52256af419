//! Connections: names to addresses, the egress guard, the session wrapper that replays bodies, the deadline for headers.

pub mod dns;
pub mod header_deadline;
pub mod peer;
pub mod replay_session;
