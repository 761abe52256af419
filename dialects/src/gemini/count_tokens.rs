//! `:countTokens` for clients: what is to be counted, and the answer.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::value::RawValue;

use super::{object::Object, request_reader};
use crate::canonical::ChatRequest;

/// Reads `{"contents":[…]}` or `{"generateContentRequest":{…}}`; the second one counts system prompt and tools too.
pub fn read_request(body: &[u8], path_model: Option<&str>) -> Result<ChatRequest, ApiError> {
    let raw: &RawValue = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, format!("The body is not JSON: {error}.")))?;
    let mut body = Object::read(raw, "")?;
    match body.take_object("generateContentRequest")? {
        Some(inner) => request_reader::read_object(inner, path_model, false),
        None => request_reader::read_object(body, path_model, false),
    }
}

/// The answer.
pub fn write_answer(total_tokens: u64) -> Vec<u8> {
    format!("{{\"totalTokens\":{total_tokens}}}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let plain = br#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;
        let whole = br#"{"generateContentRequest":{"model":"models/m","contents":{"parts":{"text":"Hi"}},"system_instruction":{"parts":[{"text":"Be brief."}]}}}"#;
        assert_eq!(read_request(plain, Some("m")).unwrap().messages.len(), 1);
        let request = read_request(whole, None).unwrap();
        assert_eq!((request.model.as_str(), request.messages.len()), ("m", 2));
        assert_eq!(write_answer(31), br#"{"totalTokens":31}"#);
    }
}
