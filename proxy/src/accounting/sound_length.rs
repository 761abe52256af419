//! How long an uploaded sound is, by its own header: what a transcription costs where the provider does not say.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use lofty::{
    config::{ParseOptions, ParsingMode},
    file::AudioFile,
    probe::Probe,
};

use crate::net::spool::UploadedBody;

/// The length in milliseconds of the sound that stands at `at` in an upload; `None` where the format is not known or does not
/// tell. Blocks: for threads that may wait for the disk.
pub fn sound_length_ms(upload: &UploadedBody, at: Range<u64>) -> Option<u64> {
    let section = Section { upload, at, position: 0 };
    // What stands in tags is of no interest, and their pictures may be large.
    let options = ParseOptions::new().read_tags(false).read_cover_art(false).parsing_mode(ParsingMode::Relaxed);
    let file = Probe::new(io::BufReader::new(section)).options(options).guess_file_type().ok()?.read().ok()?;
    let length = u64::try_from(file.properties().duration().as_millis()).ok()?;
    (length > 0).then_some(length)
}

/// A part of an upload as a file of its own.
struct Section<'a> {
    upload: &'a UploadedBody,
    at: Range<u64>,
    position: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = (self.at.end - self.at.start).saturating_sub(self.position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.upload.read_at(&mut buffer[..wanted], self.at.start + self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.at.end - self.at.start;
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Silence as a WAV file: 16 bits, one channel.
    fn wav(rate: u32, samples: u32) -> Vec<u8> {
        let data = samples * 2;
        let mut file = [b"RIFF".as_slice(), &(36 + data).to_le_bytes(), b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
        file.extend_from_slice(&[1, 0, 1, 0]);
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&(rate * 2).to_le_bytes());
        file.extend_from_slice(&[2, 0, 16, 0]);
        file.extend_from_slice(b"data");
        file.extend_from_slice(&data.to_le_bytes());
        file.resize(file.len() + data as usize, 0);
        file
    }

    fn length(before: &[u8], file: &[u8]) -> Option<u64> {
        let upload = UploadedBody::Memory(Bytes::from([before, file, b"\r\n--end--"].concat()));
        let start = before.len() as u64;
        sound_length_ms(&upload, start..start + file.len() as u64)
    }

    #[test]
    fn a_sound_inside_a_form_is_measured() {
        assert_eq!(length(b"--x\r\n\r\n", &wav(8000, 12_000)), Some(1500));
        assert_eq!(length(b"", &wav(16_000, 16_000 * 60)), Some(60_000));
    }

    #[test]
    fn what_is_no_sound_has_no_length() {
        for nothing in [&b""[..], b"hello", b"RIFF", &wav(8000, 0), &wav(8000, 4000)[..30]] {
            assert_eq!(length(b"", nothing), None, "{nothing:?}");
        }
    }
}
