//! Reads the figures of one answer of audio, images, moderations or a reranker while it passes by.

use bytes::Bytes;
use deltallm_shared::{operation::Operation, pricing::Usage};

use super::figures;
use crate::{
    json_scan::JsonScan,
    sse::{self, EventTooLarge, SseDecoder},
};

const DOCUMENT: &[&str] = &["usage", "duration", "meta.billed_units", "model"];
const EVENT: &[&str] = &["type", "usage", "error"];

/// Reads one answer.
pub struct Meter {
    operation: Operation,
    form: Form,
    reading: Reading,
}

/// What an answer told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The provider's figures.
    pub usage: Option<Usage>,
    /// Pictures that came whole.
    pub images: u64,
    /// Whether the stream told an error.
    pub failed: bool,
    /// Whether the answer ended as such answers end; always true of sound and text, which have no mark of their end.
    pub is_whole: bool,
}

enum Form {
    Document(JsonScan),
    Events(SseDecoder),
    /// Sound or plain text: nothing to read.
    Opaque,
}

impl Meter {
    /// For an answer of this type.
    pub fn new(operation: Operation, content_type: &str) -> Self {
        let form = if content_type.starts_with("text/event-stream") {
            Form::Events(SseDecoder::default())
        } else if content_type.starts_with("application/json") {
            let counted = if is_about_images(operation) { "data" } else { "" };
            Form::Document(JsonScan::new(DOCUMENT, counted))
        } else {
            Form::Opaque
        };
        Self { operation, form, reading: Reading::default() }
    }

    /// Whether the answer is a stream of events.
    pub fn is_events(&self) -> bool {
        matches!(self.form, Form::Events(_))
    }

    /// Looks at the next bytes.
    pub fn push(&mut self, piece: &Bytes) -> Result<(), EventTooLarge> {
        match &mut self.form {
            Form::Document(scan) => scan.push(piece),
            Form::Events(decoder) => {
                let reading = &mut self.reading;
                decoder.push(piece, |event| read_event(&event, reading))?;
            }
            Form::Opaque => {}
        }
        Ok(())
    }

    /// What the answer told, after its last byte.
    pub fn finish(&mut self) -> Reading {
        match &mut self.form {
            Form::Document(scan) => {
                self.reading.is_whole = scan.is_whole();
                self.reading.images = scan.count();
                self.reading.usage = scan.value("usage").and_then(figures::read);
                let length = scan.value("duration").and_then(figures::duration_ms);
                if self.operation != Operation::Speech
                    && let Some(audio_ms) = length.filter(|_| self.reading.usage.is_none())
                {
                    self.reading.usage = Some(Usage { audio_ms, ..Usage::default() });
                }
                if let Some(units) = scan.value("meta.billed_units").and_then(billed_units) {
                    self.reading.usage = Some(units);
                }
            }
            Form::Events(decoder) => {
                if let Some(rest) = decoder.finish() {
                    read_event(&rest, &mut self.reading);
                }
            }
            Form::Opaque => self.reading.is_whole = true,
        }
        let mut reading = std::mem::take(&mut self.reading);
        if is_about_images(self.operation)
            && let Some(usage) = reading.usage.as_mut().filter(|usage| usage.image_output_tokens == 0)
        {
            // What an image model puts out is a picture.
            usage.image_output_tokens = usage.output_tokens;
        }
        reading
    }
}

const fn is_about_images(operation: Operation) -> bool {
    matches!(operation, Operation::ImageGenerations | Operation::ImageEdits | Operation::ImageVariations)
}

fn read_event(event: &[u8], reading: &mut Reading) {
    let Some(data) = sse::data(event) else { return };
    if data.as_ref() == b"[DONE]" {
        reading.is_whole = true;
        return;
    }
    let scan = JsonScan::of(&data, EVENT, "");
    let kind = scan.text("type").unwrap_or_default();
    if let Some(usage) = scan.value("usage").and_then(figures::read) {
        reading.usage = Some(usage);
    }
    reading.failed |= kind == "error" || scan.value("error").is_some_and(|error| error != b"null");
    // `transcript.text.done`, `speech.audio.done`, `image_generation.completed`, `image_edit.completed`.
    let step = kind.rsplit('.').next().unwrap_or_default();
    reading.images += u64::from(step == "completed");
    reading.is_whole |= step == "done" || step == "completed";
}

