//! Server-sent events as a client reads them.

use serde_json::Value;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `data:` with JSON.
    Json(Value),
    /// `data: [DONE]`.
    Done,
}

impl Event {
    /// The text this event adds to the answer.
    pub fn text(&self) -> &str {
        match self {
            Self::Json(value) => value["choices"][0]["delta"]["content"].as_str().unwrap_or_default(),
            Self::Done => "",
        }
    }

    /// `usage`, where there is one.
    pub fn usage(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => value.get("usage").filter(|usage| usage.is_object()),
            Self::Done => None,
        }
    }

    /// `error`, where there is one.
    pub fn error(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => value.get("error"),
            Self::Done => None,
        }
    }
}

/// Reads all complete events out of `buffer` and leaves the rest; comments are passed over.
pub fn parse_events(buffer: &mut Vec<u8>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
        let block: Vec<u8> = buffer.drain(..end + 2).collect();
        let block = String::from_utf8(block).expect("events are UTF-8");
        let data: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("data:")).collect();
        match data.join("\n").trim() {
            "" => {}
            "[DONE]" => events.push(Event::Done),
            text => {
                let value = serde_json::from_str(text);
                events.push(Event::Json(value.unwrap_or_else(|error| panic!("event `{text}`: {error}"))));
            }
        }
    }
    events
}
