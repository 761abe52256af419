//! Frames of `application/vnd.amazon.eventstream` ("Event stream encoding", Amazon Transcribe and Smithy specifications).

use bytes::{BufMut as _, Bytes, BytesMut};

/// One event: length, length of headers, CRC of both, headers, payload, CRC of all.
pub fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let mut encoded = BytesMut::new();
    for (name, value) in headers {
        encoded.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        encoded.put_slice(name.as_bytes());
        // Type 7: text with a length of two bytes.
        encoded.put_u8(7);
        encoded.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        encoded.put_slice(value.as_bytes());
    }
    let length = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    let mut frame = BytesMut::new();
    frame.put_u32(length(encoded.len() + payload.len() + 16));
    frame.put_u32(length(encoded.len()));
    frame.put_u32(crc32fast::hash(&frame));
    frame.put_slice(&encoded);
    frame.put_slice(payload);
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_frame_is_the_one_of_the_specification() {
        // "empty_message" of the test vectors: 16 bytes, no headers, no payload.
        assert_eq!(frame(&[], b""), Bytes::from_static(b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff"));
    }

    #[test]
    fn headers_and_payload_are_counted() {
        let frame = frame(&[(":event-type", "x")], b"{}");
        assert_eq!(frame.len(), 16 + (1 + 11 + 1 + 2 + 1) + 2);
        assert_eq!(&frame[..8], &[0, 0, 0, 34, 0, 0, 0, 16]);
    }
}
