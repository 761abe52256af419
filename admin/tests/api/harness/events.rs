//! Spend events as a proxy posts them.

use deltallm_shared::{
    event::{Outcome, SpendEvent},
    ids::EventId,
    pricing::{PriceState, Usage, UsageSource},
    time_text::Timestamp,
};
use serde_json::{Value, json};

/// A call that went well.
pub fn event() -> SpendEvent {
    let now = Timestamp::now();
    SpendEvent {
        event_id: EventId::new(),
        request_id: format!("req-{}", uuid::Uuid::new_v4().simple()),
        started_at: now,
        finished_at: now,
        outcome: Outcome::Completed,
        status: 200,
        endpoint: "chat_completions".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        provider: Some("openai".to_owned()),
        upstream_model: Some("gpt-4o-mini".to_owned()),
        usage: Usage { input_tokens: 100, output_tokens: 20, ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: Some("0.000027".parse().unwrap()),
        price_state: PriceState::Catalog,
        attempts: 1,
        duration_us: 12_500,
        overhead_us: 250,
        ..SpendEvent::default()
    }
}

pub fn batch(events: &[SpendEvent]) -> Value {
    json!({ "events": events })
}
