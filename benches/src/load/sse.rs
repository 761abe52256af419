//! Counts the events of a stream without reading them.

/// Finds the ends of events, however the bytes are cut.
#[derive(Default)]
pub struct EventCounter {
    is_line_feed_last: bool,
    tail: Vec<u8>,
}

/// What ends a stream that came through whole.
const DONE: &[u8] = b"data: [DONE]\n\n";

impl EventCounter {
    /// Number of events that end in `bytes`.
    pub fn push(&mut self, bytes: &[u8]) -> u64 {
        let mut events = 0;
        for byte in bytes {
            let is_line_feed = *byte == b'\n';
            if is_line_feed && self.is_line_feed_last {
                events += 1;
                self.is_line_feed_last = false;
            } else {
                self.is_line_feed_last = is_line_feed;
            }
        }
        let kept = bytes.len().min(DONE.len());
        self.tail.extend_from_slice(bytes.get(bytes.len() - kept..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(DONE.len());
        self.tail.drain(..surplus);
        events
    }

    /// Whether the last bytes were `[DONE]`.
    pub fn is_done(&self) -> bool {
        self.tail == DONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_at_every_cut() {
        let stream = b"data: {\"a\":1}\n\ndata: {}\n\ndata: [DONE]\n\n";
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            let mut counter = EventCounter::default();
            assert_eq!(counter.push(head) + counter.push(tail), 3, "cut at {cut}");
            assert!(counter.is_done());
        }
    }

    #[test]
    fn a_stream_cut_short_is_not_done() {
        let mut counter = EventCounter::default();
        assert_eq!(counter.push(b"data: {}\n\ndata: [DO"), 1);
        assert!(!counter.is_done());
    }
}
