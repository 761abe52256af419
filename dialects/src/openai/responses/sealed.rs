//! What a vendor wants back with its thoughts, in the one field that clients of the Responses API send back unread:
//! `encrypted_content` of a reasoning item.
//!
//! What a vendor encrypted stands there as it came. A signature, which other dialects have and this one has not, is put into a
//! form of our own: `deltallm.reasoning.` and base64 of `{"signature","encrypted","call"}`. It is no secret from the client,
//! who may have it anyway; the vendor checks it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "deltallm.reasoning.";

/// What goes back to the vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// See `PartKind::Reasoning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// See `PartKind::Reasoning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// The tool call that the signature belongs to (`PartKind::ToolCall`); `None`: the thoughts themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
}

impl Sealed {
    /// As text for `encrypted_content`; `None` where there is nothing.
    pub fn to_text(&self) -> Option<String> {
        if self.signature.is_none() {
            return self.encrypted.clone();
        }
        let json = serde_json::to_vec(self).unwrap_or_default();
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json)))
    }

    /// Reads `encrypted_content`. What is not of our form, or was changed on its way, is the vendor's.
    pub fn of_text(text: String) -> Self {
        let ours = text.strip_prefix(PREFIX).and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok());
        match ours.and_then(|json| serde_json::from_slice(&json).ok()) {
            Some(sealed) => sealed,
            None => Self { encrypted: Some(text), ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_and_a_vendors_own_text_is_left_alone() {
        let signed = Sealed { signature: Some("Eq+/=".into()), ..Sealed::default() };
        let text = signed.to_text().unwrap();
        assert!(text.starts_with(PREFIX) && !text.contains('='), "{text}");
        assert_eq!(Sealed::of_text(text), signed);

        let foreign = Sealed { encrypted: Some("gAAAAB".into()), ..Sealed::default() };
        assert_eq!(foreign.to_text().as_deref(), Some("gAAAAB"));
        assert_eq!(Sealed::of_text("gAAAAB".into()), foreign);
        assert_eq!(Sealed::default().to_text(), None);
        assert_eq!(Sealed::of_text("deltallm.reasoning.?".into()).signature, None);
    }
}