/// Cohere's figures, which Jina and others with its interface leave out.
fn billed_units(json: &[u8]) -> Option<Usage> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Billed {
        search_units: Option<u64>,
        input_tokens: Option<u64>,
        output_tokens: Option<u64>,
    }
    let units: Billed = serde_json::from_slice(json).ok()?;
    let is_empty = units.search_units.is_none() && units.input_tokens.is_none() && units.output_tokens.is_none();
    (!is_empty).then(|| Usage {
        searches: units.search_units.unwrap_or(0),
        input_tokens: units.input_tokens.unwrap_or(0),
        output_tokens: units.output_tokens.unwrap_or(0),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(operation: Operation, content_type: &str, body: &str) -> Reading {
        let mut whole = None;
        for size in [1, 7, body.len()] {
            let mut meter = Meter::new(operation, content_type);
            body.as_bytes().chunks(size).for_each(|piece| meter.push(&Bytes::copy_from_slice(piece)).unwrap());
            let reading = meter.finish();
            assert_eq!(whole.get_or_insert(reading.clone()), &reading, "pieces of {size}");
        }
        whole.unwrap()
    }

    #[test]
    fn a_transcription_tells_tokens_or_its_length() {
        let json = "application/json";
        let reading = read(
            Operation::Transcriptions,
            json,
            r#"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":3}}"#,
        );
        assert_eq!(reading.usage.map(|usage| (usage.input_tokens, usage.output_tokens)), Some((14, 3)));
        let reading = read(
            Operation::Transcriptions,
            json,
            r#"{"task":"transcribe","duration":8.47,"text":"hi","segments":[{"duration":1}]}"#,
        );
        assert_eq!(reading.usage.map(|usage| usage.audio_ms), Some(8470));
        let reading = read(Operation::Transcriptions, "text/plain; charset=utf-8", "hi");
        assert_eq!(reading, Reading { is_whole: true, ..Reading::default() });
        let reading = read(
            Operation::Transcriptions,
            "text/event-stream",
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"hi\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"hi\",\"usage\":{\"input_tokens\":14,\"output_tokens\":45}}\n\n",
        );
        assert_eq!((reading.usage.map(|usage| usage.output_tokens), reading.is_whole), (Some(45), true));
    }

    #[test]
    fn pictures_are_counted_where_no_figures_are() {
        let reading = read(
            Operation::ImageGenerations,
            "application/json",
            r#"{"created":1,"data":[{"b64_json":"aGk="},{"url":"x"}]}"#,
        );
        assert_eq!((reading.usage, reading.images), (None, 2));
        let reading = read(
            Operation::ImageEdits,
            "application/json",
            r#"{"data":[{"b64_json":"x"}],"usage":{"input_tokens":50,"output_tokens":9,"input_tokens_details":{"image_tokens":40}}}"#,
        );
        assert_eq!(reading.usage.map(|usage| (usage.image_input_tokens, usage.image_output_tokens)), Some((40, 9)));
        let stream = "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"xx\"}\n\nevent: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"xx\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}\n\n";
        let reading = read(Operation::ImageGenerations, "text/event-stream", stream);
        assert_eq!(
            (reading.usage.map(|usage| usage.image_output_tokens), reading.images, reading.is_whole),
            (Some(6), 1, true)
        );
    }

    #[test]
    fn an_error_in_a_stream_and_a_cut_document_are_noticed() {
        assert!(read(Operation::Speech, "text/event-stream", "data: {\"type\":\"error\",\"error\":{}}\n\n").failed);
        assert!(!read(Operation::ImageGenerations, "application/json", r#"{"data":[{"b64_json":"aG"#).is_whole);
    }

    #[test]
    fn a_reranker_tells_its_search_units() {
        let reading =
            read(Operation::Rerank, "application/json", r#"{"results":[],"meta":{"billed_units":{"search_units":1}}}"#);
        assert_eq!(reading.usage.map(|usage| usage.searches), Some(1));
    }
}
