//! Made-up requests that a dialect, or a pair of dialects, has words for.

use std::collections::BTreeSet;

use deltallm_dialects::canonical::{
    CacheMark, ChatRequest, Effort, Message, OutputFormat, Part, PartKind, Reasoning, Role, Source, Tool, ToolChoice,
};
use deltallm_dialects::dialect::DialectId;
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use crate::abilities::Can;
use crate::cases::MODEL;

/// Requests with nothing in them that is not in `can`.
pub fn requests(source: DialectId, can: BTreeSet<Can>) -> impl Strategy<Value = ChatRequest> {
    proptest::collection::vec(any::<u8>(), 0..160)
        .prop_map(move |bytes| Dice { bytes, at: 0, can: &can }.request(source))
}

/// Decides by bytes; when there are no more, for the least. So a failing request shrinks to its smallest.
struct Dice<'a> {
    bytes: Vec<u8>,
    at: usize,
    can: &'a BTreeSet<Can>,
}

const TEXTS: [&str; 6] = ["Hello", "tök✓ 漢字 🦀", "\"quoted\"\n\\", "{}", "data: [DONE]\n\n", "<b>&amp;</b>"];

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes.get(self.at - 1).copied().unwrap_or(0)
    }

    fn below(&mut self, end: u8) -> usize {
        usize::from(self.byte() % end)
    }

    fn flip(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// Only where the dialect can.
    fn maybe<T>(&mut self, can: Can, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let wanted = self.flip();
        (wanted && self.can.contains(&can)).then(|| make(self))
    }

    fn text(&mut self) -> String {
        TEXTS[self.below(6)].to_owned()
    }

    fn fraction(&mut self) -> Number {
        let text = ["0", "0.25", "0.5", "1"][self.below(4)];
        serde_json::from_str(text).unwrap()
    }

    fn request(&mut self, source: DialectId) -> ChatRequest {
        let mut request = ChatRequest::new(source);
        MODEL.clone_into(&mut request.model);
        request.messages = self.messages();
        self.choose_tools(&mut request);
        self.choose_sampling(&mut request);
        self.choose_output(&mut request);
        request.user = self.maybe(Can::User, |_| "customer-7".to_owned());
        request.metadata = self.maybe(Can::Metadata, |_| Map::from_iter([("ticket".to_owned(), json!("17"))]));
        request.service_tier = self.maybe(Can::ServiceTier, |_| "flex".to_owned());
        request.stream = self.flip();
        // Usage is always asked for in a stream: the gateway counts.
        request.include_usage = request.stream;
        if self.flip() {
            request.extra.insert("x_vendor_switch".to_owned(), json!({"on": [1, null]}));
        }
        request
    }

    fn choose_tools(&mut self, request: &mut ChatRequest) {
        let names = ["get_weather", "get_time"];
        for name in names.iter().take(self.below(3)) {
            let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
            let parameters = if self.maybe(Can::ToolsWithoutSchema, |_| ()).is_some() { None } else { Some(schema) };
            request.tools.push(Tool::Function {
                name: (*name).to_owned(),
                description: self.flip().then(|| "Tells it.".to_owned()),
                parameters,
                strict: self.maybe(Can::StrictTools, Self::flip),
                cache: self.maybe(Can::CacheMarks, Self::cache_mark),
            });
        }
        let Some(Tool::Function { name: first, .. }) = request.tools.first() else { return };
        let first = first.clone();
        request.tool_choice = match self.below(6) {
            1 => Some(ToolChoice::Auto),
            2 => Some(ToolChoice::None),
            3 => Some(ToolChoice::Required),
            4 => Some(ToolChoice::Named(first)),
            5 => self.maybe(Can::ToolsAmong, |dice| ToolChoice::Among { names: vec![first], required: dice.flip() }),
            _ => None,
        };
        // Without a choice some dialects have no place to say it.
        if matches!(request.tool_choice, Some(ToolChoice::Auto | ToolChoice::Required | ToolChoice::Named(_))) {
            request.parallel_tool_calls = self.maybe(Can::ParallelTools, Self::flip);
        }
    }

    fn choose_sampling(&mut self, request: &mut ChatRequest) {
        request.max_output_tokens = Some(32_000 + self.below(3) as u64);
        request.temperature = self.flip().then(|| self.fraction());
        request.top_p = self.flip().then(|| self.fraction());
        request.top_k = self.maybe(Can::TopK, |dice| 1 + dice.below(40) as u64);
        request.frequency_penalty = self.maybe(Can::Penalties, Self::fraction);
        request.presence_penalty = self.maybe(Can::Penalties, Self::fraction);
        request.seed = self.maybe(Can::Seed, |dice| i64::from(dice.byte()));
        request.stop = self.maybe(Can::Stop, |dice| vec!["END".to_owned(); 1 + dice.below(2)]).unwrap_or_default();
        request.answers = self.maybe(Can::Answers, |_| 2);
        request.logprobs = self.maybe(Can::Logprobs, |_| true);
        request.top_logprobs = request.logprobs.and_then(|_| self.maybe(Can::Logprobs, |_| 3));
        request.logit_bias = self.maybe(Can::LogitBias, |_| Map::from_iter([("50256".to_owned(), json!(-100))]));
    }

    fn choose_output(&mut self, request: &mut ChatRequest) {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false});
        let by_schema = |dice: &mut Self| OutputFormat::JsonSchema {
            name: dice.maybe(Can::SchemaName, |_| "weather".to_owned()).unwrap_or_else(|| "answer".to_owned()),
            description: dice.maybe(Can::SchemaName, Self::text),
            schema,
            strict: dice.maybe(Can::SchemaName, Self::flip),
        };
        request.output_format = match self.below(3) {
            1 => self.maybe(Can::JsonObject, |_| OutputFormat::JsonObject),
            2 => self.maybe(Can::JsonSchema, by_schema),
            _ => None,
        }
        .unwrap_or_default();
        let efforts = [Effort::Low, Effort::Medium, Effort::High];
        let effort =
            self.maybe(Can::Effort, |dice| Reasoning { effort: Some(efforts[dice.below(3)]), ..Reasoning::default() });
        let budget = || Reasoning { budget_tokens: Some(2048), ..Reasoning::default() };
        request.reasoning = effort.or_else(|| self.maybe(Can::Budget, |_| budget()));
        if self.maybe(Can::SpokenAnswers, |_| ()).is_some() {
            request.modalities = vec!["text".to_owned(), "audio".to_owned()];
            request.audio = Some(json!({"voice": "alloy", "format": "wav"}));
        }
    }

    /// A system prompt, then turns, the user's the first and the last.
    fn messages(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        if self.flip() {
            let role = self.maybe(Can::Developer, |_| Role::Developer).unwrap_or(Role::System);
            let part = self.text_part();
            messages.push(Message::new(role, vec![part]));
        }
        for turn in 0..self.below(3) {
            messages.push(self.user());
            let (assistant, results) = self.assistant(turn);
            messages.push(assistant);
            messages.extend(results);
        }
        // Two user messages in a row, or a user's after results, stay apart in no dialect but OpenAI's.
        if messages.last().is_none_or(|last| last.role != Role::Tool) {
            messages.push(self.user());
        }
        messages
    }

    fn cache_mark(&mut self) -> CacheMark {
        CacheMark { ttl: self.flip().then(|| "1h".to_owned()) }
    }

    fn text_part(&mut self) -> Part {
        Part { cache: self.maybe(Can::CacheMarks, Self::cache_mark), ..Part::text(self.text()) }
    }

    fn user(&mut self) -> Message {
        let mut parts = vec![self.text_part()];
        parts.extend(self.maybe(Can::ImageUrl, |dice| {
            let source = Source::of_url("https://example.com/cat.png");
            PartKind::Image { source, detail: dice.maybe(Can::ImageDetail, |_| "low".to_owned()) }.into()
        }));
        parts.extend(self.maybe(Can::ImageData, |_| image()));
        parts.extend(self.maybe(Can::AudioData, |_| {
            let source = Source::Data { media_type: "audio/wav".to_owned(), data: "UklGRg==".to_owned() };
            PartKind::Audio { source }.into()
        }));
        parts.extend(self.maybe(Can::DocumentData, |dice| {
            let source = Source::Data { media_type: "application/pdf".to_owned(), data: "JVBERi0xLjQ=".to_owned() };
            // OpenAI wants one, so none would come back as a made-up one.
            let title = dice.can.contains(&Can::DocumentTitle).then(|| "report.pdf".to_owned());
            PartKind::Document { source, title, citations: false }.into()
        }));
        let name = self.maybe(Can::Names, |_| "ann".to_owned());
        Message { name, ..Message::new(Role::User, parts) }
    }

    /// Thoughts, words, calls; and a result for each call.
    fn assistant(&mut self, turn: usize) -> (Message, Vec<Message>) {
        let mut parts = Vec::new();
        parts.extend(self.maybe(Can::SignedReasoning, |dice| {
            PartKind::Reasoning { text: dice.text(), signature: Some("c2ln".to_owned()), encrypted: None }.into()
        }));
        parts.extend(self.maybe(Can::EncryptedReasoning, |_| {
            PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some("ZW5j".to_owned()) }.into()
        }));
        let calls = self.below(3);
        if calls == 0 || self.flip() {
            let refusal = self.maybe(Can::Refusals, |dice| PartKind::Refusal { text: dice.text() }.into());
            parts.push(refusal.unwrap_or_else(|| self.text_part()));
        }
        let mut results = Vec::new();
        for call in 0..calls {
            let id = format!("call_{turn}_{call}");
            let arguments = ["{}", r#"{"city":"Paris"}"#, r#"{"city":"\"R\u00f6me\"\n"}"#][self.below(3)];
            let arguments = serde_json::from_str::<Value>(arguments).unwrap().to_string();
            let signature = self.maybe(Can::CallSignatures, |_| "c2lnbg==".to_owned());
            parts.push(
                PartKind::ToolCall { id: id.clone(), name: "get_weather".to_owned(), arguments, signature }.into(),
            );
            results.push(Message::new(Role::Tool, vec![self.result(id)]));
        }
        (Message::new(Role::Assistant, parts), results)
    }

    fn result(&mut self, call_id: String) -> Part {
        let mut parts = vec![Part::text(self.text())];
        parts.extend(self.maybe(Can::MediaResults, |_| image()));
        let is_error = self.maybe(Can::FailedResults, |_| ()).is_some();
        let cache = self.maybe(Can::CacheMarks, Self::cache_mark);
        Part { kind: PartKind::ToolResult { call_id, name: None, parts, is_error }, cache }
    }
}

fn image() -> Part {
    let source = Source::Data { media_type: "image/png".to_owned(), data: "iVBORw0KGgo=".to_owned() };
    PartKind::Image { source, detail: None }.into()
}
