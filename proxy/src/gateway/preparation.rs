//! What routing has to know of a call before it chooses.

use deltallm_routing::seed::mix;
use deltallm_shared::error::{ApiError, ErrorCode};

use crate::{
    accounting::call_record::CallRecord,
    call::Call,
    routing::{Facts, Overrides},
    snapshot::Snapshot,
    stages::{authenticate::Principal, authorize},
};

/// Tokens by size alone, for choosing and for limits of deployments; what is billed is another figure.
const BYTES_PER_TOKEN: u64 = 4;

/// Fallbacks that a caller names have to be models that it may use. Those that the operator names need not be: they serve in the
/// place of one that the caller may use.
pub(super) fn check_fallbacks(
    overrides: &Overrides,
    principal: &Principal,
    snapshot: &Snapshot,
) -> Result<(), ApiError> {
    for name in overrides.fallbacks.iter().flatten() {
        authorize::authorize(principal, snapshot, name).map_err(|mut error| {
            if error.code == ErrorCode::ModelNotFound || error.code == ErrorCode::ModelNotAllowed {
                error.param = Some("fallbacks".to_owned());
            }
            error
        })?;
    }
    Ok(())
}

/// What is known of the request before anybody is asked.
pub(super) fn facts_of(call: &Call, overrides: &Overrides, record: &CallRecord) -> Facts {
    let prompt_bytes = u64::try_from(call.index.prompt.len()).unwrap_or(u64::MAX);
    let input_tokens = prompt_bytes / BYTES_PER_TOKEN + 1;
    let output_tokens = call.index.max_output_tokens.unwrap_or(0).saturating_mul(call.index.answers.max(1));
    // Without a word of the caller, OpenAI's own name for requests that share a beginning says as much.
    let session = overrides.session.as_ref().or(call.index.prompt_cache_key.as_ref());
    Facts {
        seed: record.event().event_id.random_bits(),
        streams: call.streams,
        tokens: input_tokens.saturating_add(output_tokens),
        input_tokens,
        session: session.map(|session| figure_of(session)),
    }
}

/// A figure for a text, the same on every replica (FNV-1a; Fowler, Noll, Vo 1991).
fn figure_of(text: &str) -> u64 {
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}
