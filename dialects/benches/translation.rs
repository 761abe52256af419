//! What a translation costs, OpenAI → Anthropic → OpenAI, beside passing through: `cargo bench -p deltallm-dialects`.
//!
//! Each figure is the best of many rounds, in nanoseconds of one thread: the work itself, without what else the machine does. The
//! targets (60 µs a request and 6 µs a chunk over pass-through) count both ways. CPU of the whole proxy is measured by
//! `make bench`, scenarios `translated_1kb` and `translated_sse`.
#![expect(clippy::unwrap_used, reason = "a bench whose inputs do not fit is no bench")]

use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use deltallm_dialects::canonical::Unsupported;
use deltallm_dialects::dialect::{Asked, DialectId, client_dialect, vendor_dialect};
use deltallm_dialects::openai::request_index::RequestIndex;
use deltallm_dialects::openai::{stream_event, usage};
use deltallm_dialects::sse::SseDecoder;

const ROUNDS: u32 = 50;
const CHUNKS: u32 = 500;

/// The best round of `work`, in nanoseconds for each of its `units`.
fn best(units: u32, mut work: impl FnMut()) -> u128 {
    let mut shortest = u128::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        work();
        shortest = shortest.min(started.elapsed().as_nanos());
    }
    shortest / u128::from(units)
}

fn request() -> Bytes {
    let text = "Summarise the following report for a busy reader. ".repeat(16);
    let body = serde_json::json!({
        "model": "claude", "max_tokens": 256, "stream": true,
        "messages": [{"role": "system", "content": "You are terse."}, {"role": "user", "content": text}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters":
            {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}],
    });
    Bytes::from(body.to_string())
}

fn anthropic_stream() -> Vec<Bytes> {
    let mut events = vec![
        r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":1}}}"#
            .to_owned(),
        r#"event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
            .to_owned(),
    ];
    for chunk in 0..CHUNKS {
        events.push(format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\" word number {chunk}\"}}}}"
        ));
    }
    events.push("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}".to_owned());
    events.push("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":1500}}".to_owned());
    events.push("event: message_stop\ndata: {\"type\":\"message_stop\"}".to_owned());
    events.into_iter().map(|event| Bytes::from(event + "\n\n")).collect()
}

fn main() {
    let asked = Asked { model: "claude".to_owned(), unique: "1".to_owned(), include_usage: true, ..Asked::default() };
    let client = client_dialect(DialectId::OpenAiChat).unwrap();
    let vendor = vendor_dialect(DialectId::AnthropicMessages).unwrap();

    let body = request();
    let translated = best(100, || {
        for _ in 0..100 {
            let read = client.read_request(&body, None, false).unwrap();
            black_box(vendor.write_request(&read, &mut Unsupported::new("Anthropic", false)).unwrap());
        }
    });
    let passed = best(100, || {
        for _ in 0..100 {
            let index = RequestIndex::read(&body, "messages").unwrap();
            black_box(index.rewrite(&body, "claude-sonnet-4-5", true));
        }
    });
    print("request", translated, passed);

    let answer = br#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"It is mild and cloudy in Paris today, with a light wind from the west."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":18}}"#;
    let of_openai = client.write_answer(&vendor.read_answer(answer).unwrap(), &asked);
    let translated = best(100, || {
        for _ in 0..100 {
            black_box(client.write_answer(&vendor.read_answer(answer).unwrap(), &asked));
        }
    });
    let passed = best(100, || {
        for _ in 0..100 {
            black_box(usage::of_answer(&of_openai));
        }
    });
    print("answer", translated, passed);

    let stream = anthropic_stream();
    let mut as_openai = Vec::new();
    let translated = best(CHUNKS, || {
        let (mut reader, mut writer) = (vendor.stream_reader(), client.stream_writer(&asked));
        let mut events = Vec::new();
        as_openai.clear();
        for piece in &stream {
            reader.read(piece, &mut events).unwrap();
            let mut out = BytesMut::new();
            events.drain(..).for_each(|event| writer.write(&event, &mut out));
            as_openai.push(out.freeze());
        }
    });
    let passed = best(CHUNKS, || {
        let mut decoder = SseDecoder::default();
        for piece in &as_openai {
            decoder.push(piece, |event| drop(black_box(stream_event::read(&event, true)))).unwrap();
        }
    });
    print("chunk", translated, passed);
}

fn print(unit: &str, translated: u128, passed: u128) {
    println!(
        "{unit:<8} translated {translated:>7} ns   passed through {passed:>7} ns   over {:>7} ns",
        translated.saturating_sub(passed)
    );
}
