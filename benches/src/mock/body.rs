//! The response body that plays a script on a connection and tells the ledger how it went.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::connection::ResetSwitch;
use super::ledger::{Entry, Outcome};
use super::script::{Step, StreamScript};

/// Where the steps come from.
pub enum Script {
    Fixed(VecDeque<Step>),
    Stream(Box<StreamScript>),
}

impl Script {
    fn next(&mut self) -> Option<Step> {
        match self {
            Self::Fixed(steps) => steps.pop_front(),
            Self::Stream(script) => script.next(),
        }
    }
}

/// What the ledger is told when the script has been played to its end.
pub struct Ending {
    pub outcome: Outcome,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// A body that follows a script.
pub struct ScriptedBody {
    script: Script,
    entry: Option<Entry>,
    ending: Ending,
    switch: ResetSwitch,
    split_bytes: usize,
    length: Option<u64>,
    sent_bytes: u64,
    unsent: Bytes,
    sleep: Option<Pin<Box<Sleep>>>,
    is_stalled: bool,
}

impl ScriptedBody {
    /// `length` = the exact size, where `content-length` is to be used.
    pub fn new(
        script: Script,
        entry: Option<Entry>,
        ending: Ending,
        switch: ResetSwitch,
        split_bytes: usize,
        length: Option<u64>,
    ) -> Self {
        Self {
            script,
            entry,
            ending,
            switch,
            split_bytes,
            length,
            sent_bytes: 0,
            unsent: Bytes::new(),
            sleep: None,
            is_stalled: false,
        }
    }

    /// A complete answer that the ledger takes no note of.
    pub fn plain(bytes: Bytes) -> Self {
        let length = u64::try_from(bytes.len()).ok();
        let script = Script::Fixed(VecDeque::from([Step::Send { bytes, is_content: false }]));
        let ending = Ending { outcome: Outcome::Completed, prompt_tokens: 0, completion_tokens: 0 };
        Self::new(script, None, ending, ResetSwitch::default(), 0, length)
    }

    fn close(&mut self, outcome: Outcome) {
        if let Some(mut entry) = self.entry.take() {
            entry.close(outcome, self.ending.prompt_tokens, self.ending.completion_tokens);
        }
    }

    fn take_piece(&mut self) -> Bytes {
        if self.split_bytes == 0 || self.unsent.len() <= self.split_bytes {
            return std::mem::take(&mut self.unsent);
        }
        // Only a pause makes hyper flush: without one all pieces would share a segment.
        self.sleep = Some(Box::pin(tokio::time::sleep(Duration::from_millis(1))));
        self.unsent.split_to(self.split_bytes)
    }

    fn note_sent(&mut self, bytes: &Bytes) {
        self.sent_bytes = self.sent_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        // hyper does not ask again once all of a `content-length` is there.
        if self.length == Some(self.sent_bytes) {
            self.close(self.ending.outcome);
        }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            // The peer's leaving drops the body: no one needs to wake it.
            if self.is_stalled {
                return Poll::Pending;
            }
            if let Some(sleep) = self.sleep.as_mut() {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            if !self.unsent.is_empty() {
                let bytes = self.take_piece();
                self.note_sent(&bytes);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match self.script.next() {
                Some(Step::Send { bytes, is_content }) => {
                    if let (true, Some(entry)) = (is_content, self.entry.as_mut()) {
                        entry.chunk_written();
                    }
                    self.unsent = bytes;
                }
                Some(Step::Wait { ms }) => {
                    self.sleep = Some(Box::pin(tokio::time::sleep(Duration::from_millis(ms))));
                }
                Some(Step::Reset) => {
                    self.close(Outcome::Broken);
                    self.switch.turn_on();
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
                }
                Some(Step::Close) => {
                    self.close(Outcome::Broken);
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
                }
                Some(Step::Stall) => self.is_stalled = true,
                None => {
                    let outcome = self.ending.outcome;
                    self.close(outcome);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
