//! An answer in pieces.
//!
//! Order of events: `Start`, then for every part `PartStart`, any number of `PartDelta`, `PartEnd`; then `Stop` once a choice,
//! `Usage` any number of times (a later one replaces an earlier one), `End` last. Parts of one choice do not overlap and are
//! numbered from 0 in their order; a reader whose vendor interleaves them holds the later one back. `Error` may come anywhere
//! and is the last event.

use deltallm_shared::pricing::Usage;
use serde_json::Value;

use super::{Answer, Choice, Citation, Failure, Part, PartKind, StopReason};

/// One piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The vendor's id; empty where it gives none.
        id: String,
        /// The vendor's name of the model; empty where it does not say.
        model: String,
        /// Unix seconds, where the vendor says so.
        created: Option<i64>,
        /// Input tokens, where the vendor says them first (Anthropic does).
        usage: Option<Usage>,
        /// The tier that serves it.
        service_tier: Option<String>,
        /// OpenAI's `system_fingerprint`.
        fingerprint: Option<String>,
    },
    /// A part begins.
    PartStart {
        /// Of which choice.
        choice: u32,
        /// Its number in the choice.
        part: u32,
        /// What begins.
        start: PartStart,
    },
    /// A part goes on.
    PartDelta {
        /// Of which choice.
        choice: u32,
        /// Its number in the choice.
        part: u32,
        /// What is added.
        delta: Delta,
    },
    /// A part is whole.
    PartEnd {
        /// Of which choice.
        choice: u32,
        /// Its number in the choice.
        part: u32,
    },
    /// Log probabilities of the tokens that came last, in OpenAI's form.
    Logprobs {
        /// Of which choice.
        choice: u32,
        /// `{"content":[…],"refusal":…}`
        value: Value,
    },
    /// A choice is finished.
    Stop {
        /// Which.
        choice: u32,
        /// Why.
        reason: StopReason,
    },
    /// What was consumed so far.
    Usage(Usage),
    /// The vendor says that it still lives.
    Ping,
    /// The vendor failed in the middle.
    Error(Failure),
    /// The answer is whole.
    End,
}

/// What begins.
#[derive(Clone, Debug, PartialEq)]
pub enum PartStart {
    /// Text.
    Text,
    /// Thoughts.
    Reasoning,
    /// Thoughts that only the vendor can read, whole at once.
    EncryptedReasoning(String),
    /// A tool call.
    ToolCall {
        /// Its id.
        id: String,
        /// The tool.
        name: String,
        /// See [`PartKind::ToolCall`].
        signature: Option<String>,
    },
    /// A refusal.
    Refusal,
    /// Any part that comes whole: an image, audio.
    Whole(Box<Part>),
}

/// What is added to a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// To text, thoughts, a refusal.
    Text(String),
    /// To the arguments of a tool call: a piece of JSON text.
    Arguments(String),
    /// To thoughts: their signature, whole.
    Signature(String),
    /// To text: what it is based on.
    Citation(Citation),
}

/// Puts the pieces of an answer together.
#[derive(Debug, Default)]
pub struct Collector {
    answer: Answer,
    failure: Option<Failure>,
}

impl Collector {
    /// Takes the next piece.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Start { id, model, created, usage, service_tier, fingerprint } => {
                let answer = &mut self.answer;
                (answer.id, answer.model, answer.created) = (id, model, created);
                (answer.usage, answer.service_tier, answer.fingerprint) = (usage, service_tier, fingerprint);
            }
            Event::PartStart { choice, part, start } => {
                let parts = &mut self.choice(choice).parts;
                if parts.len() == part as usize {
                    parts.push(start.into_part());
                }
            }
            Event::PartDelta { choice, part, delta } => {
                if let Some(part) = self.choice(choice).parts.get_mut(part as usize) {
                    delta.add_to(&mut part.kind);
                }
            }
            Event::Logprobs { choice, value } => add_logprobs(&mut self.choice(choice).logprobs, value),
            Event::Stop { choice, reason } => self.choice(choice).stop = Some(reason),
            Event::Usage(usage) => self.answer.usage = Some(usage),
            Event::Error(failure) => self.failure = Some(failure),
            Event::PartEnd { .. } | Event::Ping | Event::End => {}
        }
    }

    /// The whole answer, or why there is none.
    pub fn finish(self) -> Result<Answer, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.answer),
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        // A vendor's number must not make us allocate without end.
        let index = (index as usize).min(MAX_CHOICES - 1);
        if self.answer.choices.len() <= index {
            self.answer.choices.resize_with(index + 1, Choice::default);
        }
        &mut self.answer.choices[index]
    }
}

