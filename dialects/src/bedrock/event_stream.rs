//! The frames of AWS's event streams (`application/vnd.amazon.eventstream`), as the Smithy specification "Amazon Event Stream"
//! defines them: length of the frame, length of its headers, CRC of both; headers; payload; CRC of everything before.
//!
//! The format is small and has not changed since 2018, and a frame can be read where it lies. `aws-smithy-eventstream` would
//! bring `aws-smithy-types` with two generations of `http` and `http-body` for it, and copies headers and payload of every
//! frame. Known frames of AWS's own tests are read in the tests below.

use crate::dialect::Unreadable;

/// No event of a language model is larger. AWS's own limit is 24 MiB.
const MAX_FRAME_BYTES: usize = crate::sse::MAX_EVENT_BYTES;
/// AWS's own limit.
const MAX_HEADERS_BYTES: usize = 128 << 10;
/// Two lengths and their CRC.
const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
/// The type of a header's value that is text.
const TEXT: u8 = 7;

/// One frame, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    headers: &'a [u8],
    /// What it carries: JSON.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The text of a header: `:message-type`, `:event-type`, `:exception-type` … `None` where there is none of this name or it
    /// is no text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.headers;
        while !rest.is_empty() {
            let length = usize::from(take(&mut rest, 1)?[0]);
            let found = take(&mut rest, length)?;
            let kind = take(&mut rest, 1)?[0];
            let length = match kind {
                0 | 1 => 0,
                2 => 1,
                3 => 2,
                4 => 4,
                5 | 8 => 8,
                9 => 16,
                6 | TEXT => usize::from(u16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?)),
                _ => return None,
            };
            let value = take(&mut rest, length)?;
            if found == name.as_bytes() {
                return if kind == TEXT { std::str::from_utf8(value).ok() } else { None };
            }
        }
        None
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(taken)
}

/// Cuts a stream of bytes into frames. Holds no more than one frame.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    pending: Vec<u8>,
}

impl FrameDecoder {
    /// Takes the next bytes and hands out every frame that is now whole.
    pub fn push(
        &mut self,
        mut piece: &[u8],
        mut on_frame: impl FnMut(Frame<'_>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        while !self.pending.is_empty() {
            // No more is taken than the frame needs: the rest is read where it lies.
            let wanted = frame_length(&self.pending)?.unwrap_or(PRELUDE_BYTES);
            let (now, later) = piece.split_at(piece.len().min(wanted - self.pending.len()));
            self.pending.extend_from_slice(now);
            piece = later;
            if self.pending.len() < wanted {
                return Ok(());
            }
            if frame_length(&self.pending)? == Some(wanted) {
                on_frame(read_frame(&self.pending)?)?;
                self.pending.clear();
            }
        }
        while let Some(length) = frame_length(piece)?.filter(|length| *length <= piece.len()) {
            let (frame, rest) = piece.split_at(length);
            on_frame(read_frame(frame)?)?;
            piece = rest;
        }
        self.pending.extend_from_slice(piece);
        Ok(())
    }

    /// Whether no part of a frame waits for its rest.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

/// The length of the frame that begins here; `None` while its prelude is not whole.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    let Some(prelude) = bytes.get(..PRELUDE_BYTES) else { return Ok(None) };
    if crc32fast::hash(&prelude[..8]) != number(prelude, 8) {
        return Err(Unreadable::new("the CRC of a frame's prelude is wrong: this is no AWS event stream"));
    }
    let (frame, headers) = (number(prelude, 0) as usize, number(prelude, 4) as usize);
    if frame > MAX_FRAME_BYTES || headers > MAX_HEADERS_BYTES {
        return Err(Unreadable::new(format!("a frame of {frame} bytes with {headers} bytes of headers is too large")));
    }
    if frame < PRELUDE_BYTES + headers + CRC_BYTES {
        return Err(Unreadable::new("the lengths of a frame contradict each other"));
    }
    Ok(Some(frame))
}

/// Reads a whole frame whose prelude is right.
fn read_frame(frame: &[u8]) -> Result<Frame<'_>, Unreadable> {
    let (checked, crc) = frame.split_at(frame.len() - CRC_BYTES);
    if crc32fast::hash(checked) != number(crc, 0) {
        return Err(Unreadable::new("the CRC of a frame is wrong"));
    }
    let (headers, payload) = checked[PRELUDE_BYTES..].split_at(number(frame, 4) as usize);
    Ok(Frame { headers, payload })
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Writes a frame with headers of text: for tests, and for a mock that speaks as Bedrock does. A name longer than 255 bytes or
/// a value longer than 65,535 is cut off.
pub fn write_frame(headers: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) {
    let mut head = Vec::with_capacity(96);
    for (name, value) in headers {
        let name = &name.as_bytes()[..name.len().min(usize::from(u8::MAX))];
        let value = &value.as_bytes()[..value.len().min(usize::from(u16::MAX))];
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name);
        head.push(TEXT);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend_from_slice(value);
    }
    let start = out.len();
    let length = PRELUDE_BYTES + head.len() + payload.len() + CRC_BYTES;
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// Writes an event as ConverseStream does: `kind` is `messageStart`, `contentBlockDelta` …, `payload` its JSON.
pub fn write_event(kind: &str, payload: &[u8], out: &mut Vec<u8>) {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    write_frame(&headers, payload, out);
}

