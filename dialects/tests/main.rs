//! What holds for every dialect, over the lists `CLIENT_DIALECTS` and `VENDOR_DIALECTS`: a newcomer adds input files and finds
//! out here what it lacks.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod abilities;
mod any_bytes;
mod any_split;
mod arguments;
mod cases;
mod contract;
mod costs;
mod event_order;
mod golden;
mod request_strategy;
mod round_trip;
mod same_streamed;
