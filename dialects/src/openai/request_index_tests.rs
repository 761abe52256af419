//! What is found in a body, what is refused, and that the rest stays as it came.

use proptest::prelude::*;

use super::*;

fn read(body: &str) -> Result<RequestIndex, ApiError> {
    RequestIndex::read(body.as_bytes(), "messages")
}

fn rewritten(body: &str, model: &str) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let out = read(body).unwrap().rewrite(&bytes, model, true);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn the_fields_that_matter_are_found() {
    let index = read(
        r#" {"max_tokens":7,"n":2,"user":"u\u00e9","messages":[{"role":"user"}],"stream":true,"model":"a\/b","stream_options":{"include_usage":true}}"#,
    )
    .unwrap();
    assert_eq!((index.model.as_str(), index.stream, index.include_usage), ("a/b", true, true));
    assert_eq!((index.max_output_tokens, index.answers, index.end_user.as_deref()), (Some(7), 2, Some("ué")));
}

#[test]
fn only_the_model_and_the_request_for_usage_change() {
    let cases = [
        (r#"{ "model" : "a", "messages":[1], "x":1.50e+1 }"#, r#"{ "model" : "b", "messages":[1], "x":1.50e+1 }"#),
        (
            r#"{"model":"a","messages":[1],"stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"b","messages":[1],"stream":true}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"x":1},"messages":[1]}"#,
            r#"{"model":"b","stream":true,"stream_options":{"include_usage":true,"x":1},"messages":[1]}"#,
        ),
        (
            r#"{"stream_options":{"include_usage":false},"model":"a","stream":true,"messages":[1]}"#,
            r#"{"stream_options":{"include_usage":true},"model":"b","stream":true,"messages":[1]}"#,
        ),
        (
            r#"{"stream_options":{ },"model":"a","stream":true,"messages":[1]}"#,
            r#"{"stream_options":{"include_usage":true},"model":"b","stream":true,"messages":[1]}"#,
        ),
        (
            r#"{"stream_options":null,"model":"a","stream":true,"messages":[1]}"#,
            r#"{"stream_options":{"include_usage":true},"model":"b","stream":true,"messages":[1]}"#,
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(rewritten(body, "b"), expected);
    }
}

#[test]
fn a_body_that_needs_no_change_is_not_copied() {
    let body = Bytes::from_static(br#"{"model":"a","messages":[1]}"#);
    let same = read(std::str::from_utf8(&body).unwrap()).unwrap().rewrite(&body, "a", true);
    assert_eq!(same.as_ptr(), body.as_ptr());
}

#[test]
fn mistakes_name_the_parameter() {
    let cases = [
        (r#"{"messages":[1]}"#, Some("model")),
        (r#"{"model":"a"}"#, Some("messages")),
        (r#"{"model":5,"messages":[1]}"#, Some("model")),
        (r#"{"model":"","messages":[1]}"#, Some("model")),
        (r#"{"model":"a","messages":"hi"}"#, Some("messages")),
        (r#"{"model":"a","messages":[ ]}"#, Some("messages")),
        (r#"{"model":"a","messages":[1],"stream":"yes"}"#, Some("stream")),
        (r#"{"model":"a","messages":[1],"n":0}"#, Some("n")),
        (r#"{"model":"a","messages":[1],"max_tokens":-1}"#, Some("max_tokens")),
        (r#"{"model":"a","messages":[1],"stream_options":7}"#, Some("stream_options")),
        (r#"{"model":"a","messages":[1],"model":"b"}"#, Some("model")),
        (r#"{"model":"a","messages":[1],"mod\u0065l":"b"}"#, Some("model")),
        ("[]", None),
        ("", None),
        ("{", None),
        (r#"{"model":"a","messages":[1]"#, None),
        (r#"{"model":"a","messages":[1}"#, None),
        (r#"{"model":"a","messages":[1]} x"#, None),
        ("null", None),
    ];
    for (body, param) in cases {
        let error = read(body).expect_err(body);
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{body}");
        assert_eq!(error.param.as_deref(), param, "{body}: {}", error.message);
    }
}

#[test]
fn deep_nesting_is_refused_and_brackets_in_text_are_not() {
    for depth in [1_000, 2_000_000] {
        let body = format!(r#"{{"model":"a","messages":{}"#, "[".repeat(depth));
        assert!(read(&body).unwrap_err().message.contains("nested"));
    }
    let text = "[{".repeat(10_000);
    assert!(read(&format!(r#"{{"model":"a","messages":[{{"content":"{text}\""}}]}}"#)).is_ok());
}

proptest! {
    #[test]
    fn reading_never_panics(body in "\\PC{0,80}") {
        let _ = read(&body);
    }

    #[test]
    fn broken_bodies_never_panic(cut in 0_usize..120, flip in 0_usize..120, to: u8) {
        let whole = br#"{"model":"a\"b","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":false}}"#;
        let mut body = whole[..cut.min(whole.len())].to_vec();
        if let Some(byte) = body.get_mut(flip) {
            *byte = to;
        }
        if let Ok(index) = RequestIndex::read(&body, "messages") {
            let _ = index.rewrite(&Bytes::from(body), "other", true);
        }
    }

    #[test]
    fn unknown_members_survive_byte_for_byte(name in "[a-z]{3}x", value in "-?[1-9][0-9]{0,3}\\.[0-9]{2}[eE]1", gap in "[ \t\n]{0,3}") {
        let body = format!("{{\"model\":{gap}\"a\",{gap}\"{name}\":{value}{gap},\"messages\":[1]}}");
        prop_assert_eq!(rewritten(&body, "b"), body.replacen("\"a\"", "\"b\"", 1));
    }
}
