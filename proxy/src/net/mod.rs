//! Connections: names to addresses, the egress guard, the session wrapper that replays bodies, the deadline for headers; and
//! bodies that are too large for memory.

pub mod attempt_clock;
pub mod dns;
pub mod exchange;
pub mod header_deadline;
pub mod outgoing;
pub mod peer;
pub mod replay_session;
pub mod spool;
