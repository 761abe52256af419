//! `/v1/files` and `/v1/batches`, as OpenAI's API reference shows them. They live as long as the process.

use std::collections::BTreeMap;

use hyper::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::openai_media::{Fixed, field, first_file};
use super::vendor::Called;

/// Files by their id, and what is in them.
static FILES: Mutex<BTreeMap<String, (Value, Vec<u8>)>> = Mutex::new(BTreeMap::new());
/// Batches by their id.
static BATCHES: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// The answer, where the path is one of these.
pub fn answer(called: &Called<'_>, path: &str) -> Option<Fixed> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (&called.parts.method, segments.as_slice()) {
        (&Method::POST, ["files"]) => Some(upload(called)),
        (&Method::GET, ["files"]) => Some(list(FILES.lock().values().map(|(file, _)| file.clone()).collect())),
        (&Method::GET, ["files", id]) => Some(found(FILES.lock().get(*id).map(|(file, _)| file.clone()))),
        (&Method::GET, ["files", id, "content"]) => Some(match FILES.lock().get(*id) {
            Some((_, bytes)) => Fixed::of("", "application/octet-stream", bytes.clone()),
            None => Fixed::error(404, "No such File object."),
        }),
        (&Method::DELETE, ["files", id]) => {
            let gone = FILES.lock().remove(*id).map(|_| json!({ "id": id, "object": "file", "deleted": true }));
            Some(found(gone))
        }
        (&Method::POST, ["batches"]) => Some(batch(called)),
        (&Method::GET, ["batches"]) => Some(list(BATCHES.lock().values().cloned().collect())),
        (&Method::GET, ["batches", id]) => Some(found(BATCHES.lock().get(*id).cloned())),
        (&Method::POST, ["batches", id, "cancel"]) => {
            let mut batches = BATCHES.lock();
            let batch = batches.get_mut(*id).map(|batch| {
                batch["status"] = json!("cancelling");
                batch.clone()
            });
            Some(found(batch))
        }
        _ => None,
    }
}

fn upload(called: &Called<'_>) -> Fixed {
    let Some(purpose) = field(called.body, "purpose") else {
        return Fixed::error(400, "'purpose' is a required property");
    };
    if field(called.body, "model").is_some() || field(called.body, "x-deltallm-model").is_some() {
        return Fixed::error(400, "Unrecognized request argument supplied: model");
    }
    let mut files = FILES.lock();
    let id = format!("file-mock{}", files.len() + 1);
    let bytes = first_file(called.body).to_vec();
    let file = json!({
        "id": id, "object": "file", "bytes": bytes.len(), "created_at": 1, "filename": "mock.jsonl", "purpose": purpose,
        "status": "processed",
    });
    files.insert(id, (file.clone(), bytes));
    Fixed::json("", &file)
}

fn batch(called: &Called<'_>) -> Fixed {
    let body: Value = serde_json::from_slice(called.body).unwrap_or_default();
    let input = body["input_file_id"].as_str().unwrap_or_default();
    if !FILES.lock().contains_key(input) {
        return Fixed::error(404, "No such File object.");
    }
    let mut batches = BATCHES.lock();
    let id = format!("batch_mock{}", batches.len() + 1);
    let batch = json!({
        "id": id, "object": "batch", "endpoint": body["endpoint"], "input_file_id": input, "status": "completed",
        "output_file_id": input, "error_file_id": null, "metadata": body["metadata"],
    });
    batches.insert(id, batch.clone());
    Fixed::json("", &batch)
}

fn list(data: Vec<Value>) -> Fixed {
    Fixed::json("", &json!({ "object": "list", "data": data, "has_more": false }))
}

fn found(thing: Option<Value>) -> Fixed {
    thing.map_or_else(|| Fixed::error(404, "No such object."), |thing| Fixed::json("", &thing))
}
