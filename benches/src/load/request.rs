//! The request body: a chat completion of an exact size.

use bytes::Bytes;
use serde_json::json;

use super::plan::LoadArgs;

/// Filling that reads like a prompt: a tokenizer takes its usual way through it.
const FILLING: &str = "Summarise the following report for a busy reader. Keep every figure, name the \
source of each, and say plainly where two of them disagree. ";

/// A chat completion of `body_bytes` bytes (or as short as it can be, where that is longer).
pub fn body(args: &LoadArgs) -> Bytes {
    let empty = render(args, "");
    let missing = args.body_bytes.saturating_sub(empty.len());
    let content: String = FILLING.chars().cycle().take(missing).collect();
    Bytes::from(render(args, &content))
}

fn render(args: &LoadArgs, content: &str) -> String {
    let mut body = json!({
        "model": args.model,
        "messages": [{ "role": "user", "content": content }],
    });
    if let Some(object) = body.as_object_mut() {
        if args.stream {
            object.insert("stream".to_owned(), json!(true));
            object.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        }
        if let Some(options) = &args.mock_opts {
            object.insert("user".to_owned(), json!(format!("mock-opts:{{{options}}}")));
        }
    }
    body.to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn the_body_has_the_size_asked_for() {
        for size in ["1024", "100000"] {
            let args = ["load", "--target", "x", "--body-bytes", size, "--stream", "--mock-opts", "chunks=3"];
            let length = LoadArgs::try_parse_from(args).map(|args| body(&args).len().to_string());
            assert!(length.is_ok_and(|length| length == size));
        }
    }
}
