//! What a vendor says no to, before it is put into the vendor's own words.

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// For people; what the caller has to change.
    pub message: String,
    /// The field at fault, for vendors who name it apart.
    pub param: Option<String>,
    /// The vendor's own code, where the request asked for one.
    pub code: Option<String>,
}

impl Refusal {
    /// The request is wrong.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: None, code: None }
    }

    /// The field at `param` is wrong.
    pub fn field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::bad(message) }
    }

    /// The credential is missing or wrong.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: 401, ..Self::bad(message) }
    }

    /// There is nothing at this path.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: 404, ..Self::bad(message) }
    }
}
