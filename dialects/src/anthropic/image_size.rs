//! The size of a picture in pixels, from the first bytes of its file: PNG, GIF, WebP and JPEG, the four that Anthropic takes.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A JPEG's size stands behind its notes (thumbnails, colour profiles); nobody's notes are longer than this, in base64.
const LONGEST_HEAD: usize = 1 << 20;
/// Enough for the other three, in base64.
const SHORT_HEAD: usize = 64;

/// Width and height in pixels; `None` where the data is none of the four, is cut off or is not base64.
pub fn of_base64(data: &str) -> Option<(u32, u32)> {
    let head = decode(data, SHORT_HEAD)?;
    if head.starts_with(&[0xff, 0xd8]) { of_jpeg(&decode(data, LONGEST_HEAD)?) } else { of_head(&head) }
}

/// The bytes of the first `most` digits.
fn decode(data: &str, most: usize) -> Option<Vec<u8>> {
    let head = data.as_bytes();
    let head = if head.len() > most { head.get(..most)? } else { head };
    STANDARD.decode(head).ok()
}

fn of_head(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((big(bytes.get(16..20)?), big(bytes.get(20..24)?)));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((little(bytes.get(6..8)?), little(bytes.get(8..10)?)));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP" {
        return of_webp(bytes);
    }
    None
}

/// By the three forms of WebP: lossy, lossless and extended.
fn of_webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8 " => Some((little(bytes.get(26..28)?) & 0x3fff, little(bytes.get(28..30)?) & 0x3fff)),
        b"VP8L" => {
            let bits = little(bytes.get(21..25)?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((little(bytes.get(24..27)?) + 1, little(bytes.get(27..30)?) + 1)),
        _ => None,
    }
}

/// Goes from segment to segment until one begins a frame.
fn of_jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        match marker {
            // Fill bytes, and marks without a length.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((big(bytes.get(at + 7..at + 9)?), big(bytes.get(at + 5..at + 7)?)));
            }
            _ => at += 2 + usize::try_from(big(bytes.get(at + 2..at + 4)?)).ok()?,
        }
    }
}

fn big(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(bytes: &[u8]) -> Option<(u32, u32)> {
        of_base64(&STANDARD.encode(bytes))
    }

    #[test]
    fn the_four_formats_say_their_size() {
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 4, 0, 0, 0, 3, 0]].concat();
        assert_eq!(size(&png), Some((1024, 768)));
        assert_eq!(size(b"GIF89a\x40\x01\xf0\x00\0\0"), Some((320, 240)));
        let lossy = [b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a".as_slice(), &[0x80, 2, 0xe0, 1]].concat();
        assert_eq!(size(&lossy), Some((640, 480)));
        let bits = 0x63_u32 | 0x31 << 14;
        let lossless = [b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".as_slice(), &bits.to_le_bytes()].concat();
        assert_eq!(size(&lossless), Some((100, 50)));
        let extended = [b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".as_slice(), &[0xff, 3, 0, 0xff, 1, 0]].concat();
        assert_eq!(size(&extended), Some((1024, 512)));
        let notes = [vec![0xff, 0xe1, 0xff, 0xff], vec![7; 0xfffd]].concat();
        let frame = [0xff, 0xc2, 0, 17, 8, 1, 0, 2, 0, 3];
        let jpeg = [&[0xff, 0xd8], notes.as_slice(), &frame].concat();
        assert_eq!(size(&jpeg), Some((512, 256)));
    }

    #[test]
    fn what_is_none_of_them_or_cut_off_has_no_size() {
        for bytes in
            [b"".as_slice(), b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xd8\xff", b"%PDF-1.4"]
        {
            assert_eq!(size(bytes), None, "{bytes:?}");
        }
        assert_eq!(of_base64("no base64 !"), None);
        assert_eq!(of_base64("ééééééééééééééééééééééééééééééééééééééééééé"), None);
    }
}
