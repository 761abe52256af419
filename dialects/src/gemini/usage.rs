//! `usageMetadata`: Google counts the model's thoughts and the input of its tools beside prompt and answer.

use deltallm_shared::pricing::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// As it stands in an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UsageMetadata {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    total_token_count: Option<u64>,
    prompt_tokens_details: Option<Vec<ModalityCount>>,
    tool_use_prompt_tokens_details: Option<Vec<ModalityCount>>,
    candidates_tokens_details: Option<Vec<ModalityCount>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ModalityCount {
    modality: String,
    token_count: u64,
}

/// Reads one; `None` where it is not of that form.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    serde_json::from_str::<UsageMetadata>(raw.get()).ok().map(|usage| usage.to_usage())
}

impl UsageMetadata {
    /// In the canonical form. Frames of films count as pictures.
    pub fn to_usage(&self) -> Usage {
        let prompt = self.prompt_token_count.unwrap_or(0);
        let tools = self.tool_use_prompt_token_count.unwrap_or(0);
        let said = self.candidates_token_count.unwrap_or(0);
        let thoughts = self.thoughts_token_count.unwrap_or(0);
        // Some versions count the thoughts among the candidates' tokens; the total tells.
        let holds_thoughts =
            thoughts <= said && self.total_token_count == Some(prompt.saturating_add(tools).saturating_add(said));
        let inputs =
            || [&self.prompt_tokens_details, &self.tool_use_prompt_tokens_details].into_iter().flatten().flatten();
        let outputs = || self.candidates_tokens_details.iter().flatten();
        Usage {
            input_tokens: prompt.saturating_add(tools),
            output_tokens: if holds_thoughts { said } else { said.saturating_add(thoughts) },
            cached_input_tokens: self.cached_content_token_count.unwrap_or(0),
            reasoning_tokens: thoughts,
            audio_input_tokens: count(inputs(), &["AUDIO"]),
            image_input_tokens: count(inputs(), &["IMAGE", "VIDEO"]),
            audio_output_tokens: count(outputs(), &["AUDIO"]),
            image_output_tokens: count(outputs(), &["IMAGE", "VIDEO"]),
            ..Usage::default()
        }
    }
}

fn count<'a>(details: impl Iterator<Item = &'a ModalityCount>, wanted: &[&str]) -> u64 {
    let wanted = details.filter(|detail| wanted.contains(&detail.modality.as_str()));
    wanted.fold(0, |sum, detail| sum.saturating_add(detail.token_count))
}

/// As it is written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenUsage {
    prompt_token_count: u64,
    candidates_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prompt_tokens_details: Vec<WrittenCount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates_tokens_details: Vec<WrittenCount>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenCount {
    modality: &'static str,
    token_count: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl WrittenUsage {
    /// From the canonical form.
    pub fn of(usage: &Usage) -> Self {
        let said = usage.output_tokens.saturating_sub(usage.reasoning_tokens);
        Self {
            prompt_token_count: usage.input_tokens,
            candidates_token_count: said,
            total_token_count: usage.input_tokens.saturating_add(usage.output_tokens),
            cached_content_token_count: usage.cached_input_tokens,
            thoughts_token_count: usage.reasoning_tokens.min(usage.output_tokens),
            prompt_tokens_details: details(usage.input_tokens, usage.audio_input_tokens, usage.image_input_tokens),
            candidates_tokens_details: details(said, usage.audio_output_tokens, usage.image_output_tokens),
        }
    }
}

fn details(all: u64, audio: u64, image: u64) -> Vec<WrittenCount> {
    if audio == 0 && image == 0 {
        return Vec::new();
    }
    let text = all.saturating_sub(audio).saturating_sub(image);
    let counts = [("TEXT", text), ("IMAGE", image), ("AUDIO", audio)].into_iter().filter(|(_, count)| *count > 0);
    counts.map(|(modality, token_count)| WrittenCount { modality, token_count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Usage {
        serde_json::from_str::<UsageMetadata>(json).unwrap().to_usage()
    }

    #[test]
    fn every_count_is_read() {
        let usage = read(
            r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":20,"toolUsePromptTokenCount":7,"thoughtsTokenCount":30,"totalTokenCount":157,"promptTokensDetails":[{"modality":"TEXT","tokenCount":50},{"modality":"AUDIO","tokenCount":20},{"modality":"IMAGE","tokenCount":25},{"modality":"VIDEO","tokenCount":5}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":12}],"trafficType":"ON_DEMAND"}"#,
        );
        let expected = Usage {
            input_tokens: 107,
            output_tokens: 50,
            cached_input_tokens: 40,
            reasoning_tokens: 30,
            audio_input_tokens: 20,
            image_input_tokens: 30,
            image_output_tokens: 12,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn thoughts_that_stand_among_the_candidates_are_not_counted_twice() {
        let usage =
            read(r#"{"promptTokenCount":10,"candidatesTokenCount":50,"thoughtsTokenCount":30,"totalTokenCount":60}"#);
        assert_eq!((usage.output_tokens, usage.reasoning_tokens), (50, 30));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let usage = Usage {
            input_tokens: 107,
            output_tokens: 50,
            cached_input_tokens: 40,
            reasoning_tokens: 30,
            audio_input_tokens: 20,
            image_output_tokens: 12,
            ..Usage::default()
        };
        assert_eq!(read(&serde_json::to_string(&WrittenUsage::of(&usage)).unwrap()), usage);
    }
}
