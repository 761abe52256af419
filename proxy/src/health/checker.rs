//! What is asked of a deployment to see whether it is well: the provider's list of models, which costs nothing, or a real call of
//! one token. Goes out like any request: the same addresses and egress guard, the same credentials.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{
    dialect::{DialectId, VendorDialect, vendor_dialect},
    openai::chat::ChatVendor,
};
use deltallm_shared::{
    control::ModelMode,
    event::{EventKind, Outcome},
    operation::Operation,
    routing::Fault,
    time_text::Timestamp,
};
use http::{HeaderMap, Method};
use pingora::{Error, http::ResponseHeader};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    accounting::{Accounts, call_record::CallRecord},
    call::Call,
    net::exchange::{Exchange, Exchanges, Patience},
    providers::{Words, vendor},
    routing::{self, AttemptInFlight, HealthNews, of_error},
    snapshot::{Deployment, Group},
    stages::translate::{Attempt, OwnForm, translate},
};

/// For a list of models, from the connection to its end.
const LIST: Duration = Duration::from_secs(10);
/// For a call of one token.
const CALL: Duration = Duration::from_secs(30);
/// No answer to a question of one token is longer, nor is an error.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answers as it should.
    Well,
    /// It does not.
    Sick(Fault),
    /// Nothing can be said.
    Unknown,
}

/// Asks.
pub struct Checker {
    /// The way out.
    pub exchanges: Exchanges,
    /// Where a real call is recorded.
    pub accounts: Accounts,
    /// Hears of what a real call changes.
    pub news: Arc<dyn HealthNews>,
}

impl Checker {
    /// The list of models.
    pub async fn list(&self, group: &Group, deployment: &Deployment) -> Verdict {
        let Some(path) = vendor(deployment.provider.wire).models_path(deployment) else { return Verdict::Unknown };
        let attempt = Attempt {
            words: Words::Same(Operation::PassThrough),
            path,
            body: Bytes::new(),
            dropped: Vec::new(),
            own_form: Some(Box::new(OwnForm { method: Method::GET, ..OwnForm::default() })),
        };
        match timeout(LIST, self.open(group, deployment, &attempt, LIST)).await {
            Err(_) => Verdict::Sick(Fault::FirstByteTimeout),
            Ok(Err(error)) => of_error(&error).map_or(Verdict::Unknown, Verdict::Sick),
            Ok(Ok((exchange, head))) => {
                exchange.finish().await;
                of_list(head.status.as_u16())
            }
        }
    }

    /// A call of one token, on record as a probe of nobody. `None`: the deployment's kind of model has no such call.
    pub async fn call(&self, group: &Arc<Group>, deployment: &Arc<Deployment>) -> Option<Verdict> {
        let body = one_token(deployment)?;
        let call = Call::of_json(Operation::ChatCompletions, body.clone(), "messages", None).ok()?;
        let attempt = translate(&call, deployment).ok()?;
        let mut record =
            CallRecord::begin(self.accounts.clone(), format!("probe-{}", Uuid::now_v7()), Timestamp::now());
        record.asked_for(&call.index, false);
        let event = record.event_mut();
        (event.kind, event.attempts) = (EventKind::Probe, 1);
        Operation::ChatCompletions.name().clone_into(&mut event.endpoint);
        if record.open(deployment, body).is_err() {
            return Some(Verdict::Unknown);
        }
        // Counts among the requests of its limits; on probation it is the probe.
        let in_flight = AttemptInFlight::begin(group, deployment, 16, Arc::clone(&self.news));
        record.upstream_called();
        let mut has_answer = false;
        let asked = timeout(CALL, self.converse(group, deployment, &attempt, &mut has_answer)).await;
        let (status, answer) = match asked {
            Ok(Ok(answered)) => answered,
            broken => {
                let fault = match broken {
                    Ok(Err(error)) => of_error(&error),
                    _ => Some(Fault::FirstByteTimeout),
                };
                // As with any request: who has not begun to answer has done nothing that it bills.
                if !has_answer {
                    record.nothing_consumed();
                }
                record.settle(Outcome::UpstreamError, 502, None);
                let fault = fault?;
                in_flight.failed(fault, None);
                return Some(Verdict::Sick(fault));
            }
        };
        let like_openai = ChatVendor::of_provider(deployment.provider.id);
        let dialect: &dyn VendorDialect = match attempt.words {
            Words::Chat(other) if other != DialectId::OpenAiChat => vendor_dialect(other)?,
            _ => &like_openai,
        };
        if status / 100 != 2 {
            record.nothing_consumed();
            record.settle(Outcome::UpstreamError, status, None);
            let fault = routing::of_failure(&dialect.read_error(status, &answer), Some(status));
            in_flight.failed(fault, None);
            return Some(if is_about_words(fault) { Verdict::Unknown } else { Verdict::Sick(fault) });
        }
        let Ok(answer) = dialect.read_answer(&answer) else {
            record.settle(Outcome::UpstreamError, status, None);
            in_flight.failed(Fault::Server, None);
            return Some(Verdict::Sick(Fault::Server));
        };
        record.answer(&answer);
        record.settle(Outcome::Completed, status, None);
        // Its time is that of one token: the averages are not told.
        drop(in_flight);
        Some(Verdict::Well)
    }

