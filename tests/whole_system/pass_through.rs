//! A provider's own interface behind its name: signed with the gateway's key, billed where the answer can be read, and no way
//! to anywhere else.

use deltallm_tests::wire::RawConnection;
use deltallm_tests::{Answer, INPUT_NANO_USD, MASTER_KEY, MODEL, OUTPUT_NANO_USD, System, UPSTREAM_KEY, eventually};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_the_provider_is_reached_with_the_gateways_key() {
    let system = System::builder().alone().start().await;
    let caller = system.caller(MASTER_KEY);
    for path in ["/openai/v1/models", "/openai/models?limit=3&key=sk-mine"] {
        let answer = Answer::read(caller.request(Method::GET, path).send().await.unwrap()).await;
        assert_eq!((answer.status, answer.json["object"].as_str()), (200, Some("list")), "{path}: {}", answer.text);
    }
    let unknown = Answer::read(caller.request(Method::GET, "/groq/v1/models").send().await.unwrap()).await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"), "no model is served by that provider");
    let nobody = Answer::read(
        system.caller("sk-nobody-knows-this-one").request(Method::GET, "/openai/v1/models").send().await.unwrap(),
    )
    .await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_a_known_dialect_is_billed_by_it() {
    let entry = |upstream: std::net::SocketAddr| {
        format!(
            "  - model_name: claude
    deltallm_params:
      model: anthropic/{MODEL}
      api_key: {UPSTREAM_KEY}
      api_base: http://{upstream}
    model_info:
      input_cost_per_token: 0.00000015
      output_cost_per_token: 0.0000006
"
        )
    };
    let system = System::builder().model(entry).start().await;
    let (caller, _) = system.caller_with_new_key("dialects").await;
    let books = system.books().await;
    for stream in [false, true] {
        let body = json!({
            "model": MODEL, "max_tokens": 64, "stream": stream,
            "messages": [{ "role": "user", "content": "mock-opts:{prompt_tokens=30,chunks=4}" }],
        });
        let request = caller.post("/anthropic/v1/messages", &body).header("anthropic-version", "2023-06-01");
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let received = system.upstream.last_received().await;
        assert_eq!(received.header("x-api-key"), Some(UPSTREAM_KEY));
        assert_eq!(
            (received.header("authorization"), received.header("anthropic-version")),
            (None, Some("2023-06-01"))
        );
        let versions = received.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("anthropic-version"));
        assert_eq!(versions.count(), 1, "a line that is passed on stands there once");
        assert_eq!(received.body(), body.to_string().into_bytes(), "as it came");
        let id = answer.header("x-request-id").to_owned();
        let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
        assert_eq!((row.input_tokens, row.output_tokens), (30, 4), "stream: {stream}");
        assert_eq!(row.cost_nano_usd, Some(30 * INPUT_NANO_USD + 4 * OUTPUT_NANO_USD));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_provider_can_be_reached() {
    let system = System::builder().alone().start().await;
    let api = system.proxy().api();
    for path in [
        "/openai/../_ledger",
        "/openai/v1/../../_ledger",
        "/openai/%2e%2e/_ledger",
        "/openai/v1/%2e%2e%2f_ledger",
        "/openai/%252e%252e/_ledger",
        "/openai//evil.example/x",
        "/openai/v1/a\\..\\b",
        "/openai/@evil.example/../x",
    ] {
        let mut connection = RawConnection::open(api).await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {MASTER_KEY}\r\nconnection: close\r\n\r\n"
        );
        connection.send(head.as_bytes()).await;
        let (status, answer) = connection.read_status().await;
        assert!(status == 400 || status == 404, "{path}: {status} {answer}");
        assert!(!answer.contains("connections_accepted"), "{path}: {answer}");
    }
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_certain_models_has_to_name_one() {
    let keys = "keys:\n  - name: narrow\n    key: sk-narrow-0123456789abcdef\n    models: [renamed]\n";
    let system = System::builder().sections(keys).alone().start().await;
    let narrow = system.caller("sk-narrow-0123456789abcdef");
    let nameless = Answer::read(narrow.request(Method::GET, "/openai/v1/models").send().await.unwrap()).await;
    assert_eq!((nameless.status, nameless.code()), (403, "model_not_allowed"));
    for model in [MODEL, "renamed"] {
        let other = json!({ "model": model, "messages": [{ "role": "user", "content": "x" }] });
        let other = Answer::read(narrow.post("/openai/chat/completions", &other).send().await.unwrap()).await;
        assert_eq!((other.status, other.code()), (403, "model_not_allowed"), "{model}: the call goes on as it is");
    }
    let part =
        |name: &str, value: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let form = part("x", r#"{"model":"renamed"}"#) + &part("model", MODEL) + "--b--\r\n";
    let form = narrow.post_form("/openai/audio/transcriptions", "multipart/form-data; boundary=b", form.into_bytes());
    let form = Answer::read(form.send().await.unwrap()).await;
    assert_eq!((form.status, form.code()), (403, "model_not_allowed"));
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_all_tenants_is_for_the_master_key_alone() {
    let system = System::start().await;
    let (tenant, _) = system.caller_with_new_key("tenant").await;
    for (method, path) in [
        (Method::GET, "/openai/v2/files"),
        (Method::GET, "/openai/v1/%66iles"),
        (Method::GET, "/openai/Files"),
        (Method::GET, "/openai/v1/fil%65s"),
        (Method::GET, "/openai/v1/files;x=1"),
        (Method::GET, "/openai/chat/completions"),
        (Method::DELETE, "/openai/chat/completions/c"),
        (Method::DELETE, "/openai/v1/models/ft:x"),
        (Method::POST, "/openai/v1/realtime/client_secrets"),
        (Method::POST, "/openai/v1/unheard/of"),
    ] {
        let refused = Answer::read(tenant.request(method, path).send().await.unwrap()).await;
        assert_eq!((refused.status, refused.code()), (403, "permission_denied"), "{path}: {}", refused.text);
    }
    assert_eq!(system.upstream.ledger(0).await.total.requests, 0);
    let models = Answer::read(tenant.request(Method::GET, "/openai/v1/models").send().await.unwrap()).await;
    assert_eq!(models.status, 200, "{}", models.text);
    let master = system.caller(MASTER_KEY);
    let files = Answer::read(master.request(Method::GET, "/openai/files?limit=1").send().await.unwrap()).await;
    assert_eq!(files.status, 200, "{}", files.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_nobody_configured_has_no_price_and_a_silent_stream_is_counted() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("prices").await;
    let books = system.books().await;
    let row = async |body: serde_json::Value| {
        let answer = Answer::read(caller.post("/openai/chat/completions", &body).send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let id = answer.header("x-request-id").to_owned();
        eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await
    };
    let body = |model: &str, stream: bool| {
        let words = "word ".repeat(500);
        json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": words }] })
    };
    let unknown = row(body("gpt-unheard-of", false)).await;
    assert_eq!(unknown.cost_nano_usd, None, "its price is not another model's");
    let silent = row(body(MODEL, true)).await;
    assert!(silent.input_tokens > 400 && silent.cost_nano_usd > Some(400 * INPUT_NANO_USD), "{}", silent.input_tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_the_header_alone_is_answered_and_recorded() {
    let system = System::start().await;
    let (caller, _) = system.caller_with_new_key("heads").await;
    let books = system.books().await;
    let answer = caller.request(Method::HEAD, "/openai/v1/models/no-such-model").send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    assert!(status >= 400, "{status}");
    let row = eventually("the call stands in the database", || async { books.of_request(&id).await.pop() }).await;
    assert_eq!(row.cost_nano_usd, Some(0));
    assert_ne!(row.outcome, "interrupted");
}
