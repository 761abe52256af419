//! A description of something at a provider: kept to its end, because the names in it become ours.

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{json_strings, multipart::Edit};
use deltallm_shared::{event::Outcome, ids::DeploymentId};

use super::{Passed, RelayError};
use crate::{
    accounting::call_record::CallRecord,
    owned_id::{OwnedIds, Paths},
};

/// A list of ten thousand files is about as long.
const MAX_BYTES: usize = 16 << 20;

/// See the module.
pub struct ObjectRelay {
    kept: BytesMut,
    naming: Naming,
    status: u16,
}

/// How names in an answer become ours.
#[derive(Clone)]
pub struct Naming {
    /// The caller's names.
    pub ids: OwnedIds,
    /// The deployment that the things live at.
    pub deployment: DeploymentId,
    /// Where names stand.
    pub paths: Paths,
}

impl Naming {
    /// What makes the names in an answer ours.
    pub(super) fn edits(&self, json: &[u8]) -> Vec<Edit> {
        self.ids.seal_in(json, self.deployment, self.paths)
    }
}

impl ObjectRelay {
    /// For an answer.
    pub fn new(naming: Naming, status: u16) -> Self {
        Self { kept: BytesMut::new(), naming, status }
    }

    pub(super) fn pass(&mut self, piece: &Bytes, is_end: bool, record: &mut CallRecord) -> Result<Passed, RelayError> {
        if self.kept.len() + piece.len() > MAX_BYTES {
            return Err(RelayError(format!("the description is larger than {MAX_BYTES} bytes")));
        }
        self.kept.extend_from_slice(piece);
        if !is_end {
            return Ok(Passed::Bytes(Bytes::new()));
        }
        let body = std::mem::take(&mut self.kept).freeze();
        record.settle(Outcome::Completed, self.status, None);
        Ok(Passed::Bytes(json_strings::apply(&body, self.naming.edits(&body))))
    }
}
