//! `contents` of a request for Gemini: turns, parts, function calls with their responses, thoughts with their signatures.

use serde_json::Value;

use super::gemini::ANSWER;
use super::gemini_read::check;
use super::json::{list, members, text};
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::signature::is_signed;

/// Fields of `Part`.
pub const PART: [&str; 11] = [
    "codeExecutionResult",
    "executableCode",
    "fileData",
    "functionCall",
    "functionResponse",
    "inlineData",
    "mediaResolution",
    "text",
    "thought",
    "thoughtSignature",
    "videoMetadata",
];

/// Reads `contents`.
pub fn contents(contents: &[Value], prompt: &mut Prompt) -> Result<(), Refusal> {
    if contents.is_empty() {
        return Err(Refusal::bad("* GenerateContentRequest.contents: contents is not specified"));
    }
    let mut open_calls = 0_usize;
    for (place, content) in contents.iter().enumerate() {
        check(content, &["role", "parts"], &format!("contents[{place}]"))?;
        let parts = list(content, "parts");
        if parts.is_empty() {
            return Err(Refusal::bad(format!(
                "* GenerateContentRequest.contents[{place}].parts: contents.parts must not be empty."
            )));
        }
        for (index, part) in parts.iter().enumerate() {
            check_part(part, place, index)?;
        }
        let answers = parts.iter().filter(|part| part.get("functionResponse").is_some()).count();
        let calls = parts.iter().filter(|part| part.get("functionCall").is_some()).count();
        if answers != open_calls {
            return Err(Refusal::bad(
                "Please ensure that the number of function response parts is equal to the number of function call parts \
                 of the function call turn.",
            ));
        }
        open_calls = calls;
        match text(content, "role") {
            None | Some("user" | "function") => {
                let (said, results) = user_turn(parts, prompt);
                prompt.user_turn(said, results);
            }
            Some("model") => {
                prompt.answered();
                model_turn(parts, place, &prompt.model)?;
            }
            Some(_) => return Err(Refusal::bad("Please use a valid role: user, model.")),
        }
    }
    if open_calls > 0 {
        return Err(Refusal::bad(
            "Please ensure that function call turn comes immediately before a function response turn.",
        ));
    }
    Ok(())
}

fn check_part(part: &Value, place: usize, index: usize) -> Result<(), Refusal> {
    let path = format!("contents[{place}].parts[{index}]");
    check(part, &PART, &path)?;
    for (kind, known) in [
        ("inlineData", &["mimeType", "data", "displayName"][..]),
        ("fileData", &["mimeType", "fileUri", "displayName"][..]),
        ("functionCall", &["id", "name", "args"][..]),
        ("functionResponse", &["id", "name", "response", "parts", "willContinue", "scheduling"][..]),
    ] {
        let Some(value) = part.get(kind) else {
            continue;
        };
        check(value, known, &format!("{path}.{kind}"))?;
        let is_object = |key: &str| value.get(key).is_none_or(Value::is_object);
        if !is_object("args") || !is_object("response") {
            return Err(Refusal::bad(format!(
                "Invalid value at '{path}.{kind}' (type.googleapis.com/google.protobuf.Struct)"
            )));
        }
        let has = |key: &str| text(value, key).is_some_and(|value| !value.is_empty());
        let is_whole = match kind {
            "inlineData" => has("mimeType") && has("data"),
            "fileData" => has("fileUri"),
            _ => has("name"),
        };
        if !is_whole {
            return Err(Refusal::bad(format!("* GenerateContentRequest.{path}.{kind}: a required field is empty")));
        }
    }
    let kinds =
        ["text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"];
    let count = kinds.iter().filter(|kind| part.get(**kind).is_some()).count();
    if count > 1 || (count == 0 && part.get("thoughtSignature").is_none()) {
        return Err(Refusal::bad(format!(
            "* GenerateContentRequest.{path}.data: required oneof field 'data' must have one initialized field"
        )));
    }
    Ok(())
}

fn user_turn(parts: &[Value], prompt: &mut Prompt) -> (String, Vec<String>) {
    let (mut said, mut results) = (String::new(), Vec::new());
    for part in parts {
        said.push_str(text(part, "text").unwrap_or_default());
        for kind in ["inlineData", "fileData"] {
            let Some(data) = part.get(kind) else {
                continue;
            };
            let media_type = text(data, "mimeType").unwrap_or_default();
            let is_document = media_type.starts_with("application/") || media_type.starts_with("text/");
            *if is_document { &mut prompt.documents } else { &mut prompt.images } += 1;
        }
        if let Some(answer) = part.pointer("/functionResponse/response") {
            let only = members(answer).filter(|members| members.len() == 1).and_then(|members| members.values().next());
            results.push(match only {
                Some(Value::String(text)) => text.clone(),
                _ => answer.to_string(),
            });
        }
    }
    (said, results)
}

/// Signatures are those that were given; models from Gemini 3 on want them on the first call of a turn.
fn model_turn(parts: &[Value], place: usize, model: &str) -> Result<(), Refusal> {
    let is_strict = ["gemini-3", "gemini-4"].iter().any(|family| model.starts_with(family));
    let mut is_first_call = true;
    for part in parts {
        let signature = text(part, "thoughtSignature");
        let name = part.pointer("/functionCall/name").and_then(Value::as_str);
        let signed = name.unwrap_or(ANSWER);
        // What Google names for histories that another model made.
        let is_dummy =
            |s: &str| ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"].contains(&s);
        match signature {
            // Google takes both alphabets of base64; its own libraries send the other one back.
            Some(signature)
                if !is_signed(signed, &signature.replace('-', "+").replace('_', "/")) && !is_dummy(signature) =>
            {
                return Err(Refusal::bad("Corrupted thought signature."));
            }
            None if is_strict && is_first_call && name.is_some() => {
                return Err(Refusal::bad(format!(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to \
                     work correctly. Function call `{}` , position {place}.",
                    name.unwrap_or_default()
                )));
            }
            _ => {}
        }
        is_first_call = is_first_call && name.is_none();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signature::sign;
    use super::*;

    fn talk(signature: Option<&str>) -> Vec<Value> {
        let mut call = json!({ "functionCall": { "name": "f", "args": {} } });
        if let Some(signature) = signature {
            call["thoughtSignature"] = signature.into();
        }
        vec![
            json!({ "role": "user", "parts": [{ "text": "x" }] }),
            json!({ "role": "model", "parts": [call] }),
            json!({ "role": "user", "parts": [{ "functionResponse": { "name": "f", "response": {} } }] }),
        ]
    }

    fn refusal(signature: Option<&str>, model: &str) -> Option<String> {
        let mut prompt = Prompt { model: model.to_owned(), ..Prompt::default() };
        contents(&talk(signature), &mut prompt).err().map(|refusal| refusal.message)
    }

    #[test]
    fn newer_models_want_the_signature_of_a_call_back() {
        let own = sign("f");
        let other_alphabet = own.replace('+', "-").replace('/', "_");
        assert!(refusal(None, "gemini-3-pro").is_some_and(|said| said.contains("missing a thought_signature")));
        assert!(refusal(Some("AAAA"), "gemini-2.5-pro").is_some_and(|said| said.contains("Corrupted")));
        for signature in [own.as_str(), &other_alphabet, "skip_thought_signature_validator"] {
            assert_eq!(refusal(Some(signature), "gemini-3-pro"), None, "{signature}");
        }
        assert_eq!(refusal(None, "gemini-2.5-pro"), None);
    }
}
