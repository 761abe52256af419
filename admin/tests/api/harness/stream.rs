//! Lines of an answer that goes on.

use std::time::{Duration, Instant};

use deltallm_shared::control::ConfigMessage;
use tokio::time::timeout;

pub struct Lines {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Lines {
    pub fn of(response: reqwest::Response) -> Self {
        Self { response, buffer: Vec::new() }
    }

    /// The next line; `None` at the end.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            let chunk =
                timeout(Duration::from_secs(20), self.response.chunk()).await.expect("nothing comes").ok()??;
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// The next message of a config stream.
    pub async fn message(&mut self) -> ConfigMessage {
        let line = self.line().await.expect("the stream ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next message that is no heartbeat.
    pub async fn change(&mut self) -> ConfigMessage {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.message().await {
                ConfigMessage::Heartbeat { .. } => assert!(Instant::now() < deadline, "no change comes"),
                change => return change,
            }
        }
    }
}
