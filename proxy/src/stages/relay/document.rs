//! One document: passed on as it comes and read at its end, or kept to its end and told in the client's dialect.

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{
    canonical::{Answer, Failure},
    dialect::{Asked, ClientDialect, DialectId, client_dialect, vendor_dialect},
    embedding::{self, embedding_vendor},
    gemini::images::{self, NoImages},
    openai::usage,
    rerank::{self, RerankVendor, rerank_vendor},
};
use deltallm_shared::{event::Outcome, operation::Operation, pricing::Usage};

use super::{Passed, RelayError, broken_off, client_of, own_words::OwnWords, refused};
use crate::{
    accounting::call_record::CallRecord,
    call::{Call, dialect_of},
    providers::Words,
};

/// Beyond it an answer is not kept for its usage; its tokens are counted by size.
const MAX_KEPT_BYTES: usize = 32 << 20;

/// A smaller answer goes out in one piece: until it is whole, another attempt can still take its place.
const MAX_HELD_BYTES: usize = 1 << 20;

/// See the module.
pub struct DocumentRelay {
    words: Words,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    status: u16,
    told: Option<Told>,
}

/// How a document is told in another dialect.
struct Told {
    client: DialectId,
    asked: Asked,
    /// The client wants a stream, whatever the vendor gave.
    as_stream: bool,
    body: Bytes,
    /// The vendor's name of the model.
    upstream_model: String,
    own: OwnWords,
}

/// Why a document is not told.
enum Untold {
    /// The vendor says no, in an answer that looks like one.
    Failed(Failure),
    /// It cannot be read.
    Unreadable(RelayError),
}

impl<E: Into<RelayError>> From<E> for Untold {
    fn from(error: E) -> Self {
        Self::Unreadable(error.into())
    }
}

impl DocumentRelay {
    /// In the given words, for a call.
    pub fn new(
        words: Words,
        call: &Call,
        asked: impl FnOnce() -> Asked,
        status: u16,
        upstream_model: &str,
        own: OwnWords,
    ) -> Self {
        let is_same = matches!(words, Words::Same(_));
        let told = (!is_same).then(|| Told {
            client: client_of(call),
            asked: asked(),
            as_stream: call.streams,
            body: call.body.clone(),
            upstream_model: upstream_model.to_owned(),
            own,
        });
        Self { words, kept: Vec::new(), kept_bytes: 0, status, told }
    }

    /// For a document that is passed on.
    pub fn as_it_comes(operation: Operation, status: u16) -> Self {
        Self { words: Words::Same(operation), kept: Vec::new(), kept_bytes: 0, status, told: None }
    }

    /// Whether so much of it is here that the client should have it, whatever comes.
    pub(super) fn is_too_large_to_hold(&self) -> bool {
        self.kept_bytes > MAX_HELD_BYTES
    }

    pub(super) fn is_translated(&self) -> bool {
        self.told.is_some()
    }

    pub(super) fn media_type(&self) -> &'static str {
        let as_stream = self.told.as_ref().is_some_and(|told| told.as_stream && matches!(self.words, Words::Chat(_)));
        if as_stream { "text/event-stream" } else { "application/json" }
    }

    pub(super) fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Result<Passed, RelayError> {
        self.kept_bytes += piece.len();
        if self.kept_bytes <= MAX_KEPT_BYTES {
            if !piece.is_empty() {
                self.kept.push(piece.clone());
            }
        } else if self.is_translated() {
            return Err(RelayError(format!("the answer is larger than {MAX_KEPT_BYTES} bytes")));
        }
        if !is_end {
            return Ok(Passed::Bytes(if self.is_translated() { Bytes::new() } else { piece }));
        }
        let body = join(std::mem::take(&mut self.kept));
        let Some(told) = self.told.take() else {
            read_as_it_is(self.words, &body, record);
            record.settle(Outcome::Completed, self.status, None);
            return Ok(Passed::Bytes(piece));
        };
        match told.tell(self.words, &body, record) {
            Ok(out) => {
                record.settle(Outcome::Completed, self.status, None);
                Ok(Passed::Bytes(out))
            }
            Err(Untold::Failed(failure)) => Ok(refused(told.own.operation, told.own.tell(&failure), Some(failure))),
            Err(Untold::Unreadable(error)) => {
                tracing::error!(%error, "the provider's answer cannot be read");
                record.produced(&body);
                Ok(refused(told.own.operation, broken_off(&told.own.model), None))
            }
        }
    }
}

