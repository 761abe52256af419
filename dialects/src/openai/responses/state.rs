//! What of a Responses request only a provider can serve that keeps responses, conversations or prompts itself. Such requests
//! are passed through to one; they are never translated, because what they refer to is not in them.

use deltallm_shared::error::{ApiError, ErrorCode};
use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use crate::openai::request_index::RequestIndex;

/// The field that refers to what a provider keeps; `None` where the request holds all that is needed, or is no JSON at all.
/// Cheap: values are skipped, not parsed.
pub fn needs_state(body: &[u8]) -> Option<&'static str> {
    sonic_rs::to_object_iter(body).map_while(Result::ok).find_map(|(key, value)| match key.as_ref() {
        "previous_response_id" => is_given(&value).then_some("previous_response_id"),
        "conversation" => is_given(&value).then_some("conversation"),
        "prompt" => is_given(&value).then_some("prompt"),
        "background" => (value.as_bool() == Some(true)).then_some("background"),
        "input" => refers_to_items(&value).then_some("input"),
        _ => None,
    })
}

/// Reads what the gateway acts on. `input` may be missing only where the provider knows the prompt already. `path_model`: see
/// [`RequestIndex::read_for`].
pub fn read_index(body: &[u8], path_model: Option<&str>) -> Result<RequestIndex, ApiError> {
    let required = if needs_state(body).is_some() { "" } else { "input" };
    RequestIndex::read_for(body, required, path_model)
}

/// Why a request that refers to kept state is refused.
pub(super) fn refusal(field: &str) -> ApiError {
    let instead = match field {
        "background" => "Leave it out; a stream shows progress too.",
        "prompt" => "Put the prompt's text into `instructions` and `input`.",
        _ => "Send the earlier items themselves in `input`.",
    };
    let text = format!(
        "`{field}` refers to what a provider keeps. Only providers which keep state can serve it, and the provider of this \
         model does not. {instead}"
    );
    ApiError::about(ErrorCode::InvalidRequest, field, text)
}

/// Whether an item only names another one: `{"type":"item_reference","id":…}`, or the id alone.
pub(super) fn is_reference(kind: Option<&str>, has_id: bool, has_role: bool) -> bool {
    kind.map_or(has_id && !has_role, |kind| kind == "item_reference")
}

fn is_given(value: &LazyValue<'_>) -> bool {
    value.get_type() != JsonType::Null
}

fn refers_to_items(input: &LazyValue<'_>) -> bool {
    if input.get_type() != JsonType::Array {
        return false;
    }
    sonic_rs::to_array_iter(input.as_raw_str()).map_while(Result::ok).any(|item| {
        let kind = item.get("type").filter(is_given);
        let kind = kind.as_ref().and_then(JsonValueTrait::as_str);
        is_reference(kind, item.get("id").is_some(), item.get("role").is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_refers_to_state_is_named() {
        let cases = [
            (r#"{"model":"m","input":"hi"}"#, None),
            (r#"{"previous_response_id":"resp_1","input":"hi"}"#, Some("previous_response_id")),
            (r#"{"previous_response_id":null,"input":"hi"}"#, None),
            (r#"{"input":"hi","conversation":{"id":"conv_1"}}"#, Some("conversation")),
            (r#"{"prompt":{"id":"pmpt_1"}}"#, Some("prompt")),
            (r#"{"background":true,"input":"hi"}"#, Some("background")),
            (r#"{"background":false,"input":"hi"}"#, None),
            (r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#, Some("input")),
            (r#"{"input":[{"role":"user","content":"hi"},{"id":"msg_1"}]}"#, Some("input")),
            (r#"{"input":[{"type":null,"id":"msg_1"}]}"#, Some("input")),
            (r#"{"input":[{"id":"msg_1","role":"assistant","content":"hi"}]}"#, None),
            (r#"{"input":[{"type":"function_call","id":"fc_1"}]}"#, None),
            (r#"{"input":[{"type":"message","content":"an item_reference"}]}"#, None),
            ("[", None),
            ("", None),
        ];
        for (body, field) in cases {
            assert_eq!(needs_state(body.as_bytes()), field, "{body}");
        }
    }

    #[test]
    fn the_index_needs_an_input_or_something_that_is_kept() {
        let index = read_index(br#"{"model":"m","input":"hi","max_output_tokens":7,"stream":true}"#, None).unwrap();
        assert_eq!((index.model.as_str(), index.stream, index.max_output_tokens), ("m", true, Some(7)));
        let index = read_index(br#"{"input":"hi"}"#, Some("m")).unwrap();
        assert_eq!((index.model.as_str(), index.prompt), ("m", 9..13));
        assert_eq!(read_index(br#"{"model":"m"}"#, None).unwrap_err().param.as_deref(), Some("input"));
        assert!(read_index(br#"{"model":"m","prompt":{"id":"pmpt_1"}}"#, None).is_ok());
        assert!(read_index(br#"{"model":"m","previous_response_id":"resp_1"}"#, None).is_ok());
    }
}