    async fn converse(
        &self,
        group: &Group,
        deployment: &Deployment,
        attempt: &Attempt,
        has_answer: &mut bool,
    ) -> pingora::Result<(u16, Bytes)> {
        let (mut exchange, head) = self.open(group, deployment, attempt, CALL).await?;
        *has_answer = true;
        let mut body = BytesMut::new();
        while let Some(piece) = exchange.next().await? {
            body.extend_from_slice(&piece);
            if body.len() > MAX_ANSWER_BYTES {
                return Error::e_explain(pingora::ErrorType::InvalidHTTPHeader, "the answer is too long")
                    .map_err(Error::into_up);
            }
        }
        exchange.finish().await;
        Ok((head.status.as_u16(), body.freeze()))
    }

    async fn open(
        &self,
        group: &Group,
        deployment: &Deployment,
        attempt: &Attempt,
        patience: Duration,
    ) -> pingora::Result<(Exchange, ResponseHeader)> {
        let patience = Patience { connect: Some(group.routing.timers.connect), first_byte: patience, chunk: patience };
        let seed = Uuid::new_v4().as_u64_pair().0;
        let mut exchange = self.exchanges.open(deployment, attempt, &HeaderMap::new(), patience, seed).await?;
        let head = exchange.head().await?;
        Ok((exchange, head))
    }
}

/// What the status of a list of models says. Many servers have none, and its limits are its own.
const fn of_list(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Well,
        401 | 403 => Verdict::Sick(Fault::Auth),
        408 | 504 => Verdict::Sick(Fault::Timeout),
        503 | 529 => Verdict::Sick(Fault::Overloaded),
        500.. => Verdict::Sick(Fault::Server),
        _ => Verdict::Unknown,
    }
}

/// The provider answered as it should; it was our question that it did not like.
const fn is_about_words(fault: Fault) -> bool {
    matches!(fault, Fault::BadRequest | Fault::ContentPolicy | Fault::ContextWindow | Fault::Conflict)
}

/// The smallest question.
fn one_token(deployment: &Deployment) -> Option<Bytes> {
    // OpenAI's newer models know the newer name only, others the older one.
    let limit = match deployment.provider.id {
        "openai" | "azure" => "max_completion_tokens",
        _ => "max_tokens",
    };
    let body = serde_json::json!({
        "model": deployment.model_name, "messages": [{ "role": "user", "content": "ping" }], limit: 1,
    });
    (deployment.mode == ModelMode::Chat).then(|| body.to_string().into())
}
