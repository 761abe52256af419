//! The text that a model produced, kept to count its tokens where the provider gives no usage.
//!
//! It is taken from the JSON as raw, still escaped, string bodies: cheap on the hot path. Unescaping waits until it is known
//! that somebody has to count.

use super::request_index::string_end;

/// Beyond it the rest is known by its size only.
const MAX_KEPT_BYTES: usize = 4 << 20;

/// The members whose strings are output that is billed.
const FIELDS: [&[u8]; 4] = [b"\"content\":", b"\"arguments\":", b"\"reasoning_content\":", b"\"refusal\":"];

/// What a model has produced so far.
#[derive(Debug, Default)]
pub struct ProducedText {
    escaped: Vec<u8>,
    dropped_bytes: u64,
    pieces: u64,
}

impl ProducedText {
    /// Takes the output out of one event's payload or one whole answer.
    pub fn take_from(&mut self, json: &[u8]) {
        self.take_members(json, &FIELDS);
    }

    /// Takes the strings of members with other names, each given with its quotes and colon: `"delta":`.
    pub fn take_members(&mut self, json: &[u8], fields: &[&[u8]]) {
        for &field in fields {
            for at in memchr::memmem::find_iter(json, field) {
                let value = at + field.len();
                let gap = json[value..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let open = value + gap;
                if json.get(open) != Some(&b'"') {
                    continue;
                }
                self.keep(&json[open + 1..string_end(json, open + 1)]);
            }
        }
    }

    /// Takes a piece of output that is text already.
    pub fn take_text(&mut self, text: &str) {
        let quoted = serde_json::to_vec(text).unwrap_or_default();
        self.keep(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
    }

    fn keep(&mut self, escaped: &[u8]) {
        if escaped.is_empty() {
            return;
        }
        self.pieces += 1;
        if self.escaped.len() + escaped.len() <= MAX_KEPT_BYTES {
            self.escaped.extend_from_slice(escaped);
        } else {
            self.dropped_bytes += escaped.len() as u64;
        }
    }

    /// How many pieces came: for providers that send a token at a time, nearly the number of tokens.
    pub fn pieces(&self) -> u64 {
        self.pieces
    }

    /// How much was too much to keep, in bytes.
    pub fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// The text itself.
    pub fn into_text(self) -> String {
        unescape(&self.escaped)
    }
}

/// The strings of a request's messages or input, for counting.
pub fn strings_of(json: &[u8]) -> String {
    let (mut text, mut at) = (String::new(), 0);
    while let Some(step) = json.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let open = at + step + 1;
        let close = string_end(json, open);
        let is_key = json
            .get(close + 1..)
            .is_some_and(|rest| rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':'));
        let string = &json[open.min(close)..close];
        // Keys are no prompt, and images in base64 are not text.
        if !is_key && !is_media(string) {
            text.push_str(&unescape(string));
            text.push('\n');
        }
        at = close + 1;
    }
    text
}

/// Images, audio and files in base64, with or without their data URL.
fn is_media(string: &[u8]) -> bool {
    const MIN_BYTES: usize = 1024;
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    string.starts_with(b"data:") || (string.len() >= MIN_BYTES && string.iter().all(is_base64))
}

/// Unescapes a JSON string body; pieces are joined without regard to how the provider cut them.
fn unescape(escaped: &[u8]) -> String {
    let mut quoted = Vec::with_capacity(escaped.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(escaped);
    quoted.push(b'"');
    // A string that is no JSON after all is counted as it stands.
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(escaped).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_tool_arguments_and_reasoning_are_taken_and_unescaped() {
        let mut text = ProducedText::default();
        text.take_from(br#"{"choices":[{"delta":{"content":"a \"b\"\n"}}]}"#);
        text.take_from(
            br#"{"choices":[{"delta":{"content" : null,"tool_calls":[{"function":{"arguments":"{\"x\":1}"}}]}}]}"#,
        );
        text.take_from(br#"{"choices":[{"delta":{"content":"","reasoning_content":"hm"}}]}"#);
        assert_eq!(text.pieces(), 3);
        assert_eq!(text.into_text(), "a \"b\"\n{\"x\":1}hm");
    }

    #[test]
    fn a_prompts_strings_are_found_without_keys_and_images() {
        let text = strings_of(br#"[{"role":"user","content":[{"type":"text","text":"h\u00e9"},{"image_url":{"url":"data:image/png;base64,AAAA"}}]}]"#);
        assert_eq!(text, "user\ntext\nhé\n");
        let audio = format!(r#"[{{"input_audio":{{"data":"{}"}}}}]"#, "QUJD".repeat(300));
        assert_eq!(strings_of(audio.as_bytes()), "");
        assert_eq!(strings_of(b"\"cut"), "cut\n");
        assert_eq!(strings_of(b"\"\\"), "\n".replace('\n', "\\\n"));
    }
}
