//! Files and batches go to the provider that has them, and belong to who made them.

use deltallm_tests::{Answer, Caller, MASTER_KEY, MODEL, System, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const BOUNDARY: &str = "deltallm-test-boundary-51c9";

fn form(content: &[u8], more: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in [("purpose", "batch")].iter().chain(more) {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
        );
    }
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.jsonl\"\r\n\r\n");
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn upload(caller: &Caller, content: &[u8], more: &[(&str, &str)]) -> Answer {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    Answer::read(caller.post_form("/v1/files", &content_type, form(content, more)).send().await.unwrap()).await
}

async fn ask(caller: &Caller, method: Method, path: &str) -> Answer {
    Answer::read(caller.request(method, path).send().await.unwrap()).await
}

async fn start_batch(caller: &Caller, body: &Value) -> Answer {
    Answer::read(caller.post("/v1/batches", body).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_made_read_and_ended_by_its_owner() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("batches").await;
    let content: Vec<u8> = b"{\"custom_id\":\"1\"}\n".repeat(40_000);
    let file = upload(&caller, &content, &[("model", MODEL)]).await;
    assert_eq!(file.status, 200, "{}", file.text);
    let id = file.json["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("file-") && id.contains('~'), "{id}");
    assert_eq!(file.json["bytes"], content.len());

    let shown = ask(&caller, Method::GET, &format!("/v1/files/{id}")).await;
    assert_eq!((shown.status, shown.json["id"].as_str()), (200, Some(id.as_str())));
    let got = ask(&caller, Method::GET, &format!("/v1/files/{id}/content")).await;
    assert!(got.status == 200 && got.text.as_bytes() == content, "the content comes as it is");

    let body = json!({ "input_file_id": id, "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": { "id": "mine" } });
    let batch = start_batch(&caller, &body).await;
    assert_eq!(batch.status, 200, "{}", batch.text);
    assert_eq!((&batch.json["input_file_id"], &batch.json["output_file_id"]), (&json!(id), &json!(id)));
    assert_eq!(batch.json["metadata"]["id"], "mine", "only the provider's names change");
    let books = system.books().await;
    let request = batch.header("x-request-id").to_owned();
    let row = eventually("the batch stands in the database", || async { books.of_request(&request).await.pop() }).await;
    assert_eq!(row.cost_nano_usd, None, "what its calls cost is not known, which is not nothing");
    let described = upload(&caller, br#"{"id":"x"}"#, &[("model", MODEL)]).await;
    let described = described.json["id"].as_str().unwrap();
    let got = ask(&caller, Method::GET, &format!("/v1/files/{described}/content")).await;
    assert_eq!((got.status, got.text.as_str()), (200, r#"{"id":"x"}"#), "no id in a content is ours");
    let batch_id = batch.json["id"].as_str().unwrap();
    assert_eq!(ask(&caller, Method::GET, &format!("/v1/batches/{batch_id}")).await.json["status"], "completed");
    let ended = ask(&caller, Method::POST, &format!("/v1/batches/{batch_id}/cancel")).await;
    assert_eq!((ended.status, ended.json["status"].as_str()), (200, Some("cancelling")), "{}", ended.text);
    let gone = ask(&caller, Method::DELETE, &format!("/v1/files/{id}")).await;
    assert_eq!((gone.status, gone.json["deleted"].as_bool()), (200, Some(true)), "{}", gone.text);
    assert_eq!(ask(&caller, Method::GET, &format!("/v1/files/{id}")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_belongs_to_somebody_else() {
    let system = System::start().await;
    let (owner, _) = system.caller_with_new_key("owner").await;
    let (other, _) = system.caller_with_new_key("other").await;
    let file = upload(&owner, b"secret", &[]).await;
    assert_eq!(file.status, 200, "the only account with files needs no name: {}", file.text);
    let id = file.json["id"].as_str().unwrap();
    let bare = id.split('~').next().unwrap();
    for path in [id.to_owned(), format!("{id}/content"), bare.to_owned(), format!("{bare}/content")] {
        let refused = ask(&other, Method::GET, &format!("/v1/files/{path}")).await;
        assert_eq!((refused.status, refused.code()), (404, "not_found"), "{path}");
        assert!(!refused.text.contains("secret"));
    }
    assert_eq!(ask(&owner, Method::GET, &format!("/v1/files/{bare}")).await.status, 404, "also by its bare name");
    assert_eq!(ask(&other, Method::DELETE, &format!("/v1/files/{id}")).await.status, 404);
    let stolen = start_batch(&other, &json!({ "input_file_id": id, "endpoint": "/v1/chat/completions" })).await;
    assert_eq!(stolen.status, 404, "{}", stolen.text);
    let raw = start_batch(&other, &json!({ "input_file_id": bare, "endpoint": "/v1/chat/completions" })).await;
    assert_eq!(raw.status, 404, "{}", raw.text);

    let list = ask(&other, Method::GET, "/v1/files").await;
    assert_eq!((list.status, list.code()), (403, "permission_denied"));
    let master = system.caller(MASTER_KEY);
    let list = ask(&master, Method::GET, "/v1/files").await;
    assert_eq!((list.status, list.json["data"].as_array().map(Vec::len)), (200, Some(1)), "{}", list.text);
    assert_eq!(ask(&master, Method::GET, &format!("/v1/files/{id}/content")).await.text, "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_at_the_provider_goes_on_for_its_owner_only() {
    let system = System::start().await;
    let (owner, _) = system.caller_with_new_key("owner").await;
    let (other, _) = system.caller_with_new_key("other").await;
    let respond = async |caller: &Caller, more: Value| {
        let mut body = json!({ "model": MODEL, "input": "Hello." });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Answer::read(caller.post("/v1/responses", &body).send().await.unwrap()).await
    };
    let first = respond(&owner, json!({})).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let id = first.json["id"].as_str().unwrap().to_owned();
    let bare = id.split('~').next().unwrap();
    assert!(id.contains('~') && bare.starts_with("resp"), "{id}");

    let next = respond(&owner, json!({ "previous_response_id": id })).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let received: Value = serde_json::from_slice(&system.upstream.last_received().await.body()).unwrap();
    assert_eq!(received["previous_response_id"], bare, "the provider's own name goes there");

    let alone = json!({ "model": MODEL, "previous_response_id": id });
    // This upstream wants an input; that it is asked is what counts.
    Answer::read(owner.post("/v1/responses", &alone).send().await.unwrap()).await;
    let received: Value = serde_json::from_slice(&system.upstream.last_received().await.body()).unwrap();
    assert_eq!((received["previous_response_id"].as_str(), received.get("input")), (Some(bare), None));
    let hidden = respond(&owner, json!({ "background": true })).await;
    assert_eq!((hidden.status, hidden.code()), (400, "invalid_request_error"), "{}", hidden.text);

    for name in [id.as_str(), bare] {
        let stolen = respond(&other, json!({ "previous_response_id": name })).await;
        assert_eq!((stolen.status, stolen.code()), (404, "not_found"), "{}", stolen.text);
    }
    let streamed = respond(&owner, json!({ "stream": true })).await;
    assert_eq!(streamed.status, 200);
    let with_ids = streamed.text.lines().filter(|line| line.contains("\"response\":{")).collect::<Vec<_>>();
    assert!(with_ids.len() >= 2 && with_ids.iter().all(|line| line.contains('~')), "{}", streamed.text);
    let shown = ask(&other, Method::GET, &format!("/v1/responses/{id}")).await;
    assert_eq!((shown.status, shown.code()), (404, "not_found"));
}
