//! What vendors send: `chat.completion` and `chat.completion.chunk`, with the members that servers like OpenAI's add. Strings
//! are borrowed from the bytes where they have no escapes; what is rare stays raw until somebody needs it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;

use super::thoughts;
use crate::canonical::{Citation, PartKind, Source, StopReason};

/// A string that is borrowed where it can be. What is no string says nothing: a vendor's odd member must not cost the answer.
#[derive(Debug)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Content::deserialize(deserializer)? {
            Content::Text(text) => Self(text),
            Content::Parts(_) | Content::Nothing => Self(Cow::Borrowed("")),
        })
    }
}

/// A whole answer, or one chunk of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub object: Option<Text<'a>>,
    #[serde(borrow)]
    pub model: Option<Text<'a>>,
    #[serde(borrow)]
    pub created: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "null_is_empty")]
    pub choices: Vec<Choice<'a>>,
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub service_tier: Option<Text<'a>>,
    #[serde(borrow)]
    pub system_fingerprint: Option<Text<'a>>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
    /// Groq's place for usage in a stream.
    #[serde(borrow)]
    pub x_groq: Option<&'a RawValue>,
    /// Perplexity's and xAI's addresses of what was read.
    #[serde(borrow)]
    pub citations: Option<&'a RawValue>,
    /// Perplexity's, with titles.
    #[serde(borrow)]
    pub search_results: Option<&'a RawValue>,
}

/// One of the answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Choice<'a> {
    pub index: Option<u32>,
    #[serde(borrow)]
    pub message: Option<Said<'a>>,
    /// In a stream; Perplexity sends the whole message so far beside it.
    #[serde(borrow)]
    pub delta: Option<Said<'a>>,
    #[serde(borrow)]
    pub finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub logprobs: Option<&'a RawValue>,
    /// Moonshot's place for usage in a stream.
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
}

/// A message, or what is added to one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said<'a> {
    #[serde(borrow)]
    pub content: Option<Content<'a>>,
    #[serde(borrow)]
    pub refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub reasoning_content: Option<Content<'a>>,
    #[serde(borrow)]
    pub reasoning: Option<Content<'a>>,
    pub reasoning_details: Option<Value>,
    pub thinking_blocks: Option<Value>,
    #[serde(borrow)]
    pub tool_calls: Option<Vec<Call<'a>>>,
    #[serde(borrow)]
    pub function_call: Option<Function<'a>>,
    pub annotations: Option<Value>,
    pub audio: Option<Value>,
    /// OpenRouter's place for pictures that the model made.
    pub images: Option<Value>,
}

/// A tool call, or what is added to one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Call<'a> {
    pub index: Option<u32>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub function: Option<Function<'a>>,
    pub extra_content: Option<Value>,
    pub provider_specific_fields: Option<Value>,
}

/// Name and arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
}

/// Text, or Mistral's array of parts. Anything else says nothing.
#[derive(Debug)]
pub enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Value>),
    Nothing,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfContent;
        impl<'de> Visitor<'de> for OfContent {
            type Value = Content<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or parts")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = items.next_element()? {
                    parts.push(part);
                }
                Ok(Content::Parts(parts))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content::Nothing)
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Content::Nothing)
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Content::Nothing)
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Content::Nothing)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Content::Nothing)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Content::Nothing)
            }
        }
        deserializer.deserialize_any(OfContent)
    }
}

fn null_is_empty<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Choice<'a>>, D::Error> {
    Ok(Option::<Vec<Choice<'a>>>::deserialize(deserializer)?.unwrap_or_default())
}

