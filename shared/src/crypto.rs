//! Everything that is derived from the installation's salt key, and how virtual keys are made and looked up.
//!
//! One secret (`DELTALLM_SALT_KEY`) gives, by HKDF-SHA256 with a label each: the HMAC key under which virtual keys are looked
//! up, the AEAD key under which provider credentials rest and travel, and the token of the internal API. Nobody who reads the
//! database or the snapshot file gets a usable key out of it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

const NONCE_BYTES: usize = 24;
const SEALED_VERSION: &str = "v1";
const MIN_SALT_CHARS: usize = 16;
/// 43 characters of 62 hold 256 bits.
const KEY_RANDOM_CHARS: usize = 43;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Values that people leave in place; to accept one would be to publish the secret.
const PLACEHOLDERS: [&str; 9] = [
    "change-me",
    "changeme",
    "change_me",
    "your-salt-key",
    "your-master-key",
    "placeholder",
    "secret",
    "password",
    "sk-1234",
];

/// Why a secret cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// A salt or master key that protects nothing.
    #[error("it is a placeholder or shorter than {MIN_SALT_CHARS} characters; make one with `openssl rand -hex 32`")]
    WeakSecret,
    /// Not in the sealed form `v1.<key id>.<data>`.
    #[error("not a sealed value")]
    NotSealed,
    /// Sealed under another salt key.
    #[error("sealed under another key (id {0}); was DELTALLM_SALT_KEY changed?")]
    OtherKey(String),
    /// Altered, or its context differs.
    #[error("the sealed value was altered")]
    Altered,
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandom,
}

/// Refuses placeholders and short secrets; for the salt key and the master key alike.
pub fn check_strength(secret: &str) -> Result<(), CryptoError> {
    let lower = secret.to_ascii_lowercase();
    if secret.chars().count() < MIN_SALT_CHARS
        || PLACEHOLDERS.iter().any(|word| lower == *word || lower == format!("sk-{word}"))
    {
        return Err(CryptoError::WeakSecret);
    }
    // `change-me-please-please` is as bad as `change-me`.
    if lower.contains("change-me") || lower.contains("changeme") || lower.contains("change_me") {
        return Err(CryptoError::WeakSecret);
    }
    Ok(())
}

/// The installation's one secret, from which the others are derived.
pub struct SaltKey(Hkdf<Sha256>);

impl SaltKey {
    /// From `DELTALLM_SALT_KEY`.
    pub fn new(salt: &Secret<String>) -> Result<Self, CryptoError> {
        check_strength(salt.expose())?;
        Ok(Self(Hkdf::new(Some(b"deltallm salt key v1"), salt.expose().as_bytes())))
    }

    /// A key that lives as long as this process: for a proxy whose keys all stand in its own configuration file.
    pub fn ephemeral() -> Result<Self, CryptoError> {
        let random: [u8; 32] = random_bytes()?;
        Ok(Self(Hkdf::new(None, &random)))
    }

    fn derive(&self, label: &str) -> [u8; 32] {
        let mut out = [0; 32];
        // 32 bytes are far below HKDF's limit of 255 blocks, the only error there is.
        let _ = self.0.expand(label.as_bytes(), &mut out);
        out
    }

    /// The look-up of virtual keys.
    pub fn key_hasher(&self) -> KeyHasher {
        let key = self.derive("virtual key look-up v1");
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(&key);
        // A key shorter than the hash's block is padded with zeros by definition, so the whole block is the same key.
        KeyHasher(<Hmac<Sha256> as hmac::KeyInit>::new(&block.into()))
    }

    /// The box for provider credentials.
    pub fn secret_box(&self) -> SecretBox {
        let key = self.derive("secret box v1");
        let id = hex(&Sha256::digest(key)[..4]);
        SecretBox { cipher: XChaCha20Poly1305::new(&key.into()), id }
    }

