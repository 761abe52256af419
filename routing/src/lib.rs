//! How a request finds its deployment.
//!
//! Sans-IO: everything here is a function over values, with the time and the seed passed in; no socket, no clock, no Pingora or
//! actix-web type. The proxy routes with it, the admin service simulates with it, so that what is simulated is what is done.
//!
//! | module | answers |
//! |---|---|
//! | [`affinity`] | whose prompt cache is warm: a bounded table of hashes |
//! | [`candidate`] | what a strategy sees of a deployment and of a request |
//! | [`choose`] | who is asked next: who may be, the canary's share, then the strategy |
//! | [`trace`] | how a choice is explained afterwards |
//! | [`strategies`] | one file each, and the list of them |
//! | [`stats`] | what is known of a deployment: requests under way, times, use of limits, health |
//! | [`queue`] | who is let in next where a group is full |
//! | [`simulate`] | what a policy would do with traffic that is made up or was recorded |
//! | [`trial`] | whether a deployment on trial fails too often |
//! | [`hedge`] | who gets a second attempt beside the first |
//! | [`retry`] | what a fault leads to, and when |

pub mod affinity;
pub mod candidate;
pub mod choose;
pub mod hedge;
pub mod queue;
pub mod retry;
pub mod seed;
pub mod simulate;
pub mod stats;
pub mod strategies;
pub mod tick;
pub mod trace;
pub mod trial;
