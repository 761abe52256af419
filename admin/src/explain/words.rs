//! The sentences of an explanation.

use deltallm_shared::{
    money::NanoUsd,
    routing::{AttemptEnd, FallbackKind, Fault, SkipReason, Strategy},
};

/// Why a deployment was not a choice.
pub const fn skip(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Tried => "This request had asked it already.",
        SkipReason::CoolingDown => "It had failed too often and was set aside for a while.",
        SkipReason::Probing => "It had been set aside, and another request was finding out whether it is well again.",
        SkipReason::RateLimited => "Its provider limited us, for a time that was not over.",
        SkipReason::AtCapacity => "Its own limits of requests, tokens or parallel requests were used up.",
        SkipReason::NoCredential => "None of its credentials could be used.",
        SkipReason::TagsDiffer => "It lacks the request's tags.",
        SkipReason::LowerPriority => "A tier before it could serve.",
        SkipReason::NotInCanary => "It is on trial, and this request was not in its share.",
        SkipReason::CanaryReturned => {
            "It was on trial and failed too often; it gets no share until its policy is set anew."
        }
        SkipReason::CannotServe => "It cannot do what the request asks for.",
    }
}

/// Why an attempt failed.
pub const fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Dns => "the name of its host led to no address that may be asked",
        Fault::Connect => "no connection could be made",
        Fault::Tls => "no TLS session could be made",
        Fault::Broken => "the connection broke off",
        Fault::FirstByteTimeout => "its first content did not come in time",
        Fault::ChunkTimeout => "it fell silent in the middle of its answer",
        Fault::RateLimit => "its provider limits us",
        Fault::Quota => "the account's money with its provider is used up",
        Fault::Overloaded => "its provider has no capacity",
        Fault::Timeout => "its provider itself ran out of time",
        Fault::Conflict => "its provider says that another request is in its way",
        Fault::Server => "its provider failed, or its answer could not be read",
        Fault::Auth => "its provider refuses our credential",
        Fault::NotFound => "its provider knows no such model",
        Fault::ContextWindow => "the prompt does not fit the model",
        Fault::ContentPolicy => "its provider's policy refuses the content",
        Fault::BadRequest => "the request itself is wrong",
        Fault::Unusable => "it cannot be asked: nothing to sign in with, or a parameter that it does not know",
    }
}

/// How a request came to another group.
pub const fn fallback(kind: FallbackKind) -> &'static str {
    match kind {
        FallbackKind::General => "The group before it failed, and `fallbacks` lead here.",
        FallbackKind::ContextWindow => "The prompt did not fit, and `context_window_fallbacks` lead here.",
        FallbackKind::ContentPolicy => "The content was refused, and `content_policy_fallbacks` lead here.",
    }
}

/// A score with its unit.
pub fn score(strategy: Strategy, score: i64) -> String {
    match strategy {
        Strategy::LatencyBased => format!("expected to take {}", time(score.unsigned_abs())),
        Strategy::CostBased => format!("expected to cost {} USD", NanoUsd(score)),
        Strategy::UsageBased | Strategy::RateLimitAware => {
            let tenths = score.clamp(0, 1_000_000) / 1000;
            format!("{}.{} % of its scarcest limit used", tenths / 10, tenths % 10)
        }
        Strategy::PriorityBased => format!("priority {score}"),
        Strategy::LeastBusy => {
            format!("{}.{:02} requests under way for its weight", score / 1000, score.rem_euclid(1000) / 10)
        }
        Strategy::PrefixAffinity if score == 0 => "its prompt cache is warm for this beginning".to_owned(),
        Strategy::PrefixAffinity => format!("its prompt cache is cold, {} requests under way", score - 1),
        Strategy::SessionAffinity | Strategy::SimpleShuffle | Strategy::RoundRobin | Strategy::TagBased => {
            format!("score {score}")
        }
    }
}

/// How an attempt ended.
pub fn attempt(
    end: AttemptEnd,
    reason: Option<Fault>,
    status: Option<u16>,
    first_token_us: Option<u64>,
    duration_us: u64,
) -> String {
    let after = time(duration_us);
    let status = status.map(|status| format!(" with status {status}")).unwrap_or_default();
    match (end, reason) {
        (AttemptEnd::Answered, _) => {
            let first = first_token_us.map(|us| format!(", its first content after {}", time(us))).unwrap_or_default();
            format!("It answered{status} in {after}{first}.")
        }
        (AttemptEnd::Failed, Some(reason)) => format!("It failed{status} after {after}: {}.", fault(reason)),
        (AttemptEnd::Failed, None) => format!("It failed{status} after {after}."),
        (AttemptEnd::Cancelled, _) => format!("Another attempt was quicker; this one was cancelled after {after}."),
        (AttemptEnd::Interrupted, _) => format!("The client left, or the service stopped, after {after}."),
    }
}

/// A time that a person can read.
pub fn time(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000..10_000_000 => format!("{} ms", us / 1000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// `1 attempt`, `2 attempts`.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_told_in_their_units() {
        assert_eq!(score(Strategy::LatencyBased, 412_500), "expected to take 412 ms");
        assert_eq!(score(Strategy::CostBased, 27_000), "expected to cost 0.000027 USD");
        assert_eq!(score(Strategy::UsageBased, 123_456), "12.3 % of its scarcest limit used");
        assert_eq!(score(Strategy::LeastBusy, 1500), "1.50 requests under way for its weight");
        assert_eq!(score(Strategy::PrefixAffinity, 3), "its prompt cache is cold, 2 requests under way");
    }

    #[test]
    fn an_attempt_is_told_in_a_sentence() {
        let failed = attempt(AttemptEnd::Failed, Some(Fault::Overloaded), Some(503), None, 12_345);
        assert_eq!(failed, "It failed with status 503 after 12 ms: its provider has no capacity.");
        let answered = attempt(AttemptEnd::Answered, None, Some(200), Some(300_000), 12_340_000);
        assert_eq!(answered, "It answered with status 200 in 12.3 s, its first content after 300 ms.");
    }
}
