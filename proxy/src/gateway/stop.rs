//! What comes after a step before the upstream: on to it, or an end.

use deltallm_shared::error::ApiError;
use pingora::Error;

use crate::stages::read_body::BodyError;

/// What comes after a step of `request_filter`.
pub(super) enum Flow {
    /// The upstream is asked.
    ToUpstream,
    /// The client has its answer.
    Answered,
}

/// Why a request goes no further.
pub(super) enum Stop {
    /// The client is told.
    Refused(ApiError),
    /// There is nobody to tell.
    Broken(Box<Error>),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<BodyError> for Stop {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Refused(error) => Self::Refused(error),
            BodyError::Gone(error) => Self::Broken(error),
        }
    }
}

impl From<Box<Error>> for Stop {
    fn from(error: Box<Error>) -> Self {
        Self::Broken(error)
    }
}