    /// Marks names of things at providers with their owner, see [`OwnerSeal`].
    pub fn owner_seal(&self) -> OwnerSeal {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.derive("owner of things at providers v1"));
        OwnerSeal(<Hmac<Sha256> as hmac::KeyInit>::new(&block.into()))
    }

    /// The bearer token of the internal API between proxy and admin.
    pub fn internal_token(&self) -> Secret<String> {
        Secret::new(URL_SAFE_NO_PAD.encode(self.derive("internal api token v1")))
    }
}

/// What a virtual key is looked up by: HMAC-SHA256 of the whole key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({}…)", hex(&self.0[..4]))
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = unhex(&text).ok_or_else(|| D::Error::custom("not a key hash"))?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("not a key hash"))
    }
}

/// Makes [`KeyHash`]es. Holds the HMAC with its key already absorbed, which halves the work of each look-up.
#[derive(Clone)]
pub struct KeyHasher(Hmac<Sha256>);

impl KeyHasher {
    /// The hash under which `virtual_key` is stored and found.
    pub fn hash(&self, virtual_key: &str) -> KeyHash {
        let mut mac = self.0.clone();
        mac.update(virtual_key.as_bytes());
        KeyHash(mac.finalize().into_bytes().into())
    }
}

/// Says in 22 characters to whom something belongs, so that nobody else can name it: an HMAC of its owner and its name.
#[derive(Clone)]
pub struct OwnerSeal(Hmac<Sha256>);

impl OwnerSeal {
    /// How many bytes of the HMAC a mark holds: 128 bits, as RFC 2104 recommends at least.
    const MARK_BYTES: usize = 16;

    /// The mark of these parts, whose borders count.
    pub fn mark(&self, parts: &[&[u8]]) -> String {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..Self::MARK_BYTES])
    }

    /// Whether a mark is that of these parts, in a time that tells nothing.
    pub fn is_mark(&self, mark: &str, parts: &[&[u8]]) -> bool {
        constant_time_eq(mark, &self.mark(parts))
    }
}

/// Seals provider credentials (XChaCha20-Poly1305, a random nonce each).
#[derive(Clone)]
pub struct SecretBox {
    cipher: XChaCha20Poly1305,
    id: String,
}

/// A sealed credential as text: `v1.<key id>.<base64url of nonce and ciphertext>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

impl SecretBox {
    /// Seals a secret for one place: `context` (such as the deployment's id) must be the same at opening, so that a sealed
    /// value cannot be moved to another row.
    pub fn seal(&self, secret: &Secret<String>, context: &str) -> Result<Sealed, CryptoError> {
        let nonce: [u8; NONCE_BYTES] = random_bytes()?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: context.as_bytes() };
        let ciphertext = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| CryptoError::Altered)?;
        let data = [nonce.as_slice(), &ciphertext].concat();
        Ok(Sealed(format!("{SEALED_VERSION}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(data))))
    }

    /// Opens what [`Self::seal`] made with the same context.
    pub fn open(&self, sealed: &Sealed, context: &str) -> Result<Secret<String>, CryptoError> {
        let mut parts = sealed.0.splitn(3, '.');
        let (Some(SEALED_VERSION), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(CryptoError::NotSealed);
        };
        if id != self.id {
            return Err(CryptoError::OtherKey(id.to_owned()));
        }
        let data = URL_SAFE_NO_PAD.decode(data).map_err(|_| CryptoError::NotSealed)?;
        let (nonce, ciphertext) = data.split_first_chunk::<NONCE_BYTES>().ok_or(CryptoError::NotSealed)?;
        let payload = Payload { msg: ciphertext, aad: context.as_bytes() };
        let plain = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| CryptoError::Altered)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| CryptoError::Altered)
    }
}

/// A new virtual or master key: `sk-` and 256 random bits in base 62.
pub fn new_virtual_key() -> Result<Secret<String>, CryptoError> {
    Ok(Secret::new(format!("sk-{}", random_text(KEY_RANDOM_CHARS)?)))
}

/// Random text of base-62 characters, for passwords and tokens (5.95 bits a character).
pub fn random_text(chars: usize) -> Result<String, CryptoError> {
    let mut text = String::with_capacity(chars);
    while text.len() < chars {
        let bytes: [u8; 64] = random_bytes()?;
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
        let fair = bytes.into_iter().filter(|byte| *byte < 248).map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        text.extend(fair.take(chars - text.len()));
    }
    Ok(text)
}

