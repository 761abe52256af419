//! In the place of the stages that follow: the tokens of a request, where its vendor has no interface for that. Counted by OpenAI's
//! `o200k_base`, which is close for other vendors' models and not exact; pictures and documents by their vendors' published rules.

use deltallm_dialects::{anthropic::count_tokens as messages, gemini::count_tokens as contents};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
};

use crate::call::Call;

/// Runs the stage: the body of the answer. Blocks for milliseconds on long texts, so it runs where that hurts nobody.
pub async fn count(call: &Call) -> Result<Vec<u8>, ApiError> {
    let (operation, body, path_model) = (call.operation, call.body.clone(), call.path_model().map(str::to_owned));
    let counting = tokio::task::spawn_blocking(move || {
        let request = match operation {
            Operation::CountContentTokens => contents::read_request(&body, path_model.as_deref())?,
            _ => messages::read_request(&body)?,
        };
        let countable = messages::countable(&request);
        let tokenizer = bpe_openai::o200k_base();
        let texts: u64 = countable.texts.iter().map(|text| tokenizer.count(text.as_ref()) as u64).sum();
        let tokens = texts.saturating_add(countable.fixed_tokens);
        Ok(match operation {
            Operation::CountContentTokens => contents::write_answer(tokens),
            _ => messages::write_answer(tokens),
        })
    });
    let broken = |_| ApiError::new(ErrorCode::InternalError, "The tokens could not be counted.");
    counting.await.map_err(broken)?
}
