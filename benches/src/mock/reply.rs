//! What the model answers, whichever vendor's words it will be put into.
//!
//! A request chooses as it would with a real model: "weather" with tools at hand is a tool call, results of tools are
//! repeated, a schema is followed, pictures are counted. `mock-call:name{…}` in the prompt calls a tool with arguments of
//! one's own. Everything else is answered with words, as many as the options ask for.

use std::borrow::Cow;

use serde_json::Value;

use super::options::MockOptions;
use super::prompt::{Format, Prompt, ToolChoice};
use super::schema;
use super::signature::sign;

/// Common English words: each, with the blank before it, is one token in OpenAI's encodings.
const WORDS: [&str; 16] = [
    " the", " model", " said", " that", " one", " more", " word", " will", " come", " after", " this", " and", " then",
    " it", " was", " good",
];

/// What the model thinks whenever it is asked to.
const THOUGHTS: [&str; 5] = ["Let", " me", " think", " about", " this."];

/// Cities that the model has heard of.
const CITIES: [&str; 6] = ["Paris", "Rome", "Berlin", "London", "Tokyo", "Madrid"];

/// Opens a call of one's own in a prompt.
const CALL_OPENING: &str = "mock-call:";

/// Tokens read from and written to the vendor's cache, where the prompt has marks for it.
const CACHED: (u64, u64) = (5, 3);

/// A text in the pieces in which it is streamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// So many words, or so many pieces of `chunk_bytes` bytes.
    Words { chunks: u32, chunk_bytes: usize },
    /// These.
    Said(Vec<String>),
}

impl Text {
    /// A text of one's own, streamed word by word.
    fn of(text: &str) -> Self {
        Self::Said(text.split_inclusive(' ').map(str::to_owned).collect())
    }

    /// The pieces in order.
    pub fn pieces(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + Send + '_> {
        match self {
            Self::Words { chunks, chunk_bytes } => Box::new((0..*chunks).map(|index| word(index, *chunk_bytes))),
            Self::Said(pieces) => Box::new(pieces.iter().map(|piece| Cow::Borrowed(piece.as_str()))),
        }
    }

    /// The whole.
    pub fn whole(&self) -> String {
        self.pieces().collect()
    }

    fn len(&self) -> u64 {
        match self {
            Self::Words { chunks, .. } => u64::from(*chunks),
            Self::Said(pieces) => u64::try_from(pieces.len()).unwrap_or(u64::MAX),
        }
    }

    fn cut(&mut self, max: u64) {
        match self {
            Self::Words { chunks, .. } => *chunks = u32::try_from(max).unwrap_or(*chunks).min(*chunks),
            Self::Said(pieces) => pieces.truncate(usize::try_from(max).unwrap_or(usize::MAX)),
        }
    }
}

/// A piece of a text of words.
pub fn word(index: u32, chunk_bytes: usize) -> Cow<'static, str> {
    if chunk_bytes > 0 {
        return Cow::Owned("x".repeat(chunk_bytes));
    }
    let place = usize::try_from(index).unwrap_or(0) % WORDS.len();
    Cow::Borrowed(WORDS.get(place).copied().unwrap_or(" word"))
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Unique in the conversation; letters and digits.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object as text.
    pub arguments: String,
}

impl Call {
    /// The arguments as an object.
    pub fn object(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }

    /// The arguments in the pieces in which they are streamed.
    pub fn pieces(&self) -> Vec<String> {
        let letters: Vec<char> = self.arguments.chars().collect();
        letters.chunks(7).map(|piece| piece.iter().collect()).collect()
    }

    /// Proof that the vendor made this call, for vendors who want it back.
    pub fn signature(&self) -> String {
        sign(&self.name)
    }
}

/// Why the answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All is said.
    End,
    /// It would have been longer than allowed.
    Length,
    /// One of the texts that end an answer.
    Sequence(String),
    /// Tools are to be called.
    ToolCalls,
    /// The vendor does not let the model say it.
    Filter,
    /// Any other, as the options name it.
    Other(String),
}

/// Numbers of the usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The whole prompt, what follows included.
    pub input: u64,
    /// Of it read from the cache.
    pub cached: u64,
    /// Of it written to the cache.
    pub written: u64,
    /// The whole answer, thoughts included.
    pub output: u64,
    /// Of it thoughts.
    pub reasoning: u64,
}

