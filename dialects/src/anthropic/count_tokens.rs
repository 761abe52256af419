//! `POST /v1/messages/count_tokens` for vendors that have no such endpoint: what of a request is to be counted, so that the
//! gateway's tokenizer can do it.
//!
//! The rules, where there is nothing to tokenize:
//! - A picture of w × h pixels is w·h/750 tokens, rounded up, as Anthropic's guide on vision says; one whose longer side has
//!   more than 1568 pixels is first scaled down to that, and none has more than [`MOST_IMAGE_TOKENS`]. One whose size is not
//!   known (behind a URL, in a file, of an unknown format) has that many.
//! - A page of a PDF is [`PDF_PAGE_TOKENS`]; a PDF of which no pages are seen, or that lies elsewhere, has one.
//! - A message has [`MESSAGE_TOKENS`] beside what it holds.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use deltallm_shared::error::ApiError;
use serde_json::Value;

use super::{image_size, request_reader};
use crate::canonical::{ChatRequest, OutputFormat, Part, PartKind, Source, Tool};

/// The most that a picture has.
pub const MOST_IMAGE_TOKENS: u64 = 1600;
/// The longer side that a picture is scaled down to, in pixels.
const LONGEST_SIDE: u64 = 1568;
/// Pixels of a token.
const PIXELS_PER_TOKEN: u64 = 750;
/// The upper end of what Anthropic's guide on PDFs says of the text and the picture of a page.
pub const PDF_PAGE_TOKENS: u64 = 3000;
/// What a message has for its role and its end.
pub const MESSAGE_TOKENS: u64 = 3;

/// What there is to count.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Countable<'a> {
    /// Texts for the tokenizer.
    pub texts: Vec<Cow<'a, str>>,
    /// Tokens that no tokenizer knows: pictures, documents, what surrounds messages.
    pub fixed_tokens: u64,
}

/// Reads the body. It has the fields of a message but `max_tokens`.
pub fn read_request(body: &[u8]) -> Result<ChatRequest, ApiError> {
    request_reader::read(body, None, true)
}

/// What of a request is to be counted.
pub fn countable(request: &ChatRequest) -> Countable<'_> {
    let mut all = Countable::default();
    for message in &request.messages {
        all.fixed_tokens += MESSAGE_TOKENS;
        all.add_parts(&message.parts);
    }
    for tool in &request.tools {
        match tool {
            Tool::Function { name, description, parameters, .. } => {
                all.add(name);
                all.add(description.as_deref().unwrap_or_default());
                all.add_json(parameters.as_ref());
            }
            Tool::Own { value, .. } => all.add_json(Some(value)),
        }
    }
    if let OutputFormat::JsonSchema { schema, .. } = &request.output_format {
        all.add_json(Some(schema));
    }
    all
}

/// The body of the answer: `{"input_tokens":N}`.
pub fn write_answer(input_tokens: u64) -> Vec<u8> {
    format!("{{\"input_tokens\":{input_tokens}}}").into_bytes()
}

impl<'a> Countable<'a> {
    fn add(&mut self, text: &'a str) {
        if !text.is_empty() {
            self.texts.push(Cow::Borrowed(text));
        }
    }

    fn add_json(&mut self, value: Option<&Value>) {
        self.texts.extend(value.map(|value| Cow::Owned(value.to_string())));
    }

    fn add_parts(&mut self, parts: &'a [Part]) {
        for part in parts {
            self.add_part(part);
        }
    }

    fn add_part(&mut self, part: &'a Part) {
        match &part.kind {
            PartKind::Text { text, .. } | PartKind::Refusal { text } => self.add(text),
            PartKind::Image { source, .. } => self.fixed_tokens += image_tokens(source),
            PartKind::Document { source: Source::Text { text }, title, .. } => {
                self.add(title.as_deref().unwrap_or_default());
                self.add(text);
            }
            PartKind::Document { source, .. } => self.fixed_tokens += pages(source) * PDF_PAGE_TOKENS,
            PartKind::ToolCall { name, arguments, .. } => {
                self.add(name);
                self.add(arguments);
            }
            PartKind::ToolResult { parts, .. } => self.add_parts(parts),
            PartKind::Own { value, .. } => self.add_json(Some(value)),
            // Thoughts of earlier turns are not counted, as at Anthropic; sound and film it has not.
            PartKind::Reasoning { .. } | PartKind::Audio { .. } | PartKind::Video { .. } => {}
        }
    }
}

