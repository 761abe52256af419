//! What is sent for one answer, and when: a pure list of steps made one at a time.

use bytes::Bytes;

use super::options::MockOptions;
use super::vendor::{Frame, Frames};

/// One step of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes to send; `is_content` for what the ledger counts as a chunk.
    Send { bytes: Bytes, is_content: bool },
    /// A pause.
    Wait { ms: u64 },
    /// TCP RST.
    Reset,
    /// TCP FIN in the middle of the body.
    Close,
    /// Silence for ever.
    Stall,
}

/// Longest time the kernel is given to take what was sent before a reset throws away the rest.
const SETTLE_MS: u64 = 20;

/// Makes the steps of one streamed answer.
pub struct StreamScript {
    options: MockOptions,
    frames: Frames,
    fault: Bytes,
    held: Option<Frame>,
    place: Place,
    content_sent: u32,
    is_rested: bool,
}

/// How far a stream has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first content.
    Head,
    /// From there on.
    Content,
    /// Nothing follows.
    End,
}

impl StreamScript {
    /// `fault` is what the vendor sends when a stream goes wrong.
    pub fn new(options: MockOptions, frames: Frames, fault: Bytes) -> Self {
        Self { options, frames, fault, held: None, place: Place::Head, content_sent: 0, is_rested: true }
    }

    /// The step a fault option asks for at this point.
    fn fault(&self) -> Option<Step> {
        let here = Some(self.content_sent);
        if self.options.reset_after_chunks == here {
            Some(Step::Reset)
        } else if self.options.close_after_chunks == here {
            Some(Step::Close)
        } else if self.options.stall_after_chunks == here {
            Some(Step::Stall)
        } else if self.options.error_after_chunks == here {
            Some(Step::Send { bytes: self.fault.clone(), is_content: false })
        } else {
            None
        }
    }

    /// What comes before a frame of the part after the head: a fault, a pause.
    fn before(&mut self, is_content: bool) -> Option<Step> {
        if let Some(fault) = self.fault() {
            // Let the peer see what was sent before it sees the fault.
            if self.is_rested {
                self.is_rested = false;
                return Some(Step::Wait { ms: SETTLE_MS });
            }
            self.place = Place::End;
            return Some(fault);
        }
        let is_pause_due = is_content
            && self.options.gap_ms > 0
            && self.content_sent > 0
            && self.content_sent.is_multiple_of(self.options.burst);
        if is_pause_due && self.is_rested {
            self.is_rested = false;
            return Some(Step::Wait { ms: self.options.gap_ms });
        }
        None
    }
}

impl Iterator for StreamScript {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.place == Place::End {
            return None;
        }
        if self.options.hang_after_headers {
            self.place = Place::End;
            return Some(Step::Stall);
        }
        let frame = self.held.take().or_else(|| self.frames.next())?;
        if self.place == Place::Head && frame.is_content {
            self.place = Place::Content;
            if self.options.first_chunk_delay_ms > 0 {
                self.held = Some(frame);
                return Some(Step::Wait { ms: self.options.first_chunk_delay_ms });
            }
        }
        if self.place == Place::Content {
            if let Some(step) = self.before(frame.is_content) {
                self.held = Some(frame);
                return Some(step);
            }
            self.is_rested = true;
        }
        self.content_sent = self.content_sent.saturating_add(u32::from(frame.is_content));
        Some(Step::Send { bytes: frame.bytes, is_content: frame.is_content })
    }
}

/// The steps of an unstreamed answer: the whole body, or its first half and the fault asked for.
pub fn unstreamed(options: &MockOptions, body: Bytes) -> Vec<Step> {
    if options.hang_after_headers {
        return vec![Step::Stall];
    }
    let fault = if options.reset_after_chunks.is_some() {
        Step::Reset
    } else if options.close_after_chunks.is_some() {
        Step::Close
    } else if options.stall_after_chunks.is_some() {
        Step::Stall
    } else {
        return vec![Step::Send { bytes: body, is_content: true }];
    };
    let half = body.slice(..body.len() / 2);
    vec![Step::Send { bytes: half, is_content: true }, Step::Wait { ms: SETTLE_MS }, fault]
}

#[cfg(test)]
mod tests {
    use super::super::openai::Chat;
    use super::super::prompt::Prompt;
    use super::super::reply::Reply;
    use super::super::vendor::Vendor as _;
    use super::*;

    fn steps(options: &str, is_usage_asked: bool) -> Vec<Step> {
        let mut read = MockOptions::default();
        read.read_text(&format!("mock-opts:{{{options}}}")).unwrap_or_default();
        let prompt = Prompt { model: "gpt-4o-mini".to_owned(), is_usage_asked, ..Prompt::default() };
        let reply = Reply::new(prompt, &read, 1, 1_700_000_000);
        StreamScript::new(read, Chat.frames(reply), Chat.stream_fault()).collect()
    }

    fn text(steps: &[Step]) -> String {
        steps
            .iter()
            .filter_map(|step| match step {
                Step::Send { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_stream_has_role_content_finish_usage_and_done() {
        let all = text(&steps("chunks=2", true));
        let events: Vec<&str> = all.split_terminator("\n\n").collect();
        assert_eq!(events.len(), 6);
        assert!(events[0].contains(r#""role":"assistant""#) && events[0].contains(r#""usage":null"#));
        assert!(events[1].contains(r#""content":"#));
        assert!(events[3].contains(r#""finish_reason":"stop""#));
        assert!(events[4].contains(r#""choices":[]"#) && events[4].contains(r#""completion_tokens":2"#));
        assert_eq!(events[5], "data: [DONE]");
    }

    #[test]
    fn usage_is_left_out_unless_asked_for() {
        let all = text(&steps("chunks=2", false));
        assert!(!all.contains("usage"));
        assert!(!text(&steps("chunks=2,no_usage=1", true)).contains("prompt_tokens"));
    }

    #[test]
    fn pauses_stand_between_bursts_only() {
        let waits: Vec<bool> =
            steps("chunks=4,gap_ms=5,burst=2", false).iter().map(|step| matches!(step, Step::Wait { ms: 5 })).collect();
        assert_eq!(waits, [false, false, false, true, false, false, false, false]);
    }

    #[test]
    fn a_fault_ends_the_script_after_the_chunks_asked_for() {
        for (options, fault) in [
            ("reset_after_chunks=2", Step::Reset),
            ("close_after_chunks=2", Step::Close),
            ("stall_after_chunks=2", Step::Stall),
        ] {
            let all = steps(options, true);
            let content = all.iter().filter(|s| matches!(s, Step::Send { is_content: true, .. }));
            assert_eq!(content.count(), 2, "{options}");
            assert_eq!(all.last(), Some(&fault), "{options}");
        }
        assert_eq!(steps("hang_after_headers=1", true), [Step::Stall]);
        let error = steps("error_after_chunks=1", true);
        assert!(text(&error).ends_with("}}\n\n") && text(&error).contains(r#""error":"#));
    }

    #[test]
    fn every_chunk_has_the_size_asked_for() {
        let all = text(&steps("chunks=2,chunk_bytes=20", false));
        assert_eq!(all.matches(&format!(r#""content":"{}""#, "x".repeat(20))).count(), 2);
    }
}
