//! Writes a stream of `text_completion`s.

use bytes::{BufMut, BytesMut};
use deltallm_shared::error::ApiError;
use deltallm_shared::pricing::Usage;
use serde_json::{Map, Value, json};

use super::answer_writer::{finish_of, id_of, write_logprobs};
use crate::canonical::{Delta, Event, Part, PartKind, PartStart};
use crate::dialect::{Asked, StreamWriter};
use crate::openai::usage;

/// The writer of one stream.
#[derive(Debug)]
pub struct CompletionsStreamWriter {
    asked: Asked,
    /// The members that every piece has.
    head: Map<String, Value>,
    usage: Option<Usage>,
    /// Of each choice: whether the open part is words, and the characters so far.
    choices: Vec<(u32, bool, usize)>,
}

impl CompletionsStreamWriter {
    /// For one answer.
    pub fn new(asked: &Asked) -> Self {
        Self { asked: asked.clone(), head: Map::new(), usage: None, choices: Vec::new() }
    }

    fn choice(&mut self, number: u32) -> Option<&mut (u32, bool, usize)> {
        let at = self.choices.iter().position(|(known, ..)| *known == number).unwrap_or_else(|| {
            self.choices.push((number, false, 0));
            self.choices.len() - 1
        });
        self.choices.get_mut(at)
    }

    fn piece(&self, choices: Value, usage: Option<Value>, out: &mut BytesMut) {
        let mut piece = self.head.clone();
        piece.insert("choices".to_owned(), choices);
        if self.asked.include_usage {
            piece.insert("usage".to_owned(), usage.into());
        }
        out.put_slice(b"data: ");
        // A JSON value can always be written.
        let _ = serde_json::to_writer((&mut *out).writer(), &piece);
        out.put_slice(b"\n\n");
    }

    fn choice_piece(&self, number: u32, text: &str, logprobs: Option<Value>, finish: Option<&str>, out: &mut BytesMut) {
        let choice = json!({"text": text, "index": number, "logprobs": logprobs, "finish_reason": finish});
        self.piece(json!([choice]), None, out);
    }

    fn text(&mut self, number: u32, text: &str, out: &mut BytesMut) {
        if let Some((_, _, length)) = self.choice(number) {
            *length += text.chars().count();
        }
        self.choice_piece(number, text, None, None, out);
    }
}

impl StreamWriter for CompletionsStreamWriter {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, created, usage, fingerprint, .. } => {
                self.usage = *usage;
                let head = &mut self.head;
                head.insert("id".to_owned(), id_of(id, &self.asked).into());
                head.insert("object".to_owned(), "text_completion".into());
                head.insert("created".to_owned(), created.unwrap_or(self.asked.created).into());
                head.insert("model".to_owned(), self.asked.model.as_str().into());
                head.extend(fingerprint.as_ref().map(|text| ("system_fingerprint".to_owned(), text.as_str().into())));
            }
            Event::PartStart { choice, start, .. } => {
                if let Some((_, is_words, _)) = self.choice(*choice) {
                    *is_words = matches!(start, PartStart::Text | PartStart::Refusal);
                }
                if let PartStart::Whole(part) = start
                    && let Part { kind: PartKind::Text { text, .. }, .. } = part.as_ref()
                {
                    self.text(*choice, text, out);
                }
            }
            Event::PartDelta { choice, delta: Delta::Text(text), .. } => {
                if self.choice(*choice).is_some_and(|(_, is_words, _)| *is_words) {
                    self.text(*choice, text, out);
                }
            }
            Event::Logprobs { choice, value } => {
                let tokens = value.get("content").and_then(Value::as_array).into_iter().flatten();
                let told: usize =
                    tokens.filter_map(|token| token.get("token")?.as_str()).map(|text| text.chars().count()).sum();
                let length = self.choice(*choice).map_or(0, |(_, _, length)| *length);
                let logprobs = write_logprobs(value, length.saturating_sub(told));
                self.choice_piece(*choice, "", Some(logprobs), None, out);
            }
            Event::Stop { choice, reason } => self.choice_piece(*choice, "", None, Some(finish_of(reason)), out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::End => {
                if let Some(usage) = self.usage.filter(|_| self.asked.include_usage) {
                    self.piece(json!([]), Some(usage::write(&usage)), out);
                }
                out.put_slice(b"data: [DONE]\n\n");
            }
            Event::PartDelta { .. } | Event::PartEnd { .. } | Event::Ping | Event::Error(_) => {}
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut BytesMut) {
        out.put_slice(b"data: ");
        out.put_slice(error.to_json().as_bytes());
        out.put_slice(b"\n\n");
    }
}
