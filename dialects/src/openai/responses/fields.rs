//! The members of a JSON object of a request, taken out one after another: what is left at the end is unknown to the dialect.
//! A member that is `null` is as if it were not there, as OpenAI treats it.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Number, Value};

/// An object and where it stands in the body.
#[derive(Debug)]
pub(super) struct Fields {
    path: String,
    members: Map<String, Value>,
}

impl Fields {
    /// The members of an object at `path` (empty for the body itself).
    pub fn of(value: Value, path: impl Into<String>) -> Result<Self, ApiError> {
        let path = path.into();
        match value {
            Value::Object(members) => Ok(Self { path, members }),
            _ if path.is_empty() => Err(ApiError::new(ErrorCode::InvalidRequest, "The body must be a JSON object.")),
            _ => Err(wrong_type(&path, "an object")),
        }
    }

    /// Where a member stands.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Any value but `null`.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Looks at a string without taking it.
    pub fn peek(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// Whether there is such a member with a value.
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// A string.
    pub fn string(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    /// A string that must be there.
    pub fn required_string(&mut self, name: &str) -> Result<String, ApiError> {
        self.string(name)?.ok_or_else(|| self.missing(name))
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    /// A whole number from 0.
    pub fn whole(&mut self, name: &str) -> Result<Option<u64>, ApiError> {
        let value = self.take(name);
        value.map(|value| value.as_u64().ok_or_else(|| self.wrong(name, "a whole number"))).transpose()
    }

    /// Any number, in the text that the client wrote.
    pub fn number(&mut self, name: &str) -> Result<Option<Number>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(_) => Err(self.wrong(name, "a number")),
        }
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Result<Option<Map<String, Value>>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// An object whose own members are read.
    pub fn nested(&mut self, name: &str) -> Result<Option<Self>, ApiError> {
        let path = self.path_of(name);
        self.take(name).map(|value| Self::of(value, path)).transpose()
    }

    /// An array.
    pub fn array(&mut self, name: &str) -> Result<Option<Vec<Value>>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(_) => Err(self.wrong(name, "an array")),
        }
    }

    /// What nobody has taken.
    pub fn rest(self) -> Map<String, Value> {
        self.members
    }

    /// The member is of another type or has an unknown value.
    pub fn wrong(&self, name: &str, expected: &str) -> ApiError {
        wrong_type(&self.path_of(name), expected)
    }

    /// The member is not there.
    pub fn missing(&self, name: &str) -> ApiError {
        let path = self.path_of(name);
        let text = format!("The body has no `{path}`.");
        ApiError::about(ErrorCode::InvalidRequest, path, text)
    }
}

/// The value at `path` is of another type or unknown.
pub(super) fn wrong_type(path: &str, expected: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, path, format!("`{path}` must be {expected}."))
}
