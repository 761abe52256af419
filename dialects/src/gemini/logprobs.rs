//! `logprobsResult` and OpenAI's `logprobs`, which is the canonical form.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json, value::RawValue};

/// Log probabilities of the tokens of an answer.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LogprobsResult {
    /// The best alternatives, token by token.
    top_candidates: Vec<Alternatives>,
    /// The tokens that were taken.
    chosen_candidates: Vec<Token>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Alternatives {
    candidates: Vec<Token>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Token {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_probability: Option<Number>,
}

/// Reads one in OpenAI's form; `None` where there are none.
pub(super) fn read(raw: &RawValue) -> Option<Value> {
    serde_json::from_str::<LogprobsResult>(raw.get()).ok()?.to_openai()
}

impl LogprobsResult {
    /// `{"content":[{"token","logprob","bytes","top_logprobs"}],"refusal":null}`; `None` where there are none.
    pub fn to_openai(&self) -> Option<Value> {
        if self.chosen_candidates.is_empty() {
            return None;
        }
        let content = self.chosen_candidates.iter().enumerate().map(|(at, token)| {
            let alternatives = self.top_candidates.get(at).map_or(&[] as &[Token], |list| &list.candidates);
            let mut entry = token.to_openai();
            entry["top_logprobs"] = alternatives.iter().map(Token::to_openai).collect();
            entry
        });
        Some(json!({"content": content.collect::<Vec<_>>(), "refusal": null}))
    }

    /// From OpenAI's form.
    pub fn of_openai(logprobs: &Value) -> Option<Self> {
        let content = logprobs.get("content")?.as_array()?;
        let alternatives = |entry: &Value| {
            let list = entry.get("top_logprobs").and_then(Value::as_array);
            Alternatives { candidates: list.into_iter().flatten().filter_map(Token::of_openai).collect() }
        };
        Some(Self {
            top_candidates: content.iter().map(alternatives).collect(),
            chosen_candidates: content.iter().filter_map(Token::of_openai).collect(),
        })
    }
}

impl Token {
    fn to_openai(&self) -> Value {
        json!({"token": self.token, "logprob": self.log_probability, "bytes": self.token.as_bytes()})
    }

    fn of_openai(entry: &Value) -> Option<Self> {
        let token = entry.get("token")?.as_str()?.to_owned();
        Some(Self { token, log_probability: entry.get("logprob").and_then(Value::as_number).cloned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_same() {
        let google = json!({
            "topCandidates": [{"candidates": [
                {"token": "Hi", "logProbability": -0.1},
                {"token": "Ho", "logProbability": -2.5},
            ]}],
            "chosenCandidates": [{"token": "Hi", "logProbability": -0.1}],
        });
        let openai = serde_json::from_value::<LogprobsResult>(google.clone()).unwrap().to_openai().unwrap();
        assert_eq!(openai["content"][0]["bytes"], json!([72, 105]));
        assert_eq!(openai["content"][0]["top_logprobs"][1]["logprob"], json!(-2.5));
        assert_eq!(serde_json::to_value(LogprobsResult::of_openai(&openai)).unwrap(), google);
    }
}
