//! The body of an attempt whose bytes are not all in memory: the upload as it came, with a few places changed.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;
use deltallm_dialects::multipart::Edit;
use tokio::task::JoinHandle;

use super::spool::{UploadedBody, blocking};

/// What is sent; cheap to clone, and read from its beginning by each [`OutgoingReader`].
#[derive(Clone, Debug)]
pub struct OutgoingBody {
    upload: UploadedBody,
    segments: Arc<[Segment]>,
    length: u64,
}

#[derive(Clone, Debug)]
enum Segment {
    Upload(Range<u64>),
    Text(Bytes),
}

impl OutgoingBody {
    /// The upload with these places changed, which do not overlap.
    pub fn new(upload: UploadedBody, mut edits: Vec<Edit>) -> Self {
        edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
        let (mut segments, mut from) = (Vec::with_capacity(edits.len() * 2 + 1), 0);
        for edit in edits {
            segments.push(Segment::Upload(from..edit.at.start));
            segments.push(Segment::Text(edit.text));
            from = edit.at.end;
        }
        segments.push(Segment::Upload(from..upload.length()));
        segments.retain(|segment| segment.length() > 0);
        let length = segments.iter().map(Segment::length).sum();
        Self { upload, segments: segments.into(), length }
    }

    /// How long it is: the `content-length`.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads it from its beginning.
    pub fn reader(&self) -> OutgoingReader {
        OutgoingReader { body: self.clone(), segment: 0, at: 0, sent: 0, pending: None }
    }
}

impl Segment {
    fn length(&self) -> u64 {
        match self {
            Self::Upload(range) => range.end.saturating_sub(range.start),
            Self::Text(text) => text.len() as u64,
        }
    }
}

/// Reads a body once.
#[derive(Debug)]
pub struct OutgoingReader {
    body: OutgoingBody,
    segment: usize,
    /// How much of the segment was read.
    at: u64,
    sent: u64,
    pending: Option<JoinHandle<io::Result<Bytes>>>,
}

impl OutgoingReader {
    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.sent >= self.body.length
    }

    /// The next piece; `None` at the end. May be dropped and called again at any point without losing a byte.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(segment) = self.body.segments.get(self.segment) else { return Ok(None) };
        let piece = match segment {
            Segment::Text(text) => text.clone(),
            Segment::Upload(range) => {
                let (from, end) = (range.start + self.at, range.end);
                let upload = &self.body.upload;
                let pending = self.pending.get_or_insert_with(|| upload.begin_piece(from, end));
                let piece = blocking(pending).await;
                self.pending = None;
                piece?
            }
        };
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += piece.len() as u64;
        self.sent += piece.len() as u64;
        if self.at >= segment.length() {
            self.segment += 1;
            self.at = 0;
        }
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;
    use crate::net::spool::{IN_MEMORY_BYTES, Spool};

    async fn all(body: &OutgoingBody) -> Vec<u8> {
        let (mut reader, mut bytes) = (body.reader(), Vec::new());
        while let Some(piece) = reader.next().await.unwrap() {
            assert!(!piece.is_empty());
            bytes.extend_from_slice(&piece);
        }
        assert!(reader.is_done());
        bytes
    }

    async fn spooled(body: &[u8]) -> UploadedBody {
        let home = tempfile::tempdir().unwrap();
        let mut incoming = Spool::in_home(home.path(), 64 << 20).unwrap().begin();
        incoming.push(body).await.unwrap();
        incoming.finish().await.unwrap()
    }

    #[tokio::test]
    async fn a_file_is_sent_with_its_places_changed_as_often_as_asked() {
        let upload: Vec<u8> = (0..IN_MEMORY_BYTES * 2).map(|at| u8::try_from(at % 253).unwrap()).collect();
        let edits = vec![
            Edit { at: 300_000..300_005, text: Bytes::from_static(b"longer than before") },
            Edit { at: 10..20, text: Bytes::new() },
        ];
        let expected = [&upload[..10], &upload[20..300_000], b"longer than before", &upload[300_005..]].concat();
        let body = OutgoingBody::new(spooled(&upload).await, edits);
        assert_eq!(body.length(), expected.len() as u64);
        assert_eq!(all(&body).await, expected);
        assert_eq!(all(&body).await, expected, "for a second attempt");
    }

    #[tokio::test]
    async fn a_reader_that_is_interrupted_loses_nothing() {
        let upload = vec![7; IN_MEMORY_BYTES * 2];
        let body = OutgoingBody::new(spooled(&upload).await, Vec::new());
        let (mut reader, mut bytes) = (body.reader(), Vec::new());
        loop {
            // The first look is dropped before the disk has answered.
            let piece = match reader.next().now_or_never() {
                Some(piece) => piece,
                None => reader.next().await,
            };
            let Some(piece) = piece.unwrap() else { break };
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes, upload);
    }

    proptest! {
        #[test]
        fn edits_do_what_they_say(upload in proptest::collection::vec(any::<u8>(), 0..60), cuts in proptest::collection::vec(0_usize..60, 4), text in proptest::collection::vec(any::<u8>(), 0..5)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(upload.len())).collect();
            cuts.sort_unstable();
            let edit = |from: usize, to: usize| Edit { at: from as u64..to as u64, text: text.clone().into() };
            let expected = [&upload[..cuts[0]], &text, &upload[cuts[1]..cuts[2]], &text, &upload[cuts[3]..]].concat();
            let body = OutgoingBody::new(UploadedBody::Memory(upload.into()), vec![edit(cuts[2], cuts[3]), edit(cuts[0], cuts[1])]);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert_eq!(runtime.block_on(all(&body)), expected);
        }
    }
}
