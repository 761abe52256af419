//! Google's Vertex AI: the paths of a project, with a token of the token endpoint; bodies and answers are Gemini's.

use bytes::Bytes;
use serde_json::{Value, json};

use super::gemini::{Gemini, error, task};
use super::json::{list, unknown};
use super::openai::vector;
use super::options::MockOptions;
use super::refusal::Refusal;
use super::reply::Reply;
use super::tokens::GOOGLE_TOKEN;
use super::vendor::{Called, ErrorBody, Frames, Task, Vendor};

/// The protocol.
pub struct Vertex;

impl Vendor for Vertex {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let path = ["/v1/projects/", "/v1beta1/projects/"].iter().find_map(|start| called.path.strip_prefix(start))?;
        let parts: Vec<&str> = path.split('/').collect();
        let [project, "locations", location, "publishers", "google", "models", model] = parts.as_slice() else {
            return Some(Err(Refusal::not_found("Requested entity was not found.")));
        };
        let is_named = !project.is_empty() && !location.is_empty();
        Some(authorize(called).and_then(|()| match model.rsplit_once(':') {
            _ if !is_named => Err(Refusal::not_found("Requested entity was not found.")),
            Some((model, "predict")) => predict(called, model),
            _ => task(called, model),
        }))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        Gemini.whole(reply)
    }

    fn frames(&self, reply: Reply) -> Frames {
        Gemini.frames(reply)
    }

    fn stream_fault(&self) -> Bytes {
        Gemini.stream_fault()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        error(refusal)
    }
}

fn authorize(called: &Called<'_>) -> Result<(), Refusal> {
    match called.bearer() {
        Some(token) if token == GOOGLE_TOKEN => Ok(()),
        _ => Err(Refusal::unauthorized(
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
             authentication credential.",
        )),
    }
}

/// Text embeddings: one vector per instance.
fn predict(called: &Called<'_>, model: &str) -> Result<Task, Refusal> {
    let body = called.json()?;
    if let Some(name) = unknown(&body, &["instances", "parameters", "labels"]) {
        return Err(Refusal::bad(format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."
        )));
    }
    let instances = list(&body, "instances");
    if instances.is_empty() || instances.iter().any(|instance| instance.get("content").is_none_or(|c| !c.is_string())) {
        return Err(Refusal::bad("Each instance needs a `content`."));
    }
    let count = instances.len();
    let dimensions = body.pointer("/parameters/outputDimensionality").and_then(Value::as_u64);
    let dimensions = dimensions.and_then(|length| usize::try_from(length).ok());
    let make = move |options: &MockOptions, _| {
        let share = options.prompt_tokens / u64::try_from(count).unwrap_or(1).max(1);
        let predictions = (0..count).map(|index| {
            let statistics = json!({ "truncated": false, "token_count": share });
            json!({ "embeddings": { "values": vector(index, options, dimensions), "statistics": statistics } })
        });
        let metadata = json!({ "billableCharacterCount": 40 });
        json!({ "predictions": predictions.collect::<Value>(), "metadata": metadata }).to_string().into_bytes()
    };
    Ok(Task::Plain { model: model.to_owned(), make: Box::new(make) })
}
