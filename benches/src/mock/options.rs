//! What a caller can ask the mock upstream to do, and the one grammar to say it in.
//!
//! `mock-opts:{key=value,key=value}` anywhere in the body or in the path (where some vendors have the
//! model). Where nothing strips headers, `x-mock-<key>: value` (dashes for underscores), or
//! `?key=value` in the query. A later source wins: path, body in its order, query, headers. An
//! unknown key is refused, so a typing mistake in a test shows at once.

use std::fmt;

/// Opens an option list inside a text.
pub const OPENING: &str = "mock-opts:{";

/// Parameters of the query that vendors know.
const VENDORS_QUERY: [&str; 9] = ["alt", "model", "api-version", "beta", "key", "after", "limit", "pageSize", "order"];

/// How one request is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockOptions {
    /// Content chunks of a stream; words of an unstreamed answer.
    pub chunks: u32,
    /// Bytes of text in each chunk; 0 = one word, which is one token for OpenAI's encodings.
    pub chunk_bytes: usize,
    /// Pause between chunks (or between bursts).
    pub gap_ms: u64,
    /// Chunks sent together before each pause.
    pub burst: u32,
    /// Pause before the status line.
    pub delay_ms: u64,
    /// Pause between the head and the first chunk.
    pub first_chunk_delay_ms: u64,
    /// Cut every event into pieces of this many bytes, each in a TCP segment of its own; 0 = whole.
    pub split_bytes: usize,
    /// Status of the answer; 400 and above answer OpenAI's error body.
    pub status: u16,
    /// `retry-after` header of an error, in seconds.
    pub retry_after: Option<u32>,
    /// `retry-after-ms` header of an error, as OpenAI gives it.
    pub retry_after_ms: Option<u32>,
    /// `error.code` of an error answer.
    pub code: Option<String>,
    /// The error is given only to the first N requests with the same tag.
    pub fail_first: Option<u32>,
    /// Name under which the ledger counts this request.
    pub tag: Option<String>,
    /// Every N-th request with the same tag fails, each time in another way: see `storm.rs`.
    pub storm: Option<u32>,
    /// Send the head of the answer and nothing more.
    pub hang_after_headers: bool,
    /// Reset the connection instead of answering.
    pub reset_before_headers: bool,
    /// Reset the connection (TCP RST) after N chunks; an unstreamed body is cut in its middle.
    pub reset_after_chunks: Option<u32>,
    /// Close the connection (TCP FIN) after N chunks without ending the body.
    pub close_after_chunks: Option<u32>,
    /// Say nothing more after N chunks, and keep the connection open.
    pub stall_after_chunks: Option<u32>,
    /// Send an `error` event after N chunks, then end properly.
    pub error_after_chunks: Option<u32>,
    /// Leave usage out even where it is asked for.
    pub no_usage: bool,
    /// End a stream without `[DONE]`.
    pub no_done: bool,
    /// Send an unstreamed answer with chunked framing instead of `content-length`.
    pub chunked: bool,
    /// `usage.prompt_tokens`.
    pub prompt_tokens: u64,
    /// `usage.completion_tokens`; not said = what the answer comes to, a token for each chunk.
    pub completion_tokens: Option<u64>,
    /// `usage.prompt_tokens_details.cached_tokens`.
    pub cached_tokens: u64,
    /// `usage.completion_tokens_details.reasoning_tokens`.
    pub reasoning_tokens: u64,
    /// `finish_reason` of the choice.
    pub finish_reason: String,
    /// Length of the vectors of an embedding.
    pub dimensions: usize,
}

impl Default for MockOptions {
    fn default() -> Self {
        Self {
            chunks: 8,
            chunk_bytes: 0,
            gap_ms: 0,
            burst: 1,
            delay_ms: 0,
            first_chunk_delay_ms: 0,
            split_bytes: 0,
            status: 200,
            retry_after: None,
            retry_after_ms: None,
            code: None,
            fail_first: None,
            tag: None,
            storm: None,
            hang_after_headers: false,
            reset_before_headers: false,
            reset_after_chunks: None,
            close_after_chunks: None,
            stall_after_chunks: None,
            error_after_chunks: None,
            no_usage: false,
            no_done: false,
            chunked: false,
            prompt_tokens: 12,
            completion_tokens: None,
            cached_tokens: 0,
            reasoning_tokens: 0,
            finish_reason: "stop".to_owned(),
            dimensions: 8,
        }
    }
}

/// Why an option was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError(String);

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionError {}