const MAX_CHOICES: usize = 128;

impl PartStart {
    /// The part as it begins.
    pub fn into_part(self) -> Part {
        match self {
            Self::Text => Part::text(""),
            Self::Reasoning => PartKind::Reasoning { text: String::new(), signature: None, encrypted: None }.into(),
            Self::EncryptedReasoning(data) => {
                PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some(data) }.into()
            }
            Self::ToolCall { id, name, signature } => {
                PartKind::ToolCall { id, name, arguments: String::new(), signature }.into()
            }
            Self::Refusal => PartKind::Refusal { text: String::new() }.into(),
            Self::Whole(part) => *part,
        }
    }
}

impl Delta {
    fn add_to(self, kind: &mut PartKind) {
        match (self, kind) {
            (
                Self::Text(more),
                PartKind::Text { text, .. } | PartKind::Reasoning { text, .. } | PartKind::Refusal { text },
            )
            | (Self::Arguments(more), PartKind::ToolCall { arguments: text, .. }) => text.push_str(&more),
            (Self::Signature(more), PartKind::Reasoning { signature, .. } | PartKind::ToolCall { signature, .. }) => {
                *signature = Some(more);
            }
            (Self::Citation(citation), PartKind::Text { citations, .. }) => citations.push(citation),
            _ => {}
        }
    }
}

fn add_logprobs(all: &mut Option<Value>, more: Value) {
    let Some(Value::Object(all)) = all else {
        *all = Some(more);
        return;
    };
    let Value::Object(more) = more else { return };
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (Some(Value::Array(list)), Value::Array(items)) => list.extend(items),
            (_, value) => {
                all.insert(name, value);
            }
        }
    }
}

impl Answer {
    /// The answer as a stream of its pieces, each part in one delta: for a vendor that answers whole to a client that wants a
    /// stream.
    pub fn into_events(self) -> Vec<Event> {
        let usage = self.usage;
        let mut events = vec![Event::Start {
            id: self.id,
            model: self.model,
            created: self.created,
            usage: None,
            service_tier: self.service_tier,
            fingerprint: self.fingerprint,
        }];
        for (choice, one) in (0_u32..).zip(self.choices) {
            for (part, piece) in (0_u32..).zip(one.parts) {
                let (start, deltas) = take_apart(piece);
                events.push(Event::PartStart { choice, part, start });
                events.extend(deltas.into_iter().map(|delta| Event::PartDelta { choice, part, delta }));
                events.push(Event::PartEnd { choice, part });
            }
            events.extend(one.logprobs.map(|value| Event::Logprobs { choice, value }));
            events.extend(one.stop.map(|reason| Event::Stop { choice, reason }));
        }
        events.extend(usage.map(Event::Usage));
        events.push(Event::End);
        events
    }
}

fn take_apart(part: Part) -> (PartStart, Vec<Delta>) {
    match part.kind {
        PartKind::Text { text, citations } => {
            let text = (!text.is_empty()).then_some(Delta::Text(text));
            (PartStart::Text, text.into_iter().chain(citations.into_iter().map(Delta::Citation)).collect())
        }
        PartKind::Reasoning { encrypted: Some(data), text, .. } if text.is_empty() => {
            (PartStart::EncryptedReasoning(data), Vec::new())
        }
        PartKind::Reasoning { text, signature, .. } => {
            let text = (!text.is_empty()).then_some(Delta::Text(text));
            (PartStart::Reasoning, text.into_iter().chain(signature.map(Delta::Signature)).collect())
        }
        PartKind::ToolCall { id, name, arguments, signature } => {
            let arguments = (!arguments.is_empty()).then_some(Delta::Arguments(arguments));
            (PartStart::ToolCall { id, name, signature }, arguments.into_iter().collect())
        }
        PartKind::Refusal { text } => (PartStart::Refusal, vec![Delta::Text(text)]),
        kind => (PartStart::Whole(Box::new(Part { kind, cache: part.cache })), Vec::new()),
    }
}
