//! Reading of JSON bodies whose vendors refuse what they do not know.

use serde_json::{Map, Value};

/// The member `key` as text.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The member `key` as a list; empty where there is none.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts in the list `key`.
pub fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The first member that is not in `known`.
pub fn unknown<'a>(value: &'a Value, known: &[&str]) -> Option<&'a str> {
    members(value)?.keys().map(String::as_str).find(|name| !known.contains(name))
}

/// The members of an object.
pub fn members(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}
