//! Counts tokens where the provider gave no usage: the client left, the stream broke off, or the vendor never says.
//!
//! Counting takes milliseconds for long texts, so it happens on a thread of its own, never on one that serves requests. The
//! vocabulary (OpenAI's `o200k_base`) is loaded when the first count is needed. For other vendors' models the count is close,
//! not exact; the record says `counted`.

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use bytes::Bytes;
use deltallm_shared::{
    event::SpendEvent,
    pricing::{AppliedPrices, Usage, UsageSource},
};

use super::journal::Journal;
use crate::dialects::openai::produced_text::{ProducedText, strings_of};

/// How many calls may wait to be counted; beyond it sizes are taken for tokens, which blocks nobody.
const QUEUE: usize = 4096;
/// What OpenAI's chat format adds per message and per prompt, by their cookbook on counting tokens.
const TOKENS_PER_PROMPT: u64 = 3;
/// English text has about four bytes a token.
const BYTES_PER_TOKEN: u64 = 4;

/// A call that waits for its usage.
pub struct Uncounted {
    /// The record without usage and cost.
    pub event: SpendEvent,
    /// What it is billed at.
    pub prices: AppliedPrices,
    /// The JSON of the prompt.
    pub prompt: Bytes,
    /// What the model produced.
    pub produced: ProducedText,
}

/// Hands calls to the counting thread.
#[derive(Clone)]
pub struct TokenCounter {
    queue: SyncSender<Message>,
    journal: Arc<Journal>,
}

enum Message {
    Count(Box<Uncounted>),
    /// Answered once everything before it is on record.
    Flush(SyncSender<()>),
}

impl TokenCounter {
    /// Starts the thread.
    pub fn start(journal: Arc<Journal>) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let settling = Arc::clone(&journal);
        std::thread::Builder::new().name("token-counter".to_owned()).spawn(move || run(&messages, &settling))?;
        Ok(Self { queue, journal })
    }

    /// Settles the call once it is counted.
    pub fn settle(&self, call: Uncounted) {
        match self.queue.try_send(Message::Count(Box::new(call))) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                if let Message::Count(call) = message {
                    settle(&self.journal, *call, estimate);
                }
            }
        }
    }

    /// Waits until everything that was handed over is on record.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

fn run(messages: &Receiver<Message>, journal: &Journal) {
    for message in messages {
        match message {
            Message::Count(call) => settle(journal, *call, count),
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

fn settle(journal: &Journal, call: Uncounted, measure: fn(&[u8], ProducedText) -> (Usage, UsageSource)) {
    let Uncounted { mut event, prices, prompt, produced } = call;
    (event.usage, event.usage_source) = measure(&prompt, produced);
    price(&mut event, &prices);
    if let Err(error) = journal.settle(&event) {
        tracing::error!(%error, event_id = %event.event_id, "a counted call could not be recorded");
    }
}

/// Sets the cost of an event from its usage.
pub fn price(event: &mut SpendEvent, prices: &AppliedPrices) {
    event.price_state = prices.state;
    event.prices = prices.at(event.usage.input_tokens);
    event.cost = prices.cost(&event.usage);
}

fn count(prompt: &[u8], produced: ProducedText) -> (Usage, UsageSource) {
    let tokenizer = bpe_openai::o200k_base();
    let dropped = produced.dropped_bytes() / BYTES_PER_TOKEN;
    let usage = Usage {
        input_tokens: tokenizer.count(strings_of(prompt).as_str()) as u64 + TOKENS_PER_PROMPT,
        output_tokens: tokenizer.count(produced.into_text().as_str()) as u64 + dropped,
        ..Usage::default()
    };
    (usage, UsageSource::Counted)
}

fn estimate(prompt: &[u8], produced: ProducedText) -> (Usage, UsageSource) {
    let usage =
        Usage { input_tokens: estimate_tokens(prompt.len()), output_tokens: produced.pieces(), ..Usage::default() };
    (usage, UsageSource::Estimated)
}

/// Tokens by size alone: for the record that a call begins with, and where nobody can count any more.
pub fn estimate_tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_prompt_and_answer_are_counted() {
        let mut produced = ProducedText::default();
        produced.take_from(br#"{"delta":{"content":"Hello there, "}}"#);
        produced.take_from(br#"{"delta":{"content":"general Kenobi."}}"#);
        let (usage, source) = count(br#"[{"role":"user","content":"Hello there"}]"#, produced);
        assert_eq!(source, UsageSource::Counted);
        assert_eq!(usage.output_tokens, 7, "Hello| there|,| general| Ken|obi|.| as the tokenizer cuts it");
        assert!((5..=9).contains(&usage.input_tokens), "{}", usage.input_tokens);
    }
}