impl MockOptions {
    /// Takes over every option list found in `text`.
    pub fn read_text(&mut self, text: &str) -> Result<(), OptionError> {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(OPENING) {
            let Some((list, tail)) = after.split_once('}') else {
                return Err(OptionError(format!("`{OPENING}` is not closed with `}}` in `{text}`")));
            };
            for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
                let (key, value) =
                    pair.split_once('=').ok_or_else(|| OptionError(format!("`{pair}` is not key=value")))?;
                self.set(key.trim(), value.trim())?;
            }
            rest = tail;
        }
        Ok(())
    }

    /// Takes over the pairs of a query string but for the vendors' own; values are taken literally.
    pub fn read_query(&mut self, query: &str) -> Result<(), OptionError> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "1"));
            if VENDORS_QUERY.contains(&key) {
                continue;
            }
            self.set(key, value)?;
        }
        Ok(())
    }

    /// Takes over the header `x-mock-<name>`, where it is one.
    pub fn read_header(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        match name.strip_prefix("x-mock-") {
            Some(key) => self.set(&key.replace('-', "_"), value),
            None => Ok(()),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), OptionError> {
        match key {
            "chunks" => self.chunks = number(key, value)?,
            "chunk_bytes" => self.chunk_bytes = number(key, value)?,
            "gap_ms" => self.gap_ms = number(key, value)?,
            "burst" => self.burst = number::<u32>(key, value)?.max(1),
            "delay_ms" => self.delay_ms = number(key, value)?,
            "first_chunk_delay_ms" => self.first_chunk_delay_ms = number(key, value)?,
            "split_bytes" => self.split_bytes = number(key, value)?,
            "status" => self.status = status(value)?,
            "retry_after" => self.retry_after = Some(number(key, value)?),
            "retry_after_ms" => self.retry_after_ms = Some(number(key, value)?),
            "code" => self.code = Some(value.to_owned()),
            "fail_first" => self.fail_first = Some(number(key, value)?),
            "tag" => self.tag = Some(value.to_owned()),
            "storm" => self.storm = Some(number::<u32>(key, value)?.max(1)),
            "hang_after_headers" => self.hang_after_headers = switch(key, value)?,
            "reset_before_headers" => self.reset_before_headers = switch(key, value)?,
            "reset_after_chunks" => self.reset_after_chunks = Some(number(key, value)?),
            "close_after_chunks" => self.close_after_chunks = Some(number(key, value)?),
            "stall_after_chunks" => self.stall_after_chunks = Some(number(key, value)?),
            "error_after_chunks" => self.error_after_chunks = Some(number(key, value)?),
            "no_usage" => self.no_usage = switch(key, value)?,
            "no_done" => self.no_done = switch(key, value)?,
            "chunked" => self.chunked = switch(key, value)?,
            "prompt_tokens" => self.prompt_tokens = number(key, value)?,
            "completion_tokens" => self.completion_tokens = Some(number(key, value)?),
            "cached_tokens" => self.cached_tokens = number(key, value)?,
            "reasoning_tokens" => self.reasoning_tokens = number(key, value)?,
            "finish_reason" => value.clone_into(&mut self.finish_reason),
            "dimensions" => self.dimensions = number(key, value)?,
            _ => return Err(OptionError(format!("`{key}` is not a mock option"))),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(key: &str, value: &str) -> Result<T, OptionError> {
    value.parse().map_err(|_| OptionError(format!("`{key}` needs a whole number, not `{value}`")))
}

fn switch(key: &str, value: &str) -> Result<bool, OptionError> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(OptionError(format!("`{key}` needs 1 or 0, not `{value}`"))),
    }
}

fn status(value: &str) -> Result<u16, OptionError> {
    let status = number("status", value)?;
    if (200..=599).contains(&status) {
        Ok(status)
    } else {
        Err(OptionError(format!("`status` needs a value from 200 to 599, not `{value}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_anywhere_in_a_text() {
        let mut options = MockOptions::default();
        let read = options.read_text("gpt-4o-mini mock-opts:{chunks=50, gap_ms=3,tag=a-1} end");
        assert_eq!(read, Ok(()));
        assert_eq!((options.chunks, options.gap_ms), (50, 3));
        assert_eq!(options.tag.as_deref(), Some("a-1"));
    }

    #[test]
    fn text_without_options_changes_nothing() {
        let mut options = MockOptions::default();
        assert_eq!(options.read_text("gpt-4o-mini"), Ok(()));
        assert_eq!(options, MockOptions::default());
    }

    #[test]
    fn headers_and_query_use_the_same_keys() {
        let mut options = MockOptions::default();
        assert_eq!(options.read_query("status=429&retry_after=2&chunked"), Ok(()));
        assert_eq!(options.read_header("x-mock-first-chunk-delay-ms", "7"), Ok(()));
        assert_eq!(options.read_header("x-request-id", "7"), Ok(()));
        assert_eq!((options.status, options.retry_after), (429, Some(2)));
        assert!(options.chunked);
        assert_eq!(options.first_chunk_delay_ms, 7);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("mock-opts:{chunk=5}", "`chunk`"),
            ("mock-opts:{chunks=many}", "`many`"),
            ("mock-opts:{chunks}", "key=value"),
            ("mock-opts:{chunks=5", "not closed"),
            ("mock-opts:{status=99}", "from 200 to 599"),
            ("mock-opts:{no_usage=maybe}", "1 or 0"),
        ] {
            let message = MockOptions::default().read_text(text).err().map(|e| e.to_string());
            assert!(message.as_deref().is_some_and(|m| m.contains(part)), "{text}: {message:?}");
        }
    }
}
