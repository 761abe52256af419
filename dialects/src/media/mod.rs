//! What was consumed by calls whose answers are sound, pictures or events over a WebSocket: OpenAI's figures, read while the
//! bytes pass by. Wire formats: OpenAI's API reference, sections Audio, Images and Realtime.

mod figures;
mod meter;
mod realtime;

pub use figures::{duration_ms, read as read_usage};
pub use meter::{Meter, Reading};
pub use realtime::RealtimeMeter;
