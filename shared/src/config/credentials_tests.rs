//! How a file and the environment say what to sign in with.

use std::path::Path;

use crate::{
    config::{Config, check_text},
    credential::{CredentialKind, CredentialValues},
};

fn read_with(text: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let variable =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let result = check_text(text, Path::new("config.yaml"), &variable);
    result.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn read(text: &str) -> Result<Config, Vec<String>> {
    read_with(text, &[])
}

fn keys(values: &[CredentialValues]) -> Vec<&str> {
    let key = |values: &'_ CredentialValues| match values {
        CredentialValues::ApiKey { api_key } => api_key.expose().clone(),
        other => panic!("no key: {other:?}"),
    };
    values.iter().map(|values| key(values).leak() as &str).collect()
}

const GOOGLE: &str = r#"{"type":"service_account","project_id":"my-project","private_key_id":"k1","client_email":"a@b.iam","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n","token_uri":"https://oauth2.googleapis.com/token"}"#;

#[test]
fn named_credentials_are_shared_by_the_deployments_that_name_them() {
    let config = read_with(
        "
credential_list:
  - credential_name: openai-main
    credential_values: { api_key: os.environ/MAIN_KEY, api_base: https://eu.api.openai.com/v1/ }
    credential_info: { description: the main account, custom_llm_provider: openai }
  - credential_name: openai-spare
    credential_values: { api_key: sk-spare }
model_list:
  - model_name: one
    litellm_params: { model: openai/gpt-4o, litellm_credential_name: openai-main }
  - model_name: pool
    deltallm_params: { model: openai/gpt-4o, credential: [openai-main, openai-spare], api_keys: [sk-a, os.environ/B_KEY] }
",
        &[("MAIN_KEY", "sk-main"), ("B_KEY", "sk-b"), ("OPENAI_API_KEY", "sk-usual")],
    )
    .unwrap();
    let [main, spare] = config.credentials.as_slice() else { panic!("{:?}", config.credentials) };
    assert_eq!((main.name.as_str(), main.provider.as_deref()), ("openai-main", Some("openai")));
    let [one, pool] = config.deployments.as_slice() else { panic!("{:?}", config.deployments) };
    assert_eq!(one.record.credential_ids, [main.id]);
    assert!(one.credentials.is_empty(), "the usual variable serves only where no credential is named");
    assert_eq!(one.record.api_base.as_deref(), Some("https://eu.api.openai.com/v1"));
    assert_eq!(pool.record.credential_ids, [main.id, spare.id]);
    assert_eq!(keys(&pool.credentials), ["sk-a", "sk-b"]);
}

#[test]
fn azure_vertex_and_bedrock_are_told_by_their_usual_names() {
    let config = read(&format!(
        "
model_list:
  - model_name: azure
    deltallm_params:
      model: azure/my-gpt
      api_base: https://my.openai.azure.com
      api_version: 2024-10-21
      tenant_id: 11111111-2222-3333-4444-555555555555
      client_id: app
      client_secret: secret
      drop_params: true
  - model_name: vertex
    deltallm_params:
      model: vertex_ai/gemini-3-pro
      vertex_location: europe-west4
      vertex_credentials: '{GOOGLE}'
  - model_name: bedrock
    deltallm_params:
      model: bedrock/anthropic.claude-sonnet-5-v1:0
      aws_region_name: eu-west-1
      aws_access_key_id: AKIDEXAMPLE
      aws_secret_access_key: wJalrXUtnFEMI
      aws_session_token: token
deltallm_settings: {{ drop_params: false }}
"
    ))
    .unwrap();
    let kinds: Vec<_> = config.deployments.iter().map(|deployment| deployment.credentials[0].kind()).collect();
    assert_eq!(kinds, [CredentialKind::AzureEntra, CredentialKind::Google, CredentialKind::Aws]);
    let [azure, vertex, bedrock] = [0, 1, 2].map(|at: usize| &config.deployments[at].record);
    assert_eq!((azure.api_version.as_deref(), azure.drop_params), (Some("2024-10-21"), Some(true)));
    assert_eq!(vertex.region.as_deref(), Some("europe-west4"));
    assert_eq!(config.deployments[1].credentials[0].project(), Some("my-project"));
    assert_eq!((bedrock.region.as_deref(), bedrock.drop_params), (Some("eu-west-1"), None));
    assert!(!config.drop_params);
}

#[test]
fn the_environments_usual_names_serve_where_the_file_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("google.json");
    std::fs::write(&file, GOOGLE).unwrap();
    let environment = [
        ("AZURE_API_KEY", "azure-key"),
        ("AZURE_API_BASE", "https://env.openai.azure.com/"),
        ("AZURE_API_VERSION", "2025-01-01-preview"),
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-west-2"),
        ("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()),
        ("VERTEXAI_PROJECT", "env-project"),
        ("VERTEXAI_LOCATION", "global"),
    ];
    let text = "
model_list:
  - { model_name: a, deltallm_params: { model: azure/gpt } }
  - { model_name: b, deltallm_params: { model: bedrock/m } }
  - { model_name: c, deltallm_params: { model: vertex_ai/m } }
";
    let config = read_with(text, &environment).unwrap();
    let [azure, bedrock, vertex] = config.deployments.as_slice() else { panic!("{:?}", config.deployments) };
    assert_eq!(keys(&azure.credentials), ["azure-key"]);
    assert_eq!(azure.record.api_base.as_deref(), Some("https://env.openai.azure.com"));
    assert_eq!(azure.record.api_version.as_deref(), Some("2025-01-01-preview"));
    assert_eq!(bedrock.credentials[0].kind(), CredentialKind::Aws);
    assert_eq!(bedrock.record.region.as_deref(), Some("us-west-2"));
    assert_eq!(vertex.credentials[0].kind(), CredentialKind::Google);
    assert_eq!(vertex.record.project.as_deref(), Some("env-project"));

    let bearer = [("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key"), ("AWS_REGION_NAME", "eu-west-1")];
    let config =
        read_with("model_list: [ { model_name: b, deltallm_params: { model: bedrock/m } } ]", &bearer).unwrap();
    assert_eq!(keys(&config.deployments[0].credentials), ["bedrock-key"]);
}

#[test]
fn mistakes_have_their_place_and_show_no_secret() {
    let first_error = |text: &str| read(text).unwrap_err().remove(0);
    for (text, expected) in [
        (
            "credential_list:\n  - { credential_name: main, credential_values: { api_key: sk-a } }\nmodel_list:\n  - model_name: a\n    deltallm_params:\n      model: openai/m\n      credential: mian\n",
            "config.yaml:7:19: `credential_list` has no credential `mian`; did you mean `main`?",
        ),
        (
            "credential_list:\n  - { credential_name: main, credential_values: { api_key: sk-a } }\nmodel_list:\n  - model_name: a\n    deltallm_params:\n      model: openai/m\n      credential: [main, spare]\n",
            "config.yaml:7:26: `credential_list` has no credential `spare`",
        ),
        (
            "credential_list:\n  - credential_name: a\n    credential_values: { api_kye: sk-secret }\n",
            "config.yaml:3:26: unknown key `api_kye`; did you mean `api_key`?",
        ),
        (
            "credential_list: [ { credential_name: a, credential_values: {} } ]",
            "config.yaml:1:39: credential `a` holds nothing to sign in with",
        ),
        (
            "credential_list:\n  - { credential_name: a, credential_values: { api_key: x } }\n  - { credential_name: a, credential_values: { api_key: y } }\n",
            "config.yaml:3:24: a second credential is named `a`",
        ),
        (
            "credential_list: [ { credential_name: a, credential_values: { api_key: x, client_id: y } } ]",
            "config.yaml:1:39: `api_key` and `client_id` are two credentials; one is enough",
        ),
        (
            "credential_list: [ { credential_name: a, credential_values: { aws_access_key_id: x } } ]",
            "config.yaml:1:39: `aws_secret_access_key` is missing",
        ),
        (
            "credential_list: [ { credential_name: a, credential_values: { vertex_credentials: '{\"type\":\"x\"}' } } ]",
            "config.yaml:1:83: `vertex_credentials`: it is no JSON of a service account",
        ),
        (
            "model_list: [ { model_name: a, deltallm_params: { model: anthropic/m, aws_access_key_id: x, aws_secret_access_key: y } } ]",
            "config.yaml:1:58: provider `anthropic` takes no credential of the kind `aws`",
        ),
        (
            "model_list: [ { model_name: a, deltallm_params: { model: bedrock/m, api_key: x } } ]",
            "config.yaml:1:58: provider `bedrock` needs `region` or `api_base`",
        ),
        (
            "model_list: [ { model_name: a, deltallm_params: { model: bedrock/m, api_base: 'https://x.example', aws_access_key_id: x, aws_secret_access_key: y } } ]",
            "config.yaml:1:58: provider `bedrock` needs `region`",
        ),
        (
            "model_list: [ { model_name: a, deltallm_params: { model: azure/m, api_key: x } } ]",
            "config.yaml:1:58: provider `azure` needs `api_base`",
        ),
        (
            "model_list: [ { model_name: a, deltallm_params: { model: bedrock/m, api_key: x, region: 'a/b' } } ]",
            "config.yaml:1:89: `region` cannot be `a/b`",
        ),
    ] {
        let error = first_error(text);
        assert!(error.starts_with(expected), "{error} should start with {expected}");
        assert!(!error.contains("sk-"), "{error}");
    }
}

#[test]
fn one_mistake_is_one_message() {
    let text =
        "model_list:\n  - model_name: a\n    deltallm_params: { model: openai/m, api_key: os.environ/NOT_SET }\n";
    assert_eq!(read(text).unwrap_err(), ["config.yaml:3:50: the environment has no NOT_SET"]);
    let text = "credential_list: [ { credential_name: a, credential_values: { api_key: os.environ/NOT_SET } } ]";
    assert_eq!(read(text).unwrap_err(), ["config.yaml:1:72: the environment has no NOT_SET"]);
}

#[test]
fn built_in_models_are_offered_only_by_a_variable_that_is_for_their_provider_alone() {
    let storage = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "us-east-1")];
    let config = read_with("", &storage).unwrap();
    assert!(config.deployments.iter().all(|deployment| deployment.record.provider == "mock"));
    let bedrock = [("AWS_BEARER_TOKEN_BEDROCK", "key"), ("AWS_REGION", "us-east-1")];
    let config = read_with("", &bedrock).unwrap();
    let offered = config.deployments.iter().find(|deployment| deployment.record.provider == "bedrock").unwrap();
    assert_eq!(offered.record.region.as_deref(), Some("us-east-1"));
    let broken = [("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist"), ("VERTEXAI_LOCATION", "global")];
    let config = read_with("", &broken).unwrap();
    assert!(config.warnings[0].message.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{:?}", config.warnings);
}

#[test]
fn the_example_of_the_documentation_loads() {
    let page = include_str!("../../../docs/credentials.md");
    let example = page.split("```yaml").nth(1).unwrap().split("```").next().unwrap();
    let spare = "  - { credential_name: openai-spare, credential_values: { api_key: sk-spare } }\n\nmodel_list:";
    let example = example.replace('…', "filled-in").replacen("\nmodel_list:", spare, 1);
    let environment = [
        ("OPENAI_API_KEY", "sk-a"),
        ("AZURE_SECRET", "s"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let config = read_with(&example, &environment).unwrap();
    assert_eq!((config.credentials.len(), config.deployments.len()), (3, 3));
    assert_eq!(config.deployments[1].record.credential_ids.len(), 2);
}
