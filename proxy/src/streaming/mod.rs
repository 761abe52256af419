//! Push decoders for streamed answers: bytes in, whole events out, whatever way the bytes were cut. No IO, no clock.

pub mod sse;
