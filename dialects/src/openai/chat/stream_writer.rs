//! Writes a stream of `chat.completion.chunk`s for a client.

use bytes::{BufMut, BytesMut};
use deltallm_shared::error::ApiError;
use deltallm_shared::pricing::Usage;
use serde_json::{Map, Value, json};

use super::answer_writer::{annotation, id_of, image};
use super::wire::word_of;
use super::{thoughts, tools};
use crate::canonical::{Citation, Delta, Event, Part, PartKind, PartStart};
use crate::dialect::{Asked, StreamWriter};
use crate::openai::usage;

/// The writer of one stream.
#[derive(Debug)]
pub struct ChatStreamWriter {
    asked: Asked,
    /// `data: {"id":…,"model":…,"choices":[{"index":`, the same for every chunk.
    head: Vec<u8>,
    usage: Option<Usage>,
    choices: Vec<ChoiceWriter>,
}

#[derive(Debug, Default)]
struct ChoiceWriter {
    number: u32,
    open: Open,
    /// How many tool calls there are so far.
    calls: u32,
    /// The text of the open thought: its signature is told with it.
    thought: String,
    signature: Option<String>,
    /// Characters of text so far, and where the open text began.
    length: u64,
    start: u64,
    /// Of the open text: some vendors tell them before the words, and they say where the words stand.
    citations: Vec<Citation>,
}

/// What kind of part is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Text,
    Thought,
    Refusal,
    Call,
}

impl ChatStreamWriter {
    /// For one answer.
    pub fn new(asked: &Asked) -> Self {
        Self { asked: asked.clone(), head: Vec::new(), usage: None, choices: Vec::new() }
    }

