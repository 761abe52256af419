//! WebSocket frames (RFC 6455, section 5) as they pass by, in pieces of any size; nothing of a payload is held.
//!
//! Reads one direction of a connection without extensions. A gateway that passes the bytes on as they came has to know only
//! where messages begin and end; what is wrong with a frame is for the two ends to find, so after a broken header the decoder
//! reads nothing any more.

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A message begins; its frames are joined.
    Begin {
        /// UTF-8, else bytes.
        is_text: bool,
    },
    /// A piece of its payload, unmasked.
    Payload(&'a [u8]),
    /// The message is whole.
    End,
    /// This end closes the connection. Its reason is left out.
    Close,
    /// A ping or a pong, which may stand between the frames of a message. Its payload is left out.
    Alive,
}

/// Reads one direction.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    header: Vec<u8>,
    frame: Option<Frame>,
    /// Whether a message has begun and goes on in a later frame.
    in_message: bool,
    is_broken: bool,
}

#[derive(Debug)]
struct Frame {
    left: u64,
    is_last: bool,
    is_control: bool,
    mask: Option<[u8; 4]>,
    at: usize,
}

impl FrameDecoder {
    /// Takes the next bytes.
    pub fn push(&mut self, mut bytes: &[u8], mut on_part: impl FnMut(Part<'_>)) {
        while !self.is_broken && (!bytes.is_empty() || self.frame.as_ref().is_some_and(|frame| frame.left == 0)) {
            match &mut self.frame {
                Some(frame) => {
                    let taken = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
                    if taken > 0 && !frame.is_control {
                        frame.hand_out(&bytes[..taken], &mut on_part);
                    }
                    frame.left -= taken as u64;
                    bytes = &bytes[taken..];
                    if frame.left == 0 {
                        if frame.is_last && !frame.is_control {
                            on_part(Part::End);
                        }
                        self.frame = None;
                    }
                }
                None => {
                    self.header.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.read_header(&mut on_part);
                }
            }
        }
    }

    /// Begins a frame once its header is whole.
    fn read_header(&mut self, on_part: &mut impl FnMut(Part<'_>)) {
        let [first, second, rest @ ..] = self.header.as_slice() else { return };
        let (is_masked, short) = (second & 0x80 != 0, second & 0x7f);
        let length_bytes = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if is_masked { 4 } else { 0 };
        if rest.len() < length_bytes + mask_bytes {
            return;
        }
        let long = rest[..length_bytes].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let left = if length_bytes == 0 { u64::from(short) } else { long };
        let mask = rest[length_bytes..].first_chunk::<4>().copied().filter(|_| is_masked);
        let (is_last, reserved, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
        let is_control = opcode >= 8;
        self.is_broken = reserved != 0 || left >> 63 != 0 || (is_control && (left > 125 || !is_last));
        match opcode {
            0 if self.in_message => {}
            1 | 2 if !self.in_message => on_part(Part::Begin { is_text: opcode == 1 }),
            8 => on_part(Part::Close),
            9 | 10 => on_part(Part::Alive),
            _ => self.is_broken = true,
        }
        if !is_control {
            self.in_message = !is_last;
        }
        self.frame = Some(Frame { left, is_last, is_control, mask, at: 0 });
        self.header.clear();
    }
}

impl Frame {
    fn hand_out(&mut self, bytes: &[u8], on_part: &mut impl FnMut(Part<'_>)) {
        let Some(mask) = self.mask else {
            on_part(Part::Payload(bytes));
            return;
        };
        let plain: Vec<u8> =
            bytes.iter().zip(mask.iter().cycle().skip(self.at)).map(|(byte, mask)| byte ^ mask).collect();
        self.at = (self.at + bytes.len()) % mask.len();
        on_part(Part::Payload(&plain));
    }
}

/// A close frame of a server, with a status (RFC 6455, section 7.4) and a reason of at most 123 bytes.
pub fn close_frame(status: u16, reason: &str) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.len().min(123)];
    let length = u8::try_from(reason.len() + 2).unwrap_or(2);
    [&[0x88, length], status.to_be_bytes().as_slice(), reason].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], size: usize) -> Vec<String> {
        let (mut decoder, mut found) = (FrameDecoder::default(), Vec::<String>::new());
        for piece in bytes.chunks(size.max(1)) {
            decoder.push(piece, |part| match part {
                Part::Begin { is_text } => found.push(if is_text { "text" } else { "bytes" }.to_owned()),
                Part::Payload(payload) => match found.last_mut().filter(|last| last.starts_with('+')) {
                    Some(last) => last.push_str(&payload.escape_ascii().to_string()),
                    None => found.push(format!("+{}", payload.escape_ascii())),
                },
                other => found.push(format!("{other:?}")),
            });
        }
        found
    }

    #[test]
    fn messages_are_joined_and_control_frames_stand_between() {
        // The examples of RFC 6455, section 5.7, one after another.
        let bytes = [
            &[0x81, 0x05][..],
            b"Hello",
            &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
            &[0x01, 0x03],
            b"Hel",
            &[0x89, 0x05],
            b"Hello",
            &[0x80, 0x02],
            b"lo",
            &[0x82, 0x7e, 0x01, 0x00],
            &[b'x'; 256],
            &[0x81, 0x00],
            &close_frame(1001, "bye"),
        ]
        .concat();
        let binary = format!("+{}", "x".repeat(256));
        let expected = [
            "text", "+Hello", "End", "text", "+Hello", "End", "text", "+Hel", "Alive", "+lo", "End", "bytes", &binary,
            "End", "text", "End", "Close",
        ];
        for size in [1, 2, 3, 5, bytes.len()] {
            assert_eq!(read(&bytes, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_read_after_a_broken_header() {
        for broken in
            [&[0xc1, 0x01][..], &[0x80, 0x01], &[0x83, 0x01], &[0x89, 0x7e], &[0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0]]
        {
            let bytes = [broken, &[0x00, 0x7e], &[0x81, 0x01, b'x'].repeat(9)].concat();
            assert!(!read(&bytes, 1).iter().any(|part| part == "+x"), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_is_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..80), size in 1_usize..9) {
            prop_assert_eq!(read(&bytes, size), read(&bytes, bytes.len()));
        }
    }
}
