//! What can go wrong in a handler, and what the caller is told of it.
//!
//! Two messages per error: the caller's says what to change, the log's says what happened. A database that is away is 503
//! and passes; anything else it says is our mistake and 500.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use deltallm_shared::error::{ApiError, ErrorCode};
use tokio_postgres::error::SqlState;

/// The error type of every handler.
#[derive(Debug)]
pub enum AdminError {
    /// The caller has to change something.
    Caller(ApiError),
    /// Too many attempts; the caller may come back after so many seconds.
    Throttled {
        /// For the `Retry-After` header.
        retry_after_s: u64,
    },
    /// The database does not answer now. The text is for the log.
    DatabaseAway(String),
    /// Something we did not expect. The text is for the log.
    Internal(String),
}

impl AdminError {
    /// A field with a value that cannot be.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::Caller(ApiError::about(ErrorCode::InvalidRequest, param, message))
    }

    /// No such object.
    pub fn not_found(what: &str) -> Self {
        Self::Caller(ApiError::new(ErrorCode::NotFound, format!("There is no such {what}.")))
    }

    /// The object, or another one, stands in the way.
    pub fn conflict(param: Option<&str>, message: impl Into<String>) -> Self {
        let param = param.map(str::to_owned);
        Self::Caller(ApiError { param, ..ApiError::new(ErrorCode::Conflict, message) })
    }

    /// An error without a field.
    pub fn caller(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Caller(ApiError::new(code, message))
    }

    /// What the caller is told.
    fn public(&self) -> ApiError {
        match self {
            Self::Caller(error) => error.clone(),
            Self::Throttled { retry_after_s } => ApiError::new(
                ErrorCode::RateLimitExceeded,
                format!("Too many failed log-ins. Try again in {retry_after_s} seconds."),
            ),
            Self::DatabaseAway(_) => ApiError::new(
                ErrorCode::ServiceUnavailable,
                "The database does not answer at the moment. Nothing was changed; try again shortly.",
            ),
            Self::Internal(_) => ApiError::new(
                ErrorCode::InternalError,
                "Something went wrong here; the log has the cause under this answer's x-request-id.",
            ),
        }
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(error) => error.fmt(f),
            Self::Throttled { .. } => f.write_str("too many failed log-ins"),
            Self::DatabaseAway(cause) => write!(f, "the database is away: {cause}"),
            Self::Internal(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for AdminError {}

impl ResponseError for AdminError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.public().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/json");
        match self {
            Self::Throttled { retry_after_s } => {
                response.insert_header((header::RETRY_AFTER, retry_after_s.to_string()));
            }
            Self::DatabaseAway(_) => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            Self::Caller(_) | Self::Internal(_) => {}
        }
        response.body(self.public().to_json())
    }
}

impl From<ApiError> for AdminError {
    fn from(error: ApiError) -> Self {
        Self::Caller(error)
    }
}

impl From<tokio_postgres::Error> for AdminError {
    fn from(error: tokio_postgres::Error) -> Self {
        if is_passing(&error) { Self::DatabaseAway(describe(&error)) } else { Self::Internal(describe(&error)) }
    }
}

impl From<deadpool_postgres::PoolError> for AdminError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => Self::DatabaseAway(describe(&error)),
            other => Self::DatabaseAway(other.to_string()),
        }
    }
}

/// Whether the same statement may succeed later: no connection, out of connections, shutting down, timed out, or a standby.
pub fn is_passing(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        // Without a code nothing came from the server, unless a value could not be turned into a column's type.
        return error.is_closed()
            || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>());
    };
    let class = code.code().get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57")
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::T_R_DEADLOCK_DETECTED]
            .contains(code)
        || *code == SqlState::T_R_SERIALIZATION_FAILURE
}

/// The whole chain of causes in one line; the server's own text included, never the parameters.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