    fn start(&mut self, event: &Event, out: &mut BytesMut) {
        let Event::Start { id, created, usage, service_tier, fingerprint, .. } = event else { return };
        self.usage = *usage;
        let mut head = Map::new();
        head.insert("id".to_owned(), id_of(id, &self.asked).into());
        head.insert("object".to_owned(), "chat.completion.chunk".into());
        head.insert("created".to_owned(), created.unwrap_or(self.asked.created).into());
        head.insert("model".to_owned(), self.asked.model.as_str().into());
        let named = [("service_tier", service_tier), ("system_fingerprint", fingerprint)];
        head.extend(named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.as_deref()?.into()))));
        let mut bytes = b"data: ".to_vec();
        bytes.extend(serde_json::to_vec(&head).unwrap_or_default());
        bytes.pop();
        bytes.extend_from_slice(b",\"choices\":[");
        self.head = bytes;
        self.choice(0, out);
    }

    /// The state of a choice; its first chunk says who speaks.
    fn choice(&mut self, number: u32, out: &mut BytesMut) -> usize {
        if let Some(at) = self.choices.iter().position(|choice| choice.number == number) {
            return at;
        }
        self.choices.push(ChoiceWriter { number, ..ChoiceWriter::default() });
        self.chunk(number, out, |out| out.put_slice(br#"{"role":"assistant","content":"","refusal":null}"#));
        self.choices.len() - 1
    }

    /// One chunk with a delta.
    fn chunk(&self, number: u32, out: &mut BytesMut, delta: impl FnOnce(&mut BytesMut)) {
        self.begin_choice(number, out);
        delta(out);
        out.put_slice(br#","logprobs":null,"finish_reason":null}]"#);
        self.end_chunk(out);
    }

    fn begin_choice(&self, number: u32, out: &mut BytesMut) {
        out.put_slice(&self.head);
        out.put_slice(br#"{"index":"#);
        write_json(out, &number);
        out.put_slice(br#","delta":"#);
    }

    fn end_chunk(&self, out: &mut BytesMut) {
        // OpenAI's own streams have it in every chunk once usage was asked for.
        out.put_slice(if self.asked.include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" });
    }

    /// `{"name":"text"}`, by far the most frequent delta.
    fn text(&self, number: u32, name: &str, text: &str, out: &mut BytesMut) {
        self.chunk(number, out, |out| {
            out.put_slice(b"{\"");
            out.put_slice(name.as_bytes());
            out.put_slice(b"\":");
            write_json(out, text);
            out.put_slice(b"}");
        });
    }

    fn member(&self, number: u32, name: &str, value: Value, out: &mut BytesMut) {
        let delta = Map::from_iter([(name.to_owned(), value)]);
        self.chunk(number, out, |out| write_json(out, &delta));
    }

    fn part_start(&mut self, number: u32, start: &PartStart, out: &mut BytesMut) {
        let at = self.choice(number, out);
        let Some(choice) = self.choices.get_mut(at) else { return };
        choice.open = match start {
            PartStart::Reasoning => Open::Thought,
            PartStart::Refusal => Open::Refusal,
            PartStart::ToolCall { .. } => Open::Call,
            _ => Open::Text,
        };
        match start {
            PartStart::Text => choice.start = choice.length,
            PartStart::Reasoning => (choice.thought, choice.signature) = (String::new(), None),
            PartStart::Refusal => {}
            PartStart::EncryptedReasoning(data) => {
                let block = thoughts::to_block("", None, Some(data));
                self.member(number, "thinking_blocks", json!([block]), out);
            }
            PartStart::ToolCall { id, name, signature } => {
                let mut call = Map::from_iter([("index".to_owned(), choice.calls.into())]);
                choice.calls += 1;
                call.extend(tools::write_call(id, name, "", signature.as_deref()));
                self.member(number, "tool_calls", json!([call]), out);
            }
            PartStart::Whole(part) => self.whole(number, part, out),
        }
    }

    fn whole(&mut self, number: u32, part: &Part, out: &mut BytesMut) {
        match &part.kind {
            PartKind::Text { text, .. } => self.text(number, "content", text, out),
            PartKind::Image { source, .. } => {
                if let Some(url) = source.to_url() {
                    self.member(number, "images", json!([image(&url)]), out);
                }
            }
            PartKind::Own { name, value } if name == "audio" => self.member(number, "audio", value.clone(), out),
            _ => {}
        }
    }

    fn part_delta(&mut self, number: u32, delta: &Delta, out: &mut BytesMut) {
        let at = self.choice(number, out);
        let Some(choice) = self.choices.get_mut(at) else { return };
        match (delta, choice.open) {
            (Delta::Text(text), Open::Thought) => {
                choice.thought.push_str(text);
                self.text(number, "reasoning_content", text, out);
            }
            (Delta::Text(text), Open::Refusal) => self.text(number, "refusal", text, out),
            (Delta::Text(text), _) => {
                choice.length += text.chars().count() as u64;
                self.text(number, "content", text, out);
            }
            (Delta::Arguments(arguments), _) => {
                let index = choice.calls.saturating_sub(1);
                self.chunk(number, out, |out| {
                    out.put_slice(br#"{"tool_calls":[{"index":"#);
                    write_json(out, &index);
                    out.put_slice(br#","function":{"arguments":"#);
                    write_json(out, arguments);
                    out.put_slice(b"}}]}");
                });
            }
            (Delta::Signature(signature), Open::Call) => {
                let index = choice.calls.saturating_sub(1);
                let call = json!([{"index": index, "extra_content": tools::write_signature(signature)}]);
                self.member(number, "tool_calls", call, out);
            }
            (Delta::Signature(signature), _) => choice.signature = Some(signature.clone()),
            (Delta::Citation(citation), _) => choice.citations.push(citation.clone()),
        }
    }

    /// A thought that is over is told with its signature, so that it can be sent back; a text with what it is based on.
    fn part_end(&mut self, number: u32, out: &mut BytesMut) {
        let at = self.choice(number, out);
        let Some(choice) = self.choices.get_mut(at) else { return };
        let text = std::mem::take(&mut choice.thought);
        let signature = choice.signature.take();
        let (start, end) = (choice.start, choice.length);
        let citations = std::mem::take(&mut choice.citations);
        let annotations: Vec<Value> =
            citations.iter().filter_map(|citation| annotation(citation, start, end)).collect();
        if let Some(signature) = signature {
            let block = thoughts::to_block(&text, Some(&signature), None);
            self.member(number, "thinking_blocks", json!([block]), out);
        }
        if !annotations.is_empty() {
            self.member(number, "annotations", annotations.into(), out);
        }
    }

    fn stop(&mut self, number: u32, word: &str, out: &mut BytesMut) {
        self.choice(number, out);
        self.begin_choice(number, out);
        out.put_slice(br#"{},"logprobs":null,"finish_reason":"#);
        write_json(out, word);
        out.put_slice(b"}]");
        self.end_chunk(out);
    }

    fn logprobs(&mut self, number: u32, value: &Value, out: &mut BytesMut) {
        self.choice(number, out);
        self.begin_choice(number, out);
        out.put_slice(br#"{},"logprobs":"#);
        write_json(out, value);
        out.put_slice(br#","finish_reason":null}]"#);
        self.end_chunk(out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        if let Some(usage) = self.usage.filter(|_| self.asked.include_usage) {
            out.put_slice(&self.head);
            out.put_slice(b"],\"usage\":");
            write_json(out, &usage::write(&usage));
            out.put_slice(b"}\n\n");
        }
        out.put_slice(b"data: [DONE]\n\n");
    }
}

impl StreamWriter for ChatStreamWriter {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { .. } => self.start(event, out),
            Event::PartStart { choice, start, .. } => self.part_start(*choice, start, out),
            Event::PartDelta { choice, delta, .. } => self.part_delta(*choice, delta, out),
            Event::PartEnd { choice, .. } => self.part_end(*choice, out),
            Event::Logprobs { choice, value } => self.logprobs(*choice, value, out),
            Event::Stop { choice, reason } => self.stop(*choice, word_of(reason), out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::End => self.end(out),
            Event::Ping | Event::Error(_) => {}
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut BytesMut) {
        out.put_slice(b"data: ");
        out.put_slice(error.to_json().as_bytes());
        out.put_slice(b"\n\n");
    }
}

fn write_json<T: serde::Serialize + ?Sized>(out: &mut BytesMut, value: &T) {
    // Nothing that is written here can fail: strings, numbers and JSON values.
    let _ = serde_json::to_writer(out.writer(), value);
}
