//! Counts tokens where the provider gave no usage: the client left, the stream broke off, or the vendor never says.
//!
//! Counting takes milliseconds for long texts, so it happens on a thread of its own, never on one that serves requests. The
//! vocabulary (OpenAI's `o200k_base`) is loaded when the first count is needed. For other vendors' models the count is close,
//! not exact; the record says `counted`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use bytes::Bytes;
use deltallm_dialects::openai::produced_text::{ProducedText, strings_of};
use deltallm_shared::{
    catalog::ServiceTier,
    event::SpendEvent,
    pricing::{AppliedPrices, Usage, UsageSource},
};

use super::journal::Journal;
use crate::telemetry::metrics::Metrics;

/// How many calls may wait to be counted; beyond it sizes are taken for tokens, which blocks nobody.
const QUEUE: usize = 4096;
/// How many bytes of prompts may wait, for the same reason.
const MAX_WAITING_BYTES: usize = 256 << 20;
/// What OpenAI's chat format adds per message and per prompt, by their cookbook on counting tokens.
const TOKENS_PER_PROMPT: u64 = 3;
/// Of a model that the catalogue does not know.
const DEFAULT_CONTEXT_TOKENS: u64 = 200_000;
/// English text has about four bytes a token.
const BYTES_PER_TOKEN: u64 = 4;

/// A call that waits for its usage.
pub struct Uncounted {
    /// The record without usage and cost.
    pub event: SpendEvent,
    /// What it is billed at.
    pub prices: AppliedPrices,
    /// What the provider said of the input before the answer broke off.
    pub input_usage: Option<Usage>,
    /// The JSON of the prompt.
    pub prompt: Bytes,
    /// What the model produced.
    pub produced: ProducedText,
}

/// Hands calls to the counting thread.
#[derive(Clone)]
pub struct TokenCounter {
    queue: SyncSender<Message>,
    books: Arc<Books>,
}

/// Where counted calls go.
struct Books {
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
    waiting_bytes: AtomicUsize,
}

enum Message {
    Count(Box<Uncounted>),
    /// Answered once everything before it is on record.
    Flush(SyncSender<()>),
}

impl TokenCounter {
    /// Starts the thread.
    pub fn start(journal: Arc<Journal>, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let books = Arc::new(Books { journal, metrics, waiting_bytes: AtomicUsize::new(0) });
        let counting = Arc::clone(&books);
        std::thread::Builder::new().name("token-counter".to_owned()).spawn(move || run(&messages, &counting))?;
        Ok(Self { queue, books })
    }

    /// Settles the call once it is counted.
    pub fn settle(&self, call: Uncounted) {
        let bytes = call.prompt.len();
        if self.books.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) > MAX_WAITING_BYTES {
            self.books.settle(call, estimate);
            return;
        }
        match self.queue.try_send(Message::Count(Box::new(call))) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                if let Message::Count(call) = message {
                    self.books.settle(*call, estimate);
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

fn run(messages: &Receiver<Message>, books: &Books) {
    for message in messages {
        match message {
            Message::Count(call) => books.settle(*call, count),
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

type Measure = fn(&[u8], ProducedText, &AppliedPrices) -> (Usage, UsageSource);

impl Books {
    fn settle(&self, call: Uncounted, measure: Measure) {
        let Uncounted { mut event, prices, input_usage, prompt, produced } = call;
        (event.usage, event.usage_source) = measure(&prompt, produced, &prices);
        if let Some(input) = input_usage {
            event.usage = Usage { output_tokens: event.usage.output_tokens, ..input };
        }
        price(&mut event, &prices);
        self.waiting_bytes.fetch_sub(prompt.len(), Ordering::Relaxed);
        self.metrics.observe_usage(&event);
        if let Err(error) = self.journal.settle(&event) {
            tracing::error!(%error, event_id = %event.event_id, "a counted call could not be recorded");
        }
    }
}

/// Sets the cost of an event from its usage.
pub fn price(event: &mut SpendEvent, prices: &AppliedPrices) {
    let tier = event.service_tier.as_deref().and_then(ServiceTier::from_name).unwrap_or(ServiceTier::Standard);
    let bill = prices.bill(&event.usage, tier);
    (event.price_state, event.prices, event.cost) = (bill.state, bill.prices, bill.cost);
}

fn count(prompt: &[u8], produced: ProducedText, _prices: &AppliedPrices) -> (Usage, UsageSource) {
    let tokenizer = bpe_openai::o200k_base();
    let dropped = produced.dropped_bytes() / BYTES_PER_TOKEN;
    let usage = Usage {
        input_tokens: tokenizer.count(strings_of(prompt).as_str()) as u64 + TOKENS_PER_PROMPT,
        output_tokens: tokenizer.count(produced.into_text().as_str()) as u64 + dropped,
        ..Usage::default()
    };
    (usage, UsageSource::Counted)
}

fn estimate(prompt: &[u8], produced: ProducedText, prices: &AppliedPrices) -> (Usage, UsageSource) {
    let usage = Usage {
        input_tokens: estimate_tokens(prompt.len(), prices),
        output_tokens: produced.pieces(),
        ..Usage::default()
    };
    (usage, UsageSource::Estimated)
}

/// Tokens by size alone: for the record that a call begins with, and where nobody can count any more. At most what the model
/// takes, because images in a prompt are large and few tokens.
pub fn estimate_tokens(bytes: usize, prices: &AppliedPrices) -> u64 {
    (bytes as u64).div_ceil(BYTES_PER_TOKEN).min(prices.max_input_tokens().unwrap_or(DEFAULT_CONTEXT_TOKENS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_prompt_and_answer_are_counted() {
        let mut produced = ProducedText::default();
        produced.take_from(br#"{"delta":{"content":"Hello there, "}}"#);
        produced.take_from(br#"{"delta":{"content":"general Kenobi."}}"#);
        let prompt = br#"[{"role":"user","content":"Hello there"}]"#;
        let (usage, source) = count(prompt, produced, &AppliedPrices::default());
        assert_eq!(source, UsageSource::Counted);
        assert_eq!(usage.output_tokens, 7, "Hello| there|,| general| Ken|obi|.| as the tokenizer cuts it");
        assert!((5..=9).contains(&usage.input_tokens), "{}", usage.input_tokens);
    }
}
