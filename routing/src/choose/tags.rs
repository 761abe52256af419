//! Tags: whose requests a deployment serves.
//!
//! - A request with tags is served by the deployments of the group that have them; where none has, by those tagged `default`.
//! - A request without tags is served by the deployments tagged `default`; where none is, by all.
//!
//! What decides is how the group is configured, not how it fares: a request for `eu` does not go elsewhere because the deployments
//! there are set aside.

use deltallm_shared::routing::SkipReason;

use crate::candidate::Candidate;

/// Marks those that the request's tags, or the lack of them, exclude.
pub(super) fn mark(candidates: &mut [Candidate], is_tagged: bool) {
    let is_meant: fn(&Candidate) -> bool = if is_tagged && candidates.iter().any(|candidate| candidate.has_tags) {
        |candidate| candidate.has_tags
    } else if is_tagged || candidates.iter().any(|candidate| candidate.is_default) {
        |candidate| candidate.is_default
    } else {
        return;
    };
    super::close(candidates, SkipReason::TagsDiffer, |candidate| !is_meant(candidate));
}
