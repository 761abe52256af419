//! Wire formats, one folder each. Pure: bytes and values in, bytes and values out.

pub mod openai;
