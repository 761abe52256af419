//! What a vendor cannot do: an error that names the parameter, unless the operator lets such parameters be dropped.

use deltallm_shared::error::{ApiError, ErrorCode};

use super::ChatRequest;

/// Fields that only ask for something aside and change no answer: left out where a vendor does not know them. (`include` and
/// `max_tool_calls` are about hosted tools, which are refused themselves.)
const HINTS: [&str; 16] = [
    "client_metadata",
    "context_management",
    "diagnostics",
    "include",
    "labels",
    "max_tool_calls",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "speed",
    "store",
    "stream_options",
    "user",
];

fn is_hint(param: &str) -> bool {
    // A `phase` of a message only labels what the model said. LiteLLM's library repeats in a message what else an answer had.
    // Google's libraries tell of every function what it gives back.
    let is_return_type = param.ends_with(".response") || param.ends_with(".responseJsonSchema");
    HINTS.contains(&param)
        || param.ends_with("].phase")
        || param.ends_with("].provider_specific_fields")
        || (param.starts_with("functionDeclarations.") && is_return_type)
}

/// Decides about parameters that a vendor does not have.
#[derive(Debug)]
pub struct Unsupported<'a> {
    /// The vendor's name, for the message.
    vendor: &'a str,
    /// `drop_params: true`
    drops: bool,
    /// What was dropped, for the log and a response header.
    pub dropped: Vec<String>,
}

impl<'a> Unsupported<'a> {
    /// For one request.
    pub fn new(vendor: &'a str, drops: bool) -> Self {
        Self { vendor, drops, dropped: Vec::new() }
    }

    /// The vendor has no such parameter, or not this value of it. `param`: its path in the caller's dialect.
    pub fn refuse(&mut self, param: &str) -> Result<(), ApiError> {
        self.refuse_because(param, "does not have")
    }

    /// The same with another verb: "The provider X *cannot do* `n` …".
    pub fn refuse_because(&mut self, param: &str, verb: &str) -> Result<(), ApiError> {
        if self.drops || is_hint(param) {
            self.dropped.push(param.to_owned());
            return Ok(());
        }
        let vendor = self.vendor;
        let text = format!(
            "The provider {vendor} {verb} `{param}`. Leave it out, or let the gateway do so with `drop_params: true`."
        );
        Err(ApiError::about(ErrorCode::InvalidRequest, param, text))
    }

    /// Refuses a parameter that is there.
    pub fn refuse_if(&mut self, is_there: bool, param: &str) -> Result<(), ApiError> {
        if is_there { self.refuse(param) } else { Ok(()) }
    }

    /// Something that cannot be dropped without changing what was asked: an error always.
    pub fn impossible(&self, param: &str, what: &str) -> ApiError {
        let vendor = self.vendor;
        ApiError::about(ErrorCode::InvalidRequest, param, format!("The provider {vendor} cannot take {what}."))
    }

    /// Refuses the fields that only the request's own dialect knows.
    pub fn refuse_own(&mut self, request: &ChatRequest) -> Result<(), ApiError> {
        request.own.keys().try_for_each(|param| self.refuse(param))
    }
}
