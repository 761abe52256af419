//! An answer in which names of things at the provider become ours on the way: responses that the provider keeps. What else
//! happens to the answer is another relay's work.

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{json_strings, sse::SseDecoder};

use super::{Naming, Passed, Relay, RelayError};
use crate::accounting::call_record::CallRecord;

/// A document that is larger is none of a model's.
const MAX_BYTES: usize = 64 << 20;

/// See the module.
pub struct SealedRelay {
    pub(super) inner: Relay,
    naming: Naming,
    form: Form,
}

enum Form {
    Events(SseDecoder),
    Document(BytesMut),
}

impl SealedRelay {
    /// Around another relay.
    pub fn new(inner: Relay, naming: Naming, is_stream: bool) -> Self {
        let form = if is_stream { Form::Events(SseDecoder::default()) } else { Form::Document(BytesMut::new()) };
        Self { inner, naming, form }
    }

    pub(super) fn pass(
        &mut self,
        piece: Bytes,
        is_end: bool,
        is_begun: bool,
        record: &mut CallRecord,
    ) -> Result<Passed, RelayError> {
        match self.inner.pass(piece, is_end, is_begun, record)? {
            Passed::Bytes(bytes) => self.rename(&bytes, is_end).map(Passed::Bytes),
            refused @ Passed::Refused(_) => Ok(refused),
        }
    }

    fn rename(&mut self, bytes: &Bytes, is_end: bool) -> Result<Bytes, RelayError> {
        let naming = &self.naming;
        match &mut self.form {
            Form::Events(decoder) => {
                let mut out = BytesMut::with_capacity(bytes.len() + 128);
                decoder.push(bytes, |event| out.extend_from_slice(&naming.in_event(&event)))?;
                if is_end && let Some(rest) = decoder.finish() {
                    out.extend_from_slice(&naming.in_event(&rest));
                }
                Ok(out.freeze())
            }
            Form::Document(kept) => {
                if kept.len() + bytes.len() > MAX_BYTES {
                    return Err(RelayError(format!("the answer is larger than {MAX_BYTES} bytes")));
                }
                kept.extend_from_slice(bytes);
                if !is_end {
                    return Ok(Bytes::new());
                }
                let body = std::mem::take(kept).freeze();
                Ok(json_strings::apply(&body, naming.edits(&body)))
            }
        }
    }
}

impl Naming {
    /// An event with its data's names changed. Names stand in the few events that hold the whole response.
    fn in_event(&self, event: &Bytes) -> Bytes {
        let Some(at) = memchr::memmem::find(event, b"data:").map(|at| at + 5) else { return event.clone() };
        if memchr::memmem::find(event, b"\"response\"").is_none() {
            return event.clone();
        }
        let line = event.slice(at..);
        let head = event.slice(..at);
        let renamed = json_strings::apply(&line, self.edits(&line));
        [head, renamed].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use deltallm_shared::{crypto::SaltKey, ids::DeploymentId, secret::Secret};

    use super::*;
    use crate::{
        owned_id::{OwnedIds, Paths},
        stages::authenticate::Principal,
    };

    #[test]
    fn names_change_in_the_events_that_hold_a_response() {
        let salt = SaltKey::new(&Secret::from("a salt key for these tests only")).unwrap();
        let ids = OwnedIds::new(salt.owner_seal(), &Principal::Master);
        let deployment = DeploymentId::new();
        let name = ids.seal("resp_1", deployment);
        let naming = Naming { ids, deployment, paths: Paths::Responses };
        let stream = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"previous_response_id\":null}}\n\n\
                      event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"delta\":\"resp_1\"}\n\n";
        let expected = stream.replace("\"id\":\"resp_1\"", &format!("\"id\":\"{name}\""));
        for size in [1, 7, stream.len()] {
            let mut relay = SealedRelay::new(Relay::document(200), naming.clone(), true);
            let pieces: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
            let renamed: Vec<Bytes> = pieces
                .iter()
                .enumerate()
                .map(|(at, piece)| relay.rename(&Bytes::copy_from_slice(piece), at + 1 == pieces.len()).unwrap())
                .collect();
            assert_eq!(renamed.concat(), expected.as_bytes(), "pieces of {size}");
        }
    }
}
