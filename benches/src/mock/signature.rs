//! Signatures of what the model thought: the vendor gives them, and wants them back unchanged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The signature of a text.
pub fn sign(text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"mock-upstream signature\0");
    hash.update(text.as_bytes());
    STANDARD.encode(hash.finalize())
}

/// Whether a signature belongs to a text.
pub fn is_signed(text: &str, signature: &str) -> bool {
    sign(text) == signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_belongs_to_one_text() {
        assert!(is_signed("a thought", &sign("a thought")));
        assert!(!is_signed("another thought", &sign("a thought")));
        assert!(STANDARD.decode(sign("")).is_ok());
    }
}
