//! One record on file: length, checksum, kind, JSON. Little-endian, CRC32 over kind and JSON.

use deltallm_shared::event::SpendEvent;
use serde::ser::Error as _;

const HEADER_BYTES: usize = 9;
/// No event is nearly as large; a larger length is a torn or foreign record.
const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// What a record says of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It begins.
    Open = 1,
    /// It goes on.
    Progress = 2,
    /// It has ended; nothing follows.
    Settled = 3,
}

/// The bytes of a record. One that could not be read again is not made.
pub fn encode(kind: Kind, event: &SpendEvent) -> Result<Vec<u8>, serde_json::Error> {
    let mut frame = Vec::with_capacity(1024);
    frame.extend_from_slice(&[0; 8]);
    frame.push(kind as u8);
    serde_json::to_writer(&mut frame, event)?;
    let len = frame.len() - HEADER_BYTES;
    if len > MAX_PAYLOAD_BYTES {
        return Err(serde_json::Error::custom(format_args!("a record of {len} bytes is too large")));
    }
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let checksum = crc32fast::hash(&frame[8..]);
    frame[..4].copy_from_slice(&len.to_le_bytes());
    frame[4..8].copy_from_slice(&checksum.to_le_bytes());
    Ok(frame)
}

/// A record that was read, and how long it is on file.
pub struct Frame<'a> {
    pub kind: Kind,
    pub payload: &'a [u8],
    pub bytes: usize,
}

/// Reads the record at the start of `bytes`; `None` where it is torn, altered or not there.
pub fn decode(bytes: &[u8]) -> Option<Frame<'_>> {
    let len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let checksum = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    if len > MAX_PAYLOAD_BYTES {
        return None;
    }
    let checked = bytes.get(8..HEADER_BYTES + len)?;
    if crc32fast::hash(checked) != checksum {
        return None;
    }
    let kind = match checked.first()? {
        1 => Kind::Open,
        2 => Kind::Progress,
        3 => Kind::Settled,
        _ => return None,
    };
    Some(Frame { kind, payload: checked.get(1..)?, bytes: HEADER_BYTES + len })
}
