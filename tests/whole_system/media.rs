//! Sound and pictures: forms of any size go on as they came but for the model's name, answers come back as they are, and both
//! are billed by what they are.

use std::fmt::Write as _;

use bytes::Bytes;
use deltallm_tests::{Answer, Caller, MODEL, System, UPSTREAM_KEY, eventually};
use serde_json::json;

const BOUNDARY: &str = "deltallm-test-boundary-7f3a";

/// A model of `openai` with prices of its own kinds.
fn model(name: &str, upstream_model: &str, prices: &str) -> impl Fn(std::net::SocketAddr) -> String + 'static {
    let (name, upstream_model, prices) = (name.to_owned(), upstream_model.to_owned(), prices.to_owned());
    move |upstream| {
        let mut entry = format!(
            "  - model_name: {name}
    deltallm_params:
      model: openai/{upstream_model}
      api_key: {UPSTREAM_KEY}
      api_base: http://{upstream}/v1
    model_info:
"
        );
        for price in prices.split(';') {
            let _ = writeln!(entry, "      {price}");
        }
        entry
    }
}

async fn system() -> System {
    System::builder()
        .model(model(
            "ears",
            "whisper-1",
            "input_cost_per_token: 0;output_cost_per_token: 0;input_cost_per_second: 0.0001",
        ))
        .model(model(
            "mouth",
            "tts-1",
            "input_cost_per_token: 0;output_cost_per_token: 0;input_cost_per_character: 0.000015",
        ))
        .model(model(
            "brush",
            "dall-e-3",
            "input_cost_per_token: 0;output_cost_per_token: 0;output_cost_per_image: 0.04",
        ))
        .start()
        .await
}

/// Silence of 8 kHz as a WAV file.
fn wav(seconds: u32) -> Vec<u8> {
    let data = seconds * 16_000;
    let mut file = [b"RIFF".as_slice(), &(36 + data).to_le_bytes(), b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
    file.extend_from_slice(&[1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]);
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data.to_le_bytes());
    file.resize(file.len() + data as usize, 0);
    file
}

