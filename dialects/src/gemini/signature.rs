//! Signatures of thoughts, and whose they are.
//!
//! Vendors sign thoughts and want the signature back with the next request; a foreign signature is an error there. A conversation
//! may change its vendor between two requests, so the canonical form says which signatures are Google's: they carry a mark that
//! cannot occur in base64. Google's SDKs hold `thoughtSignature` as bytes, so towards Gemini clients a foreign signature is
//! wrapped in base64, and is recognised when it comes back.
//!
//! Signatures of tool calls need no mark: only Gemini has them.

use base64::{Engine, engine::general_purpose::STANDARD};

const MARK: &str = "gemini:";
const FOREIGN_SIGNATURE: &str = "signature:";
const FOREIGN_DATA: &str = "encrypted:";

/// Google's documented word for a tool call that the model did not make itself: its validator lets it pass.
pub(super) const NOT_BY_GEMINI: &str = "skip_thought_signature_validator";

/// Whether the signature of a thought is marked as one vendor's own, as Google's are.
pub fn is_marked(signature: &str) -> bool {
    signature.contains(':')
}

/// A signature that Google gave, for the canonical form.
pub(super) fn mark(signature: &str) -> String {
    format!("{MARK}{signature}")
}

/// A signature for Google, or `None` where it is another vendor's.
pub(super) fn for_google(signature: &str) -> Option<&str> {
    signature.strip_prefix(MARK)
}

/// What a Gemini client is given for a signature, or for data that only the vendor can read.
pub(super) fn for_client(signature: Option<&str>, encrypted: Option<&str>) -> Option<String> {
    match (signature, encrypted) {
        (_, Some(data)) => Some(STANDARD.encode(format!("{FOREIGN_DATA}{data}"))),
        (Some(signature), None) => Some(match for_google(signature) {
            Some(own) => own.to_owned(),
            None => STANDARD.encode(format!("{FOREIGN_SIGNATURE}{signature}")),
        }),
        (None, None) => None,
    }
}

/// What a Gemini client gives back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Returned {
    /// A signature.
    Signature(String),
    /// Data that only the vendor can read.
    Encrypted(String),
}

/// Reads what a Gemini client gives back.
pub(super) fn from_client(text: &str) -> Returned {
    // Google's libraries hold bytes and write them in the other alphabet of base64.
    let standard = text.replace('-', "+").replace('_', "/");
    let wrapped = STANDARD.decode(standard).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(wrapped) = wrapped {
        if let Some(signature) = wrapped.strip_prefix(FOREIGN_SIGNATURE) {
            return Returned::Signature(signature.to_owned());
        }
        if let Some(data) = wrapped.strip_prefix(FOREIGN_DATA) {
            return Returned::Encrypted(data.to_owned());
        }
    }
    Returned::Signature(mark(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_comes_back_to_the_vendor_that_gave_it() {
        let googles = mark("AbC=");
        assert_eq!(for_client(Some(&googles), None).unwrap(), "AbC=");
        assert_eq!(from_client("AbC="), Returned::Signature(googles.clone()));
        assert_eq!(for_google(&googles), Some("AbC="));

        let anothers = "ErUBCkYIBxgCIkD=";
        let wrapped = for_client(Some(anothers), None).unwrap();
        assert_eq!(from_client(&wrapped), Returned::Signature(anothers.to_owned()));
        assert_eq!(for_google(anothers), None);

        let odd = "??>>ErUB";
        let wrapped = for_client(Some(odd), None).unwrap().replace('+', "-").replace('/', "_");
        assert!(wrapped.contains(['-', '_']));
        assert_eq!(from_client(&wrapped), Returned::Signature(odd.to_owned()));

        let wrapped = for_client(None, Some("gAAAA-_x")).unwrap();
        assert_eq!(from_client(&wrapped), Returned::Encrypted("gAAAA-_x".to_owned()));
    }
}
