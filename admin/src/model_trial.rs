//! One call through the proxy's public API, to see whether a model answers.

use std::time::{Duration, Instant};

use deltallm_shared::control::ModelMode;
use serde_json::{Value, json};

use crate::{
    error::describe,
    state::State,
    views::deployment::{ModelTestUsage, ModelTestView},
};

const TIMEOUT: Duration = Duration::from_secs(90);
const MAX_OUTPUT_TOKENS: u32 = 256;
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
const GREETING: &str = "Say hello in one short sentence.";

/// Calls the model. Whatever happens is the result: a model that does not answer is not this service's error.
pub async fn run(state: &State, model: &str, mode: ModelMode, prompt: Option<&str>) -> ModelTestView {
    let prompt = prompt.unwrap_or(GREETING);
    let (path, body) = match mode {
        ModelMode::AudioTranscription | ModelMode::Realtime => return no_trial(mode),
        ModelMode::Completion => {
            ("/v1/completions", json!({"model": model, "max_tokens": MAX_OUTPUT_TOKENS, "prompt": prompt}))
        }
        ModelMode::ImageGeneration => ("/v1/images/generations", json!({"model": model, "prompt": prompt})),
        ModelMode::AudioSpeech => ("/v1/audio/speech", json!({"model": model, "voice": "alloy", "input": prompt})),
        ModelMode::Rerank => ("/v1/rerank", json!({"model": model, "query": prompt, "documents": [prompt]})),
        ModelMode::Moderation => ("/v1/moderations", json!({"model": model, "input": prompt})),
        ModelMode::Chat | ModelMode::Responses => (
            "/v1/chat/completions",
            json!({"model": model, "max_tokens": MAX_OUTPUT_TOKENS, "messages": [{"role": "user", "content": prompt}]}),
        ),
        ModelMode::Embedding => ("/v1/embeddings", json!({"model": model, "input": prompt})),
    };
    let url = format!("{}{path}", state.api_url.trim_end_matches('/'));
    let started = Instant::now();
    let sent = state.http.post(&url).bearer_auth(state.master_key.expose()).timeout(TIMEOUT).json(&body).send().await;
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => return unreachable_proxy(started, &error),
    };
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (request_id, cost_usd) = (header("x-request-id"), header("x-deltallm-cost-usd"));
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER_BYTES => bytes.extend_from_slice(&chunk),
            Ok(Some(_) | None) => break,
            Err(error) => return unreachable_proxy(started, &error),
        }
    }
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let ok = status == 200;
    let error = if ok {
        None
    } else {
        Some(answer["error"]["message"].as_str().unwrap_or("The proxy answered with an error.").to_owned())
    };
    ModelTestView {
        ok,
        status,
        latency_ms: elapsed_ms(started),
        output_text: if ok { output_text(&answer, mode) } else { None },
        usage: usage(&answer),
        cost_usd,
        error,
        request_id,
    }
}

/// Sound has to come from somewhere: a microphone, a file.
fn no_trial(mode: ModelMode) -> ModelTestView {
    let text = format!("A model of the mode `{}` needs sound; try it with a client.", mode.name());
    ModelTestView { error: Some(text), ..ModelTestView::default() }
}

fn unreachable_proxy(started: Instant, error: &reqwest::Error) -> ModelTestView {
    tracing::warn!(error = describe(error), "the proxy was not reached for a trial call");
    let text = if error.is_timeout() {
        "The proxy did not answer in time."
    } else {
        "The proxy was not reached. Is it running, and is DELTALLM_API_URL its address?"
    };
    ModelTestView { latency_ms: elapsed_ms(started), error: Some(text.to_owned()), ..ModelTestView::default() }
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn output_text(answer: &Value, mode: ModelMode) -> Option<String> {
    match mode {
        ModelMode::Chat | ModelMode::Responses => {
            answer["choices"][0]["message"]["content"].as_str().map(str::to_owned)
        }
        ModelMode::Completion => answer["choices"][0]["text"].as_str().map(str::to_owned),
        ModelMode::ImageGeneration => Some("A picture.".to_owned()),
        ModelMode::AudioSpeech => Some("Sound.".to_owned()),
        ModelMode::Rerank => answer["results"].as_array().map(|results| format!("{} results.", results.len())),
        ModelMode::Moderation => {
            answer["results"][0]["flagged"].as_bool().map(|flagged| format!("Flagged: {flagged}."))
        }
        ModelMode::AudioTranscription | ModelMode::Realtime => None,
        ModelMode::Embedding => {
            answer["data"][0]["embedding"].as_array().map(|vector| format!("A vector of {} numbers.", vector.len()))
        }
    }
}

fn usage(answer: &Value) -> Option<ModelTestUsage> {
    let usage = answer.get("usage")?;
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    usage
        .is_object()
        .then(|| ModelTestUsage { input_tokens: count("prompt_tokens"), output_tokens: count("completion_tokens") })
}