/// A piece of what was said, in the order in which it counts.
pub enum Piece<'a> {
    /// Words of a thought.
    Thought(Cow<'a, str>),
    /// A thought's signature.
    Signature(String),
    /// A thought that nobody can read.
    Encrypted(String),
    /// Words.
    Text(Cow<'a, str>),
    /// Words of a refusal.
    Refusal(Cow<'a, str>),
}

impl<'a> Said<'a> {
    /// Thoughts, then words, then refusal. `repeats`: words of thoughts came as `reasoning_content` before, so blocks repeat
    /// them.
    pub fn pieces(&mut self, repeats: bool, mut take: impl FnMut(Piece<'a>)) {
        let plain = [self.reasoning_content.take(), self.reasoning.take()];
        let plain = plain.into_iter().flatten().find_map(|content| match content {
            Content::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        });
        let repeats = repeats || plain.is_some();
        if let Some(text) = plain {
            take(Piece::Thought(text));
        }
        let blocks = items(self.thinking_blocks.take());
        let details = items(self.reasoning_details.take());
        let thoughts = blocks.iter().map(thoughts::of_block).chain(details.iter().filter_map(thoughts::of_detail));
        for thought in thoughts {
            take_thought(thought, repeats, &mut take);
        }
        match self.content.take() {
            Some(Content::Text(text)) if !text.is_empty() => take(Piece::Text(text)),
            Some(Content::Parts(parts)) => parts.iter().for_each(|part| take_part(part, &mut take)),
            _ => {}
        }
        if let Some(Text(text)) = self.refusal.take().filter(|text| !text.0.is_empty()) {
            take(Piece::Refusal(text));
        }
    }

    /// Whether thoughts come as plain words.
    pub fn has_plain_thoughts(&self) -> bool {
        let is_words = |content: &Option<Content<'_>>| matches!(content, Some(Content::Text(text)) if !text.is_empty());
        is_words(&self.reasoning_content) || is_words(&self.reasoning)
    }

    /// What the text is based on.
    pub fn citations(&mut self) -> impl Iterator<Item = Citation> + use<> {
        items(self.annotations.take()).into_iter().filter_map(of_annotation)
    }

    /// Pictures that the model made.
    pub fn images(&mut self) -> impl Iterator<Item = PartKind> + use<> {
        items(self.images.take()).into_iter().filter_map(|image| {
            let url = image.get("image_url")?.get("url")?.as_str()?;
            Some(PartKind::Image { source: Source::of_url(url), detail: None })
        })
    }
}

fn items(list: Option<Value>) -> Vec<Value> {
    match list {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn take_thought<'a>(thought: PartKind, repeats: bool, take: &mut impl FnMut(Piece<'a>)) {
    let PartKind::Reasoning { text, signature, encrypted } = thought else { return };
    if let Some(data) = encrypted {
        take(Piece::Encrypted(data));
        return;
    }
    if !repeats && !text.is_empty() {
        take(Piece::Thought(text.into()));
    }
    if let Some(signature) = signature {
        take(Piece::Signature(signature));
    }
}

fn take_part<'a>(part: &Value, take: &mut impl FnMut(Piece<'a>)) {
    match part.get("type").and_then(Value::as_str) {
        Some("text" | "output_text") => {
            let text = part.get("text").and_then(Value::as_str).unwrap_or_default();
            if !text.is_empty() {
                take(Piece::Text(text.to_owned().into()));
            }
        }
        Some("thinking" | "redacted_thinking") => take_thought(thoughts::of_block(part), false, take),
        _ => {}
    }
}

/// `{"type": "url_citation", "url_citation": {"url", "title", "start_index", "end_index"}}`
fn of_annotation(annotation: Value) -> Option<Citation> {
    let of = annotation.get("url_citation").unwrap_or(&annotation);
    let text = |name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |name: &str| of.get(name).and_then(Value::as_u64);
    let url = Some(text("url")?);
    let citation = Citation {
        url,
        title: text("title"),
        cited_text: text("content"),
        start: count("start_index"),
        end: count("end_index"),
        own: None,
    };
    Some(Citation { own: Some(annotation), ..citation })
}

impl Answer<'_> {
    /// Unix seconds; some vendors write a fraction, which says nothing.
    pub fn created(&self) -> Option<i64> {
        self.created.and_then(|raw| raw.get().parse().ok())
    }

    /// Pages that the answer as a whole is based on.
    pub fn pages(&self) -> Vec<Citation> {
        let list = |raw: Option<&RawValue>| -> Vec<Value> {
            raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
        };
        let of = |page: Value| match page {
            Value::String(url) => Some(Citation { url: Some(url), ..Citation::default() }),
            page => of_annotation(page).map(|citation| Citation { own: None, ..citation }),
        };
        let results: Vec<Citation> = list(self.search_results).into_iter().filter_map(of).collect();
        if results.is_empty() { list(self.citations).into_iter().filter_map(of).collect() } else { results }
    }
}

/// Arguments as JSON text: a piece of it as a string, or the object itself.
pub fn arguments(raw: Option<&RawValue>) -> Cow<'_, str> {
    match raw.map(RawValue::get) {
        None | Some("null") => Cow::Borrowed(""),
        Some(text) if text.starts_with('"') => {
            serde_json::from_str::<Text<'_>>(text).map_or(Cow::Borrowed(""), |text| text.0)
        }
        Some(json) => Cow::Borrowed(json),
    }
}

/// `finish_reason`, with the words that compatible servers use.
pub fn stop_of(reason: &str) -> StopReason {
    match reason {
        "stop" | "eos" | "end_turn" | "eos_token" => StopReason::End,
        "length" | "max_tokens" | "model_length" => StopReason::Length,
        "tool_calls" | "function_call" | "tool_use" => StopReason::ToolCalls,
        "stop_sequence" => StopReason::StopSequence(None),
        "content_filter" | "safety" => StopReason::ContentFilter,
        other => StopReason::Other(other.to_owned()),
    }
}

/// OpenAI's word.
pub fn word_of(stop: &StopReason) -> &'static str {
    match stop {
        // A word that no client knows would stop typed clients; the text is there and over.
        StopReason::End | StopReason::StopSequence(_) | StopReason::Pause | StopReason::Other(_) => "stop",
        StopReason::Length | StopReason::ContextWindow => "length",
        StopReason::ToolCalls => "tool_calls",
        StopReason::ContentFilter | StopReason::Refusal => "content_filter",
    }
}
