//! A JSON object of a request that is taken apart field by field, so that an error names the path of the field at fault.

use std::fmt;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Number, Value};

/// Where in a body something stands: `messages[0].content[1]`. Costs nothing until it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

impl Path<'_> {
    /// The error that something here must be something else.
    pub fn must_be(&self, what: &str) -> ApiError {
        let path = self.to_string();
        if path.is_empty() {
            return ApiError::new(ErrorCode::InvalidRequest, format!("The body must be {what}."));
        }
        let message = format!("`{path}` must be {what}.");
        ApiError::about(ErrorCode::InvalidRequest, path, message)
    }
}

/// An object whose fields are taken out one by one. A field that is `null` counts as left out.
pub(super) struct Object<'p> {
    path: Path<'p>,
    fields: Map<String, Value>,
}

impl<'p> Object<'p> {
    /// The object at a path.
    pub fn new(value: Value, path: Path<'p>) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self { path, fields }),
            _ => Err(path.must_be("an object")),
        }
    }

    /// The error that a field must be something else.
    pub fn must_be(&self, name: &str, what: &str) -> ApiError {
        Path::Field(&self.path, name).must_be(what)
    }

    /// Any field.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A field without taking it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A text that has to be there.
    pub fn text(&mut self, name: &str) -> Result<String, ApiError> {
        self.optional_text(name)?.ok_or_else(|| self.must_be(name, "a string"))
    }

    /// A text that may be there.
    pub fn optional_text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.must_be(name, "a string")),
        }
    }

    /// A boolean that may be there.
    pub fn optional_bool(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.must_be(name, "true or false")),
        }
    }

    /// A whole number that may be there.
    pub fn optional_count(&mut self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(count) => Ok(Some(count)),
                None => Err(self.must_be(name, "a whole number that is not negative")),
            },
        }
    }

    /// A number that may be there.
    pub fn optional_number(&mut self, name: &str) -> Result<Option<Number>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(_) => Err(self.must_be(name, "a number")),
        }
    }

    /// A list that may be there.
    pub fn optional_list(&mut self, name: &str) -> Result<Vec<Value>, ApiError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.must_be(name, "a list")),
        }
    }

    /// What was not taken.
    pub fn rest(self) -> Map<String, Value> {
        self.fields
    }
}
