//! Server-sent events, as WHATWG's HTML standard defines them (section "Server-sent events").
//!
//! The decoder cuts a byte stream into events and leaves their bytes as they are, so that what nobody has to change is passed
//! on unchanged, and without a copy where an event lies whole in one chunk.

use bytes::{Bytes, BytesMut};

/// An event larger than this is no event of any language model.
pub const MAX_EVENT_BYTES: usize = 16 << 20;

/// The upstream sent an event that is larger than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream event is larger than {MAX_EVENT_BYTES} bytes")]
pub struct EventTooLarge;

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
pub struct SseDecoder {
    pending: BytesMut,
    /// How much of `pending` has been looked at.
    scanned: usize,
    line_is_empty: bool,
    after_cr: bool,
    started: bool,
}

impl SseDecoder {
    /// Takes the next bytes and hands out every event that is now whole, its blank line included.
    pub fn push(&mut self, chunk: &Bytes, mut on_event: impl FnMut(Bytes)) -> Result<(), EventTooLarge> {
        if !self.started {
            self.started = true;
            self.line_is_empty = true;
        }
        if self.pending.is_empty() {
            // The usual case: the chunk holds whole events, which can be handed out as slices of it.
            let end = self.scan(chunk, 0, |start, end| on_event(chunk.slice(start..end)));
            self.pending.extend_from_slice(&chunk[end..]);
            self.scanned = self.pending.len();
        } else {
            self.pending.extend_from_slice(chunk);
            let whole = std::mem::take(&mut self.pending).freeze();
            let end = self.scan(&whole, self.scanned, |start, end| on_event(whole.slice(start..end)));
            // An event in many pieces must not be copied anew for each.
            self.pending = match whole.try_into_mut() {
                Ok(pending) if end == 0 => pending,
                Ok(pending) => BytesMut::from(&pending[end..]),
                Err(whole) => BytesMut::from(&whole[end..]),
            };
            self.scanned = self.pending.len();
        }
        if self.pending.len() > MAX_EVENT_BYTES { Err(EventTooLarge) } else { Ok(()) }
    }

    /// What is left when the stream ends without a last blank line. By the standard such an event is discarded; vendors do
    /// end their streams that way, so the caller decides.
    pub fn finish(&mut self) -> Option<Bytes> {
        let rest = std::mem::take(&mut self.pending).freeze();
        self.scanned = 0;
        (!rest.is_empty()).then_some(rest)
    }

    /// Looks at `bytes[from..]` and reports each whole event; returns where the last one ends.
    fn scan(&mut self, bytes: &[u8], from: usize, mut on_event: impl FnMut(usize, usize)) -> usize {
        let (mut start, mut line_start) = (0, from);
        for at in memchr::memchr2_iter(b'\n', b'\r', &bytes[from..]).map(|at| at + from) {
            if at > line_start {
                self.line_is_empty = false;
                self.after_cr = false;
            }
            line_start = at + 1;
            if bytes[at] == b'\n' && std::mem::take(&mut self.after_cr) {
                // The second half of a CRLF whose CR has ended the line already.
                continue;
            }
            self.after_cr = bytes[at] == b'\r';
            if self.line_is_empty {
                // A blank line ends the event; a CR's LF that is already here goes with it.
                let end = if self.after_cr && bytes.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 };
                on_event(start, end);
                start = end;
            }
            self.line_is_empty = true;
        }
        if bytes.len() > line_start {
            self.line_is_empty = false;
            self.after_cr = false;
        }
        start
    }
}

/// The payload of an event: its `data` lines joined by line feeds. `None` for an event without any, such as a comment.
pub fn data(event: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    let mut found: Option<std::borrow::Cow<'_, [u8]>> = None;
    for line in event.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let Some(value) = line.strip_prefix(b"data") else { continue };
        let value = match value.strip_prefix(b":") {
            Some(value) => value.strip_prefix(b" ").unwrap_or(value),
            None if value.is_empty() => value,
            None => continue,
        };
        match &mut found {
            None => found = Some(value.into()),
            Some(joined) => {
                let joined = joined.to_mut();
                joined.push(b'\n');
                joined.extend_from_slice(value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Payloads that a stream gives when it arrives in pieces of these sizes, and all bytes that came out.
    fn decode(stream: &[u8], sizes: &[usize]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut decoder, mut payloads, mut out) = (SseDecoder::default(), Vec::new(), Vec::new());
        let mut take = |event: Bytes| {
            out.extend_from_slice(&event);
            payloads.extend(data(&event).map(|data| data.into_owned()));
        };
        let (mut rest, mut sizes) = (stream, sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(sizes.next().map_or(1, |size| (*size).clamp(1, rest.len())));
            decoder.push(&Bytes::copy_from_slice(piece), &mut take).unwrap();
            rest = tail;
        }
        if let Some(event) = decoder.finish() {
            take(event);
        }
        (payloads, out)
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_events_and_bytes() {
        let stream = "\
: a comment\n\ndata: {\"a\":\"tök✓\"}\n\nevent: x\r\ndata: 1\r\ndata:2\r\n\r\ndata: old\r\rid: 7\n\ndata\n\ndata: [DONE]\n\ndata: cut off"
            .as_bytes();
        let (whole, bytes) = decode(stream, &[stream.len()]);
        let expected: [&[u8]; 6] = ["{\"a\":\"tök✓\"}".as_bytes(), b"1\n2", b"old", b"", b"[DONE]", b"cut off"];
        assert_eq!(whole, expected);
        assert_eq!(bytes, stream);
        for size in 1..stream.len() {
            assert_eq!(decode(stream, &[size]), (whole.clone(), bytes.clone()), "pieces of {size}");
        }
    }

    #[test]
    fn an_event_in_one_chunk_is_not_copied() {
        let chunk = Bytes::from_static(b"data: 1\n\ndata: 2\n\n");
        let mut starts = Vec::new();
        SseDecoder::default()
            .push(&chunk, |event| starts.push(event.as_ptr() as usize - chunk.as_ptr() as usize))
            .unwrap();
        assert_eq!(starts, [0, 9]);
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut decoder = SseDecoder::default();
        let chunk = Bytes::from(vec![b'x'; MAX_EVENT_BYTES]);
        assert_eq!(decoder.push(&chunk, |_| ()), Ok(()));
        assert_eq!(decoder.push(&Bytes::from_static(b"x"), |_| ()), Err(EventTooLarge));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same(
            lines in proptest::collection::vec(prop_oneof!["data: [a-z]{0,3}", "[a-z:]{0,4}", Just(String::new())], 0..12),
            ends in proptest::collection::vec(prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], 12),
            sizes in proptest::collection::vec(1_usize..7, 1..6),
        ) {
            let stream: String = lines.iter().zip(&ends).flat_map(|(line, end)| [line.as_str(), end]).collect();
            let (whole, bytes) = decode(stream.as_bytes(), &[usize::MAX]);
            prop_assert_eq!(&bytes, stream.as_bytes());
            prop_assert_eq!(decode(stream.as_bytes(), &sizes), (whole, bytes));
        }
    }
}