/// Bytes from the operating system.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| CryptoError::NoRandom)?;
    Ok(bytes)
}

/// Compares secrets in a time that does not depend on where they differ.
pub fn constant_time_eq(left: &str, right: &str) -> bool {
    // Both sides are hashed, so that the length does not show either.
    let (left, right) = (Sha256::digest(left.as_bytes()), Sha256::digest(right.as_bytes()));
    left.as_slice().ct_eq(right.as_slice()).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads hexadecimal; `None` where it is none.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salt() -> SaltKey {
        SaltKey::new(&Secret::from("a salt key for these tests only")).unwrap()
    }

    #[test]
    fn virtual_keys_are_long_distinct_and_found_by_their_hash() {
        let (first, second) = (new_virtual_key().unwrap(), new_virtual_key().unwrap());
        assert_eq!(first.expose().len(), 46);
        assert_ne!(first.expose(), second.expose());
        let hasher = salt().key_hasher();
        assert_eq!(hasher.hash(first.expose()), salt().key_hasher().hash(first.expose()));
        assert_ne!(hasher.hash(first.expose()), hasher.hash(second.expose()));
        let other = SaltKey::new(&Secret::from("another salt key for tests")).unwrap();
        assert_ne!(hasher.hash(first.expose()), other.key_hasher().hash(first.expose()));
    }

    #[test]
    fn a_sealed_secret_opens_only_here_and_only_in_its_place() {
        let secrets = salt().secret_box();
        let sealed = secrets.seal(&Secret::from("sk-upstream"), "deployment 1").unwrap();
        assert!(!sealed.0.contains("upstream"));
        assert_eq!(secrets.open(&sealed, "deployment 1").unwrap().expose(), "sk-upstream");
        assert_eq!(secrets.open(&sealed, "deployment 2").unwrap_err(), CryptoError::Altered);
        let other = SaltKey::new(&Secret::from("another salt key for tests")).unwrap().secret_box();
        assert!(matches!(other.open(&sealed, "deployment 1"), Err(CryptoError::OtherKey(_))));
        assert_eq!(secrets.open(&Sealed("sk-plain".into()), "deployment 1").unwrap_err(), CryptoError::NotSealed);
    }

    #[test]
    fn a_mark_belongs_to_its_parts_and_their_borders() {
        let seal = salt().owner_seal();
        let mark = seal.mark(&[b"team 1", b"file-1"]);
        assert_eq!(mark.len(), 22);
        assert!(seal.is_mark(&mark, &[b"team 1", b"file-1"]));
        for other in [[&b"team 2"[..], b"file-1"], [b"team 1", b"file-2"], [b"team 1f", b"ile-1"]] {
            assert!(!seal.is_mark(&mark, &other));
        }
        let other = SaltKey::new(&Secret::from("another salt key for tests")).unwrap().owner_seal();
        assert!(!other.is_mark(&mark, &[b"team 1", b"file-1"]));
    }

    #[test]
    fn placeholders_and_short_secrets_are_refused() {
        for weak in ["change-me", "sk-1234", "short", "please-change-me-now-please", ""] {
            assert_eq!(check_strength(weak), Err(CryptoError::WeakSecret), "{weak}");
        }
        assert!(check_strength("0123456789abcdef0123").is_ok());
    }

    #[test]
    fn hexadecimal_survives_and_rejects_what_is_none() {
        assert_eq!(unhex(&hex(&[0, 15, 255])).unwrap(), [0, 15, 255]);
        assert!(unhex("0g").is_none() && unhex("0").is_none() && unhex("é0").is_none());
    }

    #[test]
    fn comparison_says_what_equality_says() {
        assert!(constant_time_eq("sk-a", "sk-a"));
        assert!(!constant_time_eq("sk-a", "sk-b") && !constant_time_eq("sk-a", "sk-aa"));
    }
}