/// A form whose file stands before its fields, as some clients write it.
fn form(file: &[u8], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    for (name, value) in fields {
        let part = format!("\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn send_form(caller: &Caller, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = caller.post_form(path, &content_type, body);
    Answer::read(request.send().await.unwrap()).await
}

/// What a call cost, in nano-dollars.
async fn cost_of(system: &System, answer: &Answer) -> Option<i64> {
    let books = system.books().await;
    let id = answer.header("x-request-id").to_owned();
    let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!(row.outcome, "completed");
    row.cost_nano_usd
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_of_any_size_is_written_down_and_billed_by_its_length() {
    let system = system().await;
    let (caller, _) = system.caller_with_new_key("ears").await;
    // In memory, and far beyond it: 6 s are 96 kB, 600 s are 9.6 MB.
    for seconds in [6, 600] {
        let body = form(&wav(seconds), &[("model", "ears"), ("response_format", "text")]);
        let answer = send_form(&caller, "/v1/audio/transcriptions", body.clone()).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "Hello from the mock.\n"), "{seconds} s");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        let received = system.upstream.last_received().await;
        let expected = form(&wav(seconds), &[("model", "whisper-1"), ("response_format", "text")]);
        assert!(received.body() == expected, "{seconds} s: changed on the way");
        assert_eq!(received.header("content-length"), Some(expected.len().to_string().as_str()));
        assert_eq!(received.header("authorization"), Some(format!("Bearer {UPSTREAM_KEY}").as_str()));
        assert_eq!(cost_of(&system, &answer).await, Some(i64::from(seconds) * 100_000), "{seconds} s");
    }
    // What the provider says counts more than what we measure: 8.47 s.
    let body = form(&wav(6), &[("model", "ears"), ("response_format", "verbose_json")]);
    let answer = send_form(&caller, "/v1/audio/translations", body).await;
    assert_eq!((answer.status, answer.json["duration"].as_f64()), (200, Some(8.47)));
    assert_eq!(cost_of(&system, &answer).await, Some(847_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_in_chunks_arrives_too() {
    let system = system().await;
    let (caller, _) = system.caller_with_new_key("chunks").await;
    let body =
        form(&wav(60), &[("model", "ears"), ("response_format", "json"), ("user", "mock-opts:{prompt_tokens=7}")]);
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        body.chunks(70_001).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let answer = send_form(&caller, "/v1/audio/transcriptions", stream).await;
    assert_eq!((answer.status, answer.json["usage"]["input_tokens"].as_u64()), (200, Some(7)), "{}", answer.text);
    let received = system.upstream.last_received().await;
    assert_eq!(received.body_bytes, body.len() + "whisper-1".len() - "ears".len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcription_can_be_streamed() {
    let system = system().await;
    let (caller, _) = system.caller_with_new_key("stream").await;
    let body = form(&wav(6), &[("stream", "true"), ("model", "ears")]);
    let answer = send_form(&caller, "/v1/audio/transcriptions", body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    assert!(answer.text.contains("transcript.text.done"), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_two_readers_could_read_differently_goes_nowhere() {
    let system = System::builder()
        .model(model("ears", "whisper-1", "input_cost_per_token: 0;output_cost_per_token: 0"))
        .sections("  max_upload: 1MB\n")
        .alone()
        .start()
        .await;
    let caller = system.caller(deltallm_tests::MASTER_KEY);
    let path = "/v1/audio/transcriptions";
    let twice = send_form(&caller, path, form(b"x", &[("model", "ears"), ("model", "other")])).await;
    assert_eq!((twice.status, twice.json["error"]["param"].as_str()), (400, Some("model")));
    let none = send_form(&caller, path, form(b"x", &[("language", "en")])).await;
    assert_eq!((none.status, none.json["error"]["param"].as_str()), (400, Some("model")));
    let cut = form(b"x", &[("model", "ears")]);
    assert_eq!(send_form(&caller, path, cut[..cut.len() - 10].to_vec()).await.status, 400);
    let large = send_form(&caller, path, form(&wav(100), &[("model", "ears")])).await;
    assert_eq!((large.status, large.code()), (413, "request_too_large"));
    let json = Answer::read(caller.post(path, &json!({ "model": "ears" })).send().await.unwrap()).await;
    assert_eq!((json.status, json.code()), (415, "unsupported_media_type"));
    let chat_only = send_form(&caller, path, form(b"x", &[("model", "nothing-here")])).await;
    assert_eq!((chat_only.status, chat_only.code()), (404, "model_not_found"));
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0, "nothing of it was sent on");
    // And the gateway still works.
    assert_eq!(send_form(&caller, path, form(&wav(1), &[("model", "ears")])).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_provider_leaves_no_trace_of_the_gateways_key() {
    let system = System::builder()
        .model(model("ears", "whisper-1", "input_cost_per_token: 0;output_cost_per_token: 0"))
        .alone()
        .start()
        .await;
    let caller = system.caller(deltallm_tests::MASTER_KEY);
    let body = form(&wav(60), &[("model", "ears"), ("user", "mock-opts:{status=401}")]);
    let answer = send_form(&caller, "/v1/audio/transcriptions", body).await;
    assert_eq!((answer.status, answer.code()), (502, "upstream_error"), "{}", answer.text);
    assert!(!answer.text.contains(UPSTREAM_KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_spoken_and_billed_by_its_characters() {
    let system = system().await;
    let (caller, _) = system.caller_with_new_key("mouth").await;
    let body = json!({ "model": "mouth", "voice": "alloy", "input": "Grüße, Welt!" });
    let response = caller.post("/v1/audio/speech", &body).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let sound = response.bytes().await.unwrap();
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "audio/mpeg"));
    assert_eq!((sound.len(), sound[255]), (100_000, 255), "bytes that are no text arrive as they are");
    let books = system.books().await;
    let id = headers["x-request-id"].to_str().unwrap();
    let row = eventually("the call stands in the database", || async { books.of_request(id).await.pop() }).await;
    assert_eq!(row.cost_nano_usd, Some(12 * 15_000), "twelve characters, however many bytes they have");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_billed_by_the_piece_or_by_their_tokens() {
    let system = system().await;
    let (caller, _) = system.caller_with_new_key("brush").await;
    let body = json!({ "model": "brush", "prompt": "A cat.", "n": 3, "user": "mock-opts:{no_usage=true}" });
    let answer = Answer::read(caller.post("/v1/images/generations", &body).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.json["data"].as_array().map(Vec::len)), (200, Some(3)));
    assert_eq!(cost_of(&system, &answer).await, Some(3 * 40_000_000));

    let body = form(b"\x89PNG", &[("model", "brush"), ("prompt", "A dog."), ("stream", "true")]);
    let answer = send_form(&caller, "/v1/images/edits", body).await;
    assert_eq!((answer.status, answer.text.matches("data: ").count()), (200, 2), "{}", answer.text);
    assert!(answer.text.contains("image_edit.completed"));

    let body = json!({ "model": "brush", "prompt": "A cat.", "image": "data:image/png;base64,iVBORw0KGgo=" });
    let answer = Answer::read(caller.post("/v1/images/edits", &body).send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "an edit may be JSON too: {}", answer.text);
    assert_eq!(system.upstream.last_received().await.header("content-type"), Some("application/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_judged_and_documents_ranked() {
    let system = System::builder().alone().start().await;
    let caller = system.caller(deltallm_tests::MASTER_KEY);
    let body = json!({ "model": MODEL, "input": "Hello." });
    let answer = Answer::read(caller.post("/v1/moderations", &body).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.json["results"][0]["flagged"].as_bool()), (200, Some(false)), "{}", answer.text);
}
