//! Forms with files (RFC 7578 `multipart/form-data`), read while they arrive and never held.
//!
//! The scanner notes the few fields that the gateway acts on and where every part stands; the bytes themselves stay where the
//! caller keeps them. What goes on to the provider is the form as it came with one [`Edit`]: its own name of the model.
//!
//! Two readers of one form must not see two models, so everything that some servers read differently is refused: a boundary
//! without its line break, a field twice, two names on one part, a field in the guise of a file.

mod part_header;
mod scanner;

use std::ops::Range;

use bytes::Bytes;
use deltallm_shared::error::{ApiError, ErrorCode};
pub use scanner::FormScanner;

/// The fields that the gateway reads. Each stands in a form once at most.
pub const FIELDS: [&str; 12] = [
    "model",
    "stream",
    "stream_format",
    "response_format",
    "language",
    "n",
    "prompt",
    "size",
    "quality",
    "purpose",
    "user",
    "x-deltallm-model",
];

/// A form that was read to its end. Ranges count bytes from the beginning of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The fields of [`FIELDS`] that are there.
    pub fields: Vec<Field>,
    /// The files, in their order.
    pub files: Vec<FilePart>,
    /// Where the last boundary begins.
    closing: u64,
    /// The last boundary's line up to its two last dashes.
    delimiter: Vec<u8>,
    /// The length of the whole body.
    pub length: u64,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, one of [`FIELDS`].
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Where the value stands.
    pub value_at: Range<u64>,
    /// Where the part stands, from its boundary to the next one.
    pub part_at: Range<u64>,
}

/// A file of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePart {
    /// The field's name: `file`, `image[]`, `mask`.
    pub name: String,
    /// What the client calls the file.
    pub filename: String,
    /// What it says to be, empty where it says nothing.
    pub content_type: String,
    /// Where its bytes stand.
    pub at: Range<u64>,
}

/// Bytes in place of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty range inserts.
    pub at: Range<u64>,
    /// What stands there afterwards.
    pub text: Bytes,
}

impl Form {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.part(name).map(|field| field.value.as_str())
    }

    /// Whether a field says `true`, the way form fields do.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.field(name) {
            None | Some("" | "false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(_) => Err(about(name, format!("`{name}` must be true or false."))),
        }
    }

    /// How many things are asked for in `n`.
    pub fn count(&self) -> Result<u64, ApiError> {
        match self.field("n") {
            None | Some("") => Ok(1),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| about("n", "`n` must be a whole number above 0.".to_owned())),
        }
    }

    /// Puts the provider's name of the model into the form, whether or not a name stands there already.
    pub fn with_model(&self, upstream_model: &str) -> Option<Edit> {
        match self.part("model") {
            Some(field) if field.value == upstream_model => None,
            Some(field) => {
                Some(Edit { at: field.value_at.clone(), text: Bytes::copy_from_slice(upstream_model.as_bytes()) })
            }
            None => {
                let mut text = self.delimiter.clone();
                text.extend_from_slice(b"\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n");
                text.extend_from_slice(upstream_model.as_bytes());
                text.extend_from_slice(b"\r\n");
                Some(Edit { at: self.closing..self.closing, text: text.into() })
            }
        }
    }

    /// Takes a field out of the form: one that is meant for the gateway alone.
    pub fn without(&self, name: &str) -> Option<Edit> {
        self.part(name).map(|field| Edit { at: field.part_at.clone(), text: Bytes::new() })
    }

    fn part(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The boundary that a `content-type` names; `None` where it is no form.
pub fn boundary(content_type: &str) -> Option<Result<String, ApiError>> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundaries: Vec<String> = part_header::parameters(parameters)
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value)
        .collect();
    let is_usable = |text: &String| {
        (1..=70).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte))
            && !text.ends_with(' ')
    };
    Some(match boundaries.as_slice() {
        [only] if is_usable(only) => Ok(only.clone()),
        _ => Err(broken("`content-type` names no usable boundary")),
    })
}

fn broken(reason: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, format!("The body is not a valid form: {reason}."))
}

fn about(name: &str, text: String) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, name, text)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
