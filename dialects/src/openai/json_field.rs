//! Reads the fields of a request's JSON and says which one is wrong.

use std::fmt;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Number, Value};

/// Where a value stands: `messages[0].content[1].text`. It costs nothing until it is written.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    /// A member of the body.
    pub const fn member(name: &'a str) -> Self {
        Self { parent: None, step: Step::Member(name) }
    }

    /// A member of what stands here.
    pub const fn then<'b>(&'b self, name: &'b str) -> Place<'b>
    where
        'a: 'b,
    {
        Place { parent: Some(self), step: Step::Member(name) }
    }

    /// An item of what stands here.
    pub const fn item<'b>(&'b self, index: usize) -> Place<'b>
    where
        'a: 'b,
    {
        Place { parent: Some(self), step: Step::Item(index) }
    }

    /// It must be something else.
    pub fn must_be(&self, expected: &str) -> ApiError {
        ApiError::about(ErrorCode::InvalidRequest, self.to_string(), format!("`{self}` must be {expected}."))
    }

    /// It must be there.
    pub fn is_missing(&self) -> ApiError {
        ApiError::about(ErrorCode::InvalidRequest, self.to_string(), format!("`{self}` is missing."))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Member(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Member(name) => f.write_str(name),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

/// The body as an object.
pub fn body(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let broken = |reason: &str| {
        let reason = reason.trim_end_matches('.');
        ApiError::new(ErrorCode::InvalidRequest, format!("The body is not valid JSON: {reason}."))
    };
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(broken("it is not an object")),
        Err(error) => Err(broken(&error.to_string())),
    }
}

/// A string.
pub fn string(value: Value, at: Place<'_>) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(at.must_be("a string")),
    }
}

/// A number, as the client wrote it.
pub fn number(value: Value, at: Place<'_>) -> Result<Number, ApiError> {
    match value {
        Value::Number(number) => Ok(number),
        _ => Err(at.must_be("a number")),
    }
}

/// A whole number from 0.
pub fn count(value: &Value, at: Place<'_>) -> Result<u64, ApiError> {
    value.as_u64().ok_or_else(|| at.must_be("a whole number, 0 or more"))
}

/// A whole number.
pub fn integer(value: &Value, at: Place<'_>) -> Result<i64, ApiError> {
    value.as_i64().ok_or_else(|| at.must_be("a whole number"))
}

/// True or false.
pub fn boolean(value: &Value, at: Place<'_>) -> Result<bool, ApiError> {
    value.as_bool().ok_or_else(|| at.must_be("true or false"))
}

/// An object.
pub fn object(value: Value, at: Place<'_>) -> Result<Map<String, Value>, ApiError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(at.must_be("an object")),
    }
}

/// An array.
pub fn array(value: Value, at: Place<'_>) -> Result<Vec<Value>, ApiError> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(at.must_be("an array")),
    }
}

/// An array of strings, or one string.
pub fn strings(value: Value, at: Place<'_>) -> Result<Vec<String>, ApiError> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(items) => {
            items.into_iter().enumerate().map(|(index, item)| string(item, at.item(index))).collect()
        }
        _ => Err(at.must_be("a string or an array of strings")),
    }
}

/// A member that may be absent or null.
pub fn optional(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    members.shift_remove(name).filter(|value| !value.is_null())
}

/// A string that must be there.
pub fn required_string(members: &mut Map<String, Value>, name: &str, at: Place<'_>) -> Result<String, ApiError> {
    let at = at.then(name);
    string(optional(members, name).ok_or_else(|| at.is_missing())?, at)
}

/// A string that may be there.
pub fn optional_string(
    members: &mut Map<String, Value>,
    name: &str,
    at: Place<'_>,
) -> Result<Option<String>, ApiError> {
    optional(members, name).map(|value| string(value, at.then(name))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_the_whole_way() {
        let messages = Place::member("messages");
        let content = messages.item(3);
        let content = content.then("content");
        assert_eq!(content.item(0).then("text").to_string(), "messages[3].content[0].text");
        let error = string(Value::Null, content).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[3].content"));
        assert_eq!(error.message, "`messages[3].content` must be a string.");
    }
}
