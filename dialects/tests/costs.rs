//! From a vendor's own figures to nano-dollars: what each dialect's reader makes of usage, billed by the catalogue's prices, beside
//! what a person computes from the vendor's price list.

use deltallm_dialects::dialect::{DialectId, vendor_dialect};
use deltallm_dialects::rerank::{CohereRerank, RerankVendor};
use deltallm_shared::catalog::ServiceTier;
use deltallm_shared::pricing::{AppliedPrices, Usage};

fn cost(provider: &str, model: &str, usage: &Usage) -> String {
    let bill = AppliedPrices::resolve(provider, model, None).bill(usage, ServiceTier::Standard);
    bill.cost.map_or_else(|| "unpriced".to_owned(), |cost| cost.to_string())
}

/// The cost of the golden answer with cached tokens, as if this model had given it.
fn cost_of_cached_answer(dialect: DialectId, provider: &str, model: &str) -> String {
    let path = format!("{}/tests/golden/answers/cached_usage.{}.json", env!("CARGO_MANIFEST_DIR"), dialect.name());
    let answer = std::fs::read(path).unwrap();
    let usage = vendor_dialect(dialect).unwrap().read_answer(&answer).unwrap().usage.unwrap();
    cost(provider, model, &usage)
}

#[test]
fn openai_86_fresh_1920_cached_300_out() {
    // 86 × 2.50 + 1920 × 1.25 + 300 × 10 dollars per million.
    assert_eq!(cost_of_cached_answer(DialectId::OpenAiChat, "openai", "gpt-4o"), "0.005615");
}

#[test]
fn responses_86_fresh_1920_cached_300_out() {
    // 86 × 1.25 + 1920 × 0.125 + 300 × 10; OpenAI names no price for a write to its cache, so it costs what input costs.
    assert_eq!(cost_of_cached_answer(DialectId::OpenAiResponses, "openai", "gpt-5"), "0.0033475");
}

#[test]
fn anthropic_reads_and_writes_of_both_kinds() {
    // 21 × 3 + 2000 × 0.30 + 100 × 3.75 (5 minutes) + 200 × 6 (1 hour) + 393 × 15.
    let cost = cost_of_cached_answer(DialectId::AnthropicMessages, "anthropic", "claude-sonnet-4-5");
    assert_eq!(cost, "0.008133");
}

#[test]
fn bedrock_reads_and_writes_of_both_kinds() {
    // 14 × 3 + 1024 × 0.30 + 200 × 3.75 (5 minutes) + 100 × 6 (1 hour) + 9 × 15.
    let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(cost_of_cached_answer(DialectId::BedrockConverse, "bedrock", model), "0.0018342");
}

#[test]
fn gemini_sound_has_its_price_and_thoughts_are_output() {
    // 1920 × 0.03 cached + 16 × 1.00 of sound + 70 × 0.30 + (228 + 64) × 2.50.
    assert_eq!(cost_of_cached_answer(DialectId::GeminiGenerate, "gemini", "gemini-2.5-flash"), "0.0008246");
}

#[test]
fn cohere_bills_its_billed_units() {
    // 1338 × 2.50 + 9 × 10.
    assert_eq!(cost_of_cached_answer(DialectId::CohereChat, "cohere", "command-a-03-2025"), "0.003435");
}

#[test]
fn a_reranker_bills_searches() {
    let answer = br#"{"results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":2}}}"#;
    let usage = CohereRerank.read_answer(answer).unwrap().usage.unwrap();
    assert_eq!(cost("cohere", "rerank-v3.5", &usage), "0.004");
}

#[test]
fn a_search_of_the_model_itself_is_on_the_bill() {
    let answer = br#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1000,"output_tokens":100,"server_tool_use":{"web_search_requests":3}}}"#;
    let usage = vendor_dialect(DialectId::AnthropicMessages).unwrap().read_answer(answer).unwrap().usage.unwrap();
    // 1000 × 3 + 100 × 15 per million, and 3 × 10 per thousand.
    assert_eq!(cost("anthropic", "claude-sonnet-4-5", &usage), "0.0345");
}
