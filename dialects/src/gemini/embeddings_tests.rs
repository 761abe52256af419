//! Bodies as both hosts have them.

use super::*;

fn request(model: &str, inputs: Vec<EmbeddingInput>) -> EmbeddingRequest {
    let dimensions = Some(256);
    EmbeddingRequest { model: model.into(), inputs, dimensions, task: Some(Task::Query), ..Default::default() }
}

fn written(vendor: &dyn EmbeddingVendor, request: &EmbeddingRequest) -> Result<Value, ApiError> {
    let body = vendor.write_request(request, &mut Unsupported::new("google", false))?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn text(text: &str) -> EmbeddingInput {
    EmbeddingInput::Text(text.into())
}

#[test]
fn every_input_is_a_request_of_the_batch() {
    let image = Piece::Image(Source::of_url("data:image/png;base64,iVBORw0KGgo="));
    let mixed = EmbeddingInput::Mixed(vec![Piece::Text("A cat".into()), image]);
    let one = |content: Value| {
        json!({
            "model": "models/gemini-embedding-2",
            "content": content,
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 256,
        })
    };
    let expected = json!({"requests": [
        one(json!({"parts": [{"text": "Hello"}]})),
        one(json!({"parts": [{"text": "A cat"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]})),
    ]});
    let request = request("gemini-embedding-2", vec![text("Hello"), mixed]);
    assert_eq!(written(&GeminiEmbeddings, &request).unwrap(), expected);
}

#[test]
fn vertex_has_two_methods() {
    let older = request("text-embedding-005", vec![text("Hello"), text("Ciao")]);
    let expected = json!({
        "instances": [
            {"content": "Hello", "task_type": "RETRIEVAL_QUERY"},
            {"content": "Ciao", "task_type": "RETRIEVAL_QUERY"},
        ],
        "parameters": {"outputDimensionality": 256},
    });
    assert_eq!(written(&VertexEmbeddings, &older).unwrap(), expected);
    assert_eq!(vertex_method("gemini-embedding-001"), "predict");

    let newer = request("gemini-embedding-2-preview", vec![text("Hello")]);
    let expected = json!({
        "content": {"parts": [{"text": "Hello"}]},
        "embedContentConfig": {"taskType": "RETRIEVAL_QUERY", "outputDimensionality": 256},
    });
    assert_eq!(written(&VertexEmbeddings, &newer).unwrap(), expected);
    assert_eq!(vertex_method(&newer.model), "embedContent");
}

#[test]
fn what_cannot_be_embedded_is_named() {
    let tokens = request("gemini-embedding-2", vec![text("Hello"), EmbeddingInput::Tokens(vec![1, 2])]);
    assert_eq!(written(&GeminiEmbeddings, &tokens).unwrap_err().param.as_deref(), Some("input[1]"));
    let picture = EmbeddingInput::Image(Source::of_url("https://example.com/cat.png"));
    let picture = request("text-embedding-005", vec![picture]);
    assert_eq!(written(&VertexEmbeddings, &picture).unwrap_err().param.as_deref(), Some("input[0]"));
}

#[test]
fn answers_of_every_form_are_read() {
    let vectors = |texts: &[&str]| texts.iter().map(|text| Vector::Numbers((*text).into())).collect::<Vec<_>>();
    let batch = GeminiEmbeddings.read_answer(br#"{"embeddings":[{"values":[0.10, -1]},{"values":[2]}]}"#).unwrap();
    assert_eq!((batch.vectors, batch.usage), (vectors(&["[0.10, -1]", "[2]"]), None));

    let predicted = VertexEmbeddings
        .read_answer(br#"{"predictions":[{"embeddings":{"statistics":{"truncated":false,"token_count":4.0},"values":[1]}},{"embeddings":{"statistics":{"token_count":3},"values":[2]}}],"metadata":{"billableCharacterCount":11}}"#)
        .unwrap();
    let usage = Usage { input_tokens: 7, ..Usage::default() };
    assert_eq!((predicted.vectors, predicted.usage), (vectors(&["[1]", "[2]"]), Some(usage)));

    let single = VertexEmbeddings
        .read_answer(br#"{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":260,"promptTokensDetails":[{"modality":"IMAGE","tokenCount":258}]},"truncated":false}"#)
        .unwrap();
    let usage = Usage { input_tokens: 260, image_input_tokens: 258, ..Usage::default() };
    assert_eq!((single.vectors, single.usage), (vectors(&["[1]"]), Some(usage)));

    assert!(GeminiEmbeddings.read_answer(b"{}").is_err());
    assert!(VertexEmbeddings.read_answer(br#"{"predictions":[{"embeddings":{"values":"x"}}]}"#).is_err());
}