impl Told {
    fn tell(&self, words: Words, body: &[u8], record: &mut CallRecord) -> Result<Bytes, Untold> {
        match words {
            Words::Embedding(id) => {
                let vendor = embedding_vendor(id).ok_or_else(|| RelayError("no such form".to_owned()))?;
                let answer = vendor.read_answer(body)?;
                answer.usage.into_iter().for_each(|usage| record.usage(usage));
                let request = embedding::openai::read_request(&self.body, Some(&self.asked.model));
                let encoding = request.map_err(|error| RelayError(error.to_string()))?.encoding;
                Ok(embedding::openai::write_answer(&answer, &self.asked.model, encoding)?.into())
            }
            Words::Rerank(id) => {
                let vendor = rerank_vendor(id).ok_or_else(|| RelayError("no such form".to_owned()))?;
                let answer = vendor.read_answer(body)?;
                answer.usage.into_iter().for_each(|usage| record.usage(usage));
                let request = rerank::client::read_request(&self.body, Some(&self.asked.model));
                let request = request.map_err(|error| RelayError(error.to_string()))?;
                Ok(rerank::client::write_answer(&answer, &request, &self.asked.unique).into())
            }
            Words::Chat(id) => {
                let vendor = vendor_dialect(id).ok_or_else(|| RelayError("no such dialect".to_owned()))?;
                let client = client_dialect(self.client).ok_or_else(|| RelayError("no such dialect".to_owned()))?;
                let answer = vendor.read_answer(body)?;
                record.answer(&answer);
                Ok(if self.as_stream {
                    stream(client, answer, &self.asked)
                } else {
                    client.write_answer(&answer, &self.asked).into()
                })
            }
            Words::Images => match images::read_answer(body, &self.upstream_model, self.asked.created) {
                Ok(answer) => {
                    record.usage(answer.usage);
                    Ok(answer.body.into())
                }
                Err(NoImages::Refused(failure)) => Err(Untold::Failed(failure)),
                Err(NoImages::Unreadable(error)) => Err(error.into()),
            },
            Words::Same(_) | Words::Counted => Ok(Bytes::copy_from_slice(body)),
        }
    }
}

fn stream(client: &dyn ClientDialect, answer: Answer, asked: &Asked) -> Bytes {
    let (mut writer, mut out) = (client.stream_writer(asked), BytesMut::new());
    for event in answer.into_events() {
        writer.write(&event, &mut out);
    }
    out.freeze()
}

/// Usage of a document that the client has as it came.
fn read_as_it_is(words: Words, body: &[u8], record: &mut CallRecord) {
    if words == Words::Same(Operation::Rerank)
        && let Some(usage) = usage_of_reranker(body)
    {
        record.usage(usage);
        return;
    }
    let dialect = match words {
        Words::Same(Operation::ChatCompletions | Operation::Completions) => None,
        Words::Same(operation) => dialect_of(operation),
        _ => None,
    };
    match dialect.and_then(vendor_dialect).and_then(|dialect| dialect.read_answer(body).ok()) {
        Some(answer) => record.answer(&answer),
        None => match usage::of_answer(body) {
            Some(usage) => {
                record.usage(usage);
                record.served_as(usage::service_tier_of(body).as_deref());
            }
            None => record.produced(body),
        },
    }
}

/// Cohere counts searches, Jina and those after it tokens.
fn usage_of_reranker(body: &[u8]) -> Option<Usage> {
    let of = |vendor: &dyn RerankVendor| vendor.read_answer(body).ok()?.usage;
    of(&rerank::CohereRerank).or_else(|| of(&rerank::JinaRerank))
}

fn join(kept: Vec<Bytes>) -> Bytes {
    match <[Bytes; 1]>::try_from(kept) {
        Ok([only]) => only,
        Err(several) => several.concat().into(),
    }
}