/// The tokens of a picture.
pub fn image_tokens(source: &Source) -> u64 {
    let size = match source {
        Source::Data { data, .. } => image_size::of_base64(data),
        _ => None,
    };
    let Some((width, height)) = size else { return MOST_IMAGE_TOKENS };
    let (width, height) = (u64::from(width), u64::from(height));
    let longest = width.max(height);
    let scaled = |side: u64| if longest > LONGEST_SIDE { side * LONGEST_SIDE / longest } else { side };
    (scaled(width) * scaled(height)).div_ceil(PIXELS_PER_TOKEN).clamp(1, MOST_IMAGE_TOKENS)
}

/// The pages of a PDF that say so without being unpacked.
fn pages(source: &Source) -> u64 {
    let Source::Data { data, .. } = source else { return 1 };
    let Ok(bytes) = STANDARD.decode(data) else { return 1 };
    let is_page = |at: &usize| {
        let rest = bytes.get(at + b"/Type".len()..).unwrap_or_default().trim_ascii_start();
        rest.strip_prefix(b"/Page").is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphabetic))
    };
    let count = memchr::memmem::find_iter(&bytes, b"/Type").filter(is_page).count();
    u64::try_from(count).unwrap_or(u64::MAX).clamp(1, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> String {
        let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
        STANDARD.encode([b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &width, &height].concat())
    }

    fn tokens(width: u32, height: u32) -> u64 {
        image_tokens(&Source::Data { media_type: "image/png".into(), data: png(width, height) })
    }

    #[test]
    fn pictures_are_counted_by_anthropics_rule() {
        assert_eq!(tokens(200, 200), 54);
        assert_eq!(tokens(1000, 1000), 1334);
        assert_eq!(tokens(1092, 1092), 1590);
        assert_eq!(tokens(4000, 3000), MOST_IMAGE_TOKENS);
        assert_eq!(tokens(3136, 200), 1568 * 100_u64.div_ceil(1) / 750 + 1);
        assert_eq!(tokens(u32::MAX, u32::MAX), MOST_IMAGE_TOKENS);
        assert_eq!(image_tokens(&Source::of_url("https://example.com/cat.png")), MOST_IMAGE_TOKENS);
    }

    #[test]
    fn a_request_is_counted_without_max_tokens() {
        let pdf = STANDARD.encode(b"%PDF /Type /Pages /Kids [] /Type /Page >> /Type/Page>>");
        let body = serde_json::json!({
            "model": "the-model",
            "system": "You are terse.",
            "tools": [{"name": "get_weather", "input_schema": {"type": "object"}}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png(750, 2)}},
                    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": pdf}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                    {"type": "tool_use", "id": "t", "name": "get_weather", "input": {"city": "Paris"}},
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "18 degrees"}]},
            ],
        });
        let request = read_request(body.to_string().as_bytes()).unwrap();
        let counted = countable(&request);
        let texts: Vec<&str> = counted.texts.iter().map(AsRef::as_ref).collect();
        let expected = [
            "You are terse.",
            "What is this?",
            "get_weather",
            r#"{"city":"Paris"}"#,
            "18 degrees",
            "get_weather",
            r#"{"type":"object"}"#,
        ];
        assert_eq!(texts, expected);
        assert_eq!(counted.fixed_tokens, 4 * MESSAGE_TOKENS + 2 + 2 * PDF_PAGE_TOKENS);
        assert_eq!(write_answer(7), b"{\"input_tokens\":7}");
    }
}
