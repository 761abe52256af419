//! Collects events for the client without a copy while they are a run of slices of one piece.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// See the module.
pub struct Outgoing {
    piece: Bytes,
    run: Range<usize>,
    copied: Option<BytesMut>,
}

impl Outgoing {
    /// For the events of a piece.
    pub fn new(piece: Bytes) -> Self {
        Self { piece, run: 0..0, copied: None }
    }

    /// The event goes out as it is.
    pub fn keep(&mut self, event: &Bytes) {
        let start = (event.as_ptr() as usize).wrapping_sub(self.piece.as_ptr() as usize);
        let end = start.wrapping_add(event.len());
        let is_slice = end <= self.piece.len() && start < end;
        match &mut self.copied {
            Some(copied) => copied.extend_from_slice(event),
            None if is_slice && (self.run.is_empty() || self.run.end == start) => {
                let first = if self.run.is_empty() { start } else { self.run.start };
                self.run = first..end;
            }
            None => self.copy().extend_from_slice(event),
        }
    }

    /// This goes out instead.
    pub fn replace(&mut self, event: &[u8]) {
        self.copy().extend_from_slice(event);
    }

    /// What follows an event that is left out is no longer the same run.
    pub fn drop_event(&mut self) {
        if !self.run.is_empty() {
            self.copy();
        }
    }

    /// What goes out.
    pub fn finish(self) -> Bytes {
        match self.copied {
            Some(copied) => copied.freeze(),
            None => self.piece.slice(self.run),
        }
    }

    fn copy(&mut self) -> &mut BytesMut {
        let (piece, run) = (&self.piece, self.run.clone());
        self.copied.get_or_insert_with(|| BytesMut::from(&piece[run]))
    }
}