/// One whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Number of the request, for ids.
    pub sequence: u64,
    /// Unix seconds.
    pub created: u64,
    /// What was asked.
    pub prompt: Prompt,
    /// What the model thought.
    pub thoughts: Option<Text>,
    /// What it says.
    pub text: Text,
    /// What it calls.
    pub calls: Vec<Call>,
    /// Why it ends.
    pub stop: Stop,
    /// Numbers.
    pub tokens: Tokens,
    /// Whether usage is told at all.
    pub has_usage: bool,
    /// Whether a stream has its proper end mark.
    pub has_end: bool,
}

impl Reply {
    /// Decides what to answer.
    pub fn new(prompt: Prompt, options: &MockOptions, sequence: u64, created: u64) -> Self {
        let calls = calls(&prompt, sequence);
        let mut text = text(&prompt, options, calls.is_empty());
        let mut stop = match options.finish_reason.as_str() {
            "stop" if !calls.is_empty() => Stop::ToolCalls,
            "stop" => Stop::End,
            "length" => Stop::Length,
            "tool_calls" => Stop::ToolCalls,
            "content_filter" => Stop::Filter,
            other => Stop::Other(other.to_owned()),
        };
        if let Some(sequence) = cut_at_stop(&mut text, &prompt.stop) {
            stop = Stop::Sequence(sequence);
        }
        if let Some(max) = prompt.max_tokens.filter(|max| *max < text.len()) {
            text.cut(max);
            stop = Stop::Length;
        }
        let thoughts = prompt.is_reasoning.then(|| Text::Said(THOUGHTS.map(str::to_owned).to_vec()));
        let thought = thoughts.as_ref().map_or(0, Text::len);
        let called: u64 = calls.iter().map(|call| u64::try_from(call.pieces().len()).unwrap_or(u64::MAX)).sum();
        let (cached, written) = match (options.cached_tokens, prompt.is_cached) {
            (0, true) => CACHED,
            (cached, _) => (cached, 0),
        };
        let tokens = Tokens {
            input: options.prompt_tokens,
            cached,
            written,
            output: options.completion_tokens.unwrap_or(thought + text.len() + called),
            reasoning: if options.reasoning_tokens > 0 { options.reasoning_tokens } else { thought },
        };
        let (has_usage, has_end) = (!options.no_usage, !options.no_done);
        Self { sequence, created, prompt, thoughts, text, calls, stop, tokens, has_usage, has_end }
    }
}

fn text(prompt: &Prompt, options: &MockOptions, is_all: bool) -> Text {
    if !is_all {
        return Text::Said(Vec::new());
    }
    if !prompt.results.is_empty() {
        return Text::of(&format!("The tool says: {}", prompt.results.join("; ")));
    }
    let city = cities(&prompt.said).next().unwrap_or("Paris");
    match &prompt.format {
        Format::Schema(schema) => return Text::of(&schema::instance(schema, city).to_string()),
        Format::Json => return Text::of(&serde_json::json!({ "city": city, "celsius": 21 }).to_string()),
        Format::Text => {}
    }
    match (prompt.images, prompt.documents) {
        (0, 0) => Text::Words { chunks: options.chunks, chunk_bytes: options.chunk_bytes },
        (images, 0) => Text::of(&format!("I see {images} image(s).")),
        (0, documents) => Text::of(&format!("I see {documents} document(s).")),
        (images, documents) => Text::of(&format!("I see {images} image(s) and {documents} document(s).")),
    }
}

/// The first of the stop texts that the answer contains; the answer ends before it.
fn cut_at_stop(text: &mut Text, stops: &[String]) -> Option<String> {
    if stops.is_empty() {
        return None;
    }
    let whole = text.whole();
    let found = stops.iter().filter_map(|stop| Some((whole.find(stop.as_str())?, stop))).min()?;
    *text = Text::of(whole.get(..found.0)?);
    Some(found.1.clone())
}