/// Writes an exception as ConverseStream does: `kind` is `throttlingException`, `modelStreamErrorException` …
pub fn write_exception(kind: &str, payload: &[u8], out: &mut Vec<u8>) {
    let headers = [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    write_frame(&headers, payload, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frames of the tests of AWS's own SDKs.
    const EMPTY: &[u8] = b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2H\xeb}\x98\xc8\xff";
    const NUMBER_HEADER: &[u8] =
        b"\x00\x00\x00+\x00\x00\x00\x0e4\x8b\xec{\x08event-id\x04\x00\x00\xa0\x0c{'foo':'bar'}\xd3\x89\x02\x85";
    const NO_HEADERS: &[u8] = b"\x00\x00\x00\x1d\x00\x00\x00\x00\xfdR\x8cZ{'foo':'bar'}\xc3e96";

    type Seen = (Option<String>, Vec<u8>);

    /// Types and payloads of the frames of a stream that comes in pieces of these sizes.
    fn decode(stream: &[u8], sizes: &[usize]) -> Result<Vec<Seen>, Unreadable> {
        let (mut decoder, mut frames, mut sizes) = (FrameDecoder::default(), Vec::new(), sizes.iter().cycle());
        let mut rest = stream;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(sizes.next().map_or(1, |size| (*size).clamp(1, rest.len())));
            decoder.push(piece, |frame| {
                frames.push((frame.header(":event-type").map(str::to_owned), frame.payload.to_vec()));
                Ok(())
            })?;
            rest = tail;
        }
        assert!(decoder.is_empty(), "every frame is whole");
        Ok(frames)
    }

    #[test]
    fn frames_of_awss_own_tests_are_read() {
        assert_eq!(decode(EMPTY, &[99]).unwrap(), [(None, Vec::new())]);
        assert_eq!(decode(NO_HEADERS, &[99]).unwrap(), [(None, b"{'foo':'bar'}".to_vec())]);
        assert_eq!(decode(NUMBER_HEADER, &[99]).unwrap(), [(None, b"{'foo':'bar'}".to_vec())]);
    }

    #[test]
    fn a_header_behind_others_of_any_type_is_found() {
        let mut headers = Vec::new();
        for (kind, length) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)] {
            headers.extend_from_slice(&[1, b'x', kind]);
            headers.resize(headers.len() + length, 7);
        }
        headers.extend_from_slice(b"\x01x\x06\x00\x03abc\x0b:event-type\x07\x00\x02hi");
        let frame = Frame { headers: &headers, payload: b"" };
        assert_eq!(frame.header(":event-type"), Some("hi"));
        assert_eq!(frame.header("x"), None, "it is no text");
        assert_eq!(Frame { headers: &headers[..headers.len() - 1], payload: b"" }.header(":event-type"), None);
        assert_eq!(Frame { headers: b"\x01x\x0a", payload: b"" }.header(":event-type"), None, "an unknown type");
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_frames() {
        let mut stream = Vec::new();
        write_event("messageStart", br#"{"role":"assistant"}"#, &mut stream);
        write_event("contentBlockDelta", &[b'x'; 300], &mut stream);
        write_event("messageStop", b"", &mut stream);
        let whole = decode(&stream, &[stream.len()]).unwrap();
        assert_eq!(
            whole.iter().map(|(kind, _)| kind.as_deref()).collect::<Vec<_>>(),
            [Some("messageStart"), Some("contentBlockDelta"), Some("messageStop")]
        );
        for size in 1..stream.len() {
            assert_eq!(decode(&stream, &[size]).unwrap(), whole, "pieces of {size}");
        }
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut stream = Vec::new();
        write_event("messageStart", b"{}", &mut stream);
        for at in 0..stream.len() {
            let mut broken = stream.clone();
            broken[at] ^= 1;
            let mut decoder = FrameDecoder::default();
            assert!(decoder.push(&broken, |_| Ok(())).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_frame_that_is_too_large_is_refused_before_it_comes() {
        for (frame, headers) in [(MAX_FRAME_BYTES + 1, 0), (1 << 20, MAX_HEADERS_BYTES + 1), (15, 0)] {
            let mut prelude: Vec<u8> =
                [frame, headers].into_iter().flat_map(|length| u32::try_from(length).unwrap().to_be_bytes()).collect();
            let crc = crc32fast::hash(&prelude);
            prelude.extend_from_slice(&crc.to_be_bytes());
            assert!(FrameDecoder::default().push(&prelude, |_| Ok(())).is_err(), "{frame} {headers}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1_usize..20) {
            let mut decoder = FrameDecoder::default();
            for piece in bytes.chunks(size) {
                if decoder.push(piece, |frame| { frame.header("x"); Ok(()) }).is_err() {
                    break;
                }
            }
            Frame { headers: &bytes, payload: b"" }.header("x");
        }
    }
}
