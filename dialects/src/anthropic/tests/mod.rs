//! Stories about one side of Anthropic's dialect; what pairs of dialects make of each other stands in the golden files.

mod answers;
mod requests_read;
mod requests_written;
mod streams;