fn calls(prompt: &Prompt, sequence: u64) -> Vec<Call> {
    if prompt.tools.is_empty() || !prompt.results.is_empty() || prompt.tool_choice == ToolChoice::Never {
        return Vec::new();
    }
    let id = |place: usize| format!("call{sequence:05}{place}");
    let own = own_calls(&prompt.said);
    if !own.is_empty() {
        let calls = own.into_iter().enumerate();
        return calls.map(|(place, (name, arguments))| Call { id: id(place), name, arguments }).collect();
    }
    let tool = match &prompt.tool_choice {
        ToolChoice::Named(name) => prompt.tools.iter().find(|tool| tool.name == *name),
        ToolChoice::Required => prompt.tools.first(),
        _ if prompt.said.to_lowercase().contains("weather") => prompt.tools.first(),
        _ => None,
    };
    let Some(tool) = tool else {
        return Vec::new();
    };
    let mut asked: Vec<&str> = cities(&prompt.said).collect();
    if asked.is_empty() {
        asked.push("Paris");
    }
    if prompt.is_one_call_at_most {
        asked.truncate(1);
    }
    let calls = asked.iter().enumerate();
    calls
        .map(|(place, city)| Call {
            id: id(place),
            name: tool.name.clone(),
            arguments: schema::instance(&tool.schema, city).to_string(),
        })
        .map(|call| if call.arguments.starts_with('{') { call } else { Call { arguments: "{}".to_owned(), ..call } })
        .collect()
}

/// The cities in a text, in the order of their names there.
fn cities(text: &str) -> impl Iterator<Item = &'static str> {
    let mut found: Vec<(usize, &str)> = CITIES.iter().filter_map(|city| Some((text.find(city)?, *city))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, city)| city)
}

/// Every `mock-call:name{…}` in a text.
fn own_calls(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in text.split(CALL_OPENING).skip(1) {
        let Some((name, rest)) = part.find('{').map(|place| part.split_at(place)) else {
            continue;
        };
        if let Some(Ok(arguments)) = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next() {
            found.push((name.trim().to_owned(), arguments.to_string()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::prompt::Tool;
    use super::*;

    fn asked(said: &str) -> Prompt {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let tools = vec![Tool { name: "get_weather".to_owned(), schema }];
        Prompt { said: said.to_owned(), tools, ..Prompt::default() }
    }

    fn reply(prompt: Prompt) -> Reply {
        Reply::new(prompt, &MockOptions::default(), 1, 0)
    }

    #[test]
    fn weather_is_a_tool_call_for_each_city() {
        let reply = reply(asked("What is the weather in Rome and Paris?"));
        let arguments: Vec<&str> = reply.calls.iter().map(|call| call.arguments.as_str()).collect();
        assert_eq!(arguments, [r#"{"city":"Rome"}"#, r#"{"city":"Paris"}"#]);
        assert_eq!(reply.stop, Stop::ToolCalls);
        assert_eq!(reply.calls[0].pieces().concat(), reply.calls[0].arguments);
        assert_ne!(reply.calls[0].id, reply.calls[1].id);
    }

    #[test]
    fn results_of_tools_are_repeated() {
        let mut prompt = asked("What is the weather in Rome?");
        prompt.user_turn(String::new(), vec!["sunny".to_owned()]);
        let reply = reply(prompt);
        assert!(reply.calls.is_empty());
        assert_eq!(reply.text.whole(), "The tool says: sunny");
    }

    #[test]
    fn a_call_of_ones_own_has_its_own_arguments() {
        let reply = reply(asked(r#"Do it: mock-call:Bash{"command":"echo {a}"} and go on"#));
        assert_eq!(
            (reply.calls[0].name.as_str(), reply.calls[0].arguments.as_str()),
            ("Bash", r#"{"command":"echo {a}"}"#)
        );
    }

    #[test]
    fn answers_end_where_the_request_says() {
        let short = reply(Prompt { max_tokens: Some(2), ..Prompt::default() });
        assert_eq!((short.text.whole().as_str(), short.stop), (" the model", Stop::Length));
        let cut = reply(Prompt { stop: vec![" that".to_owned()], ..Prompt::default() });
        assert_eq!((cut.text.whole().as_str(), cut.stop), (" the model said", Stop::Sequence(" that".to_owned())));
    }

    #[test]
    fn pictures_are_counted_and_schemas_followed() {
        assert_eq!(reply(Prompt { images: 2, ..Prompt::default() }).text.whole(), "I see 2 image(s).");
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let text = reply(Prompt { format: Format::Schema(schema), ..Prompt::default() }).text.whole();
        assert_eq!(text, r#"{"city":"Paris"}"#);
    }

    #[test]
    fn thoughts_are_part_of_the_answers_tokens() {
        let reply = reply(Prompt { is_reasoning: true, ..Prompt::default() });
        assert_eq!((reply.tokens.reasoning, reply.tokens.output), (5, 13));
    }
}
