//! What a file may say and what it is told otherwise.

use super::*;
use crate::{credential::CredentialValues, routing::EffectiveRouting};

fn environment(name: &str) -> Option<String> {
    match name {
        "OPENAI_API_KEY" => Some("sk-from-the-environment".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "AZURE_CLIENT_SECRET" => Some("a-secret".to_owned()),
        "TEAM_A_KEY" => Some("sk-0123456789abcdefghij".to_owned()),
        "MASTER" => Some("sk-master-0123456789abcdef".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, Vec<String>> {
    let result = check_text(text, Path::new("config.yaml"), &environment);
    result.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn first_error(text: &str) -> String {
    read(text).unwrap_err().remove(0)
}

#[test]
fn the_documented_shape_loads_with_prices_exact_and_keys_resolved() {
    let config = read(
        "
model_list:
  - model_name: gpt-4o-mini
    deltallm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
      api_base: http://127.0.0.1:9000/v1/
      timeout: 60s
      stream_timeout: 30
      rpm: 1000
      weight: 3
    model_info: { mode: chat, tags: [eu], input_cost_per_token: 0.00000015, output_cost_per_token: 6e-7 }
router_settings: { routing_strategy: simple-shuffle, num_retries: 2, timeout: 600s, fallbacks: [ { gpt-4o-mini: [b] } ], model_group_alias: { mini: gpt-4o-mini } }
litellm_settings: { drop_params: false }
general_settings: { master_key: os.environ/MASTER, database_url: os.environ/DATABASE_URL, redis_url: os.environ/REDIS_URL }
keys:
  - { name: team-a, key: os.environ/TEAM_A_KEY, models: [gpt-4o-mini], max_budget: 10.0, budget_duration: 30d, rpm_limit: 60 }
",
    )
    .unwrap();
    let [deployment] = config.deployments.as_slice() else { panic!("one deployment: {:?}", config.deployments) };
    assert_eq!(deployment.record.api_base.as_deref(), Some("http://127.0.0.1:9000/v1"));
    assert_eq!(deployment.record.stream_timeout_ms, Some(30_000));
    assert_eq!(deployment.record.prices.unwrap().input.to_string(), "0.00000015");
    assert_eq!(deployment.record.prices.unwrap().output.to_string(), "0.0000006");
    let key = CredentialValues::api_key(Secret::from("sk-from-the-environment"));
    assert_eq!(deployment.credentials, [key]);
    assert_eq!(config.keys[0].key.expose(), "sk-0123456789abcdefghij");
    assert_eq!(config.model_aliases["mini"], "gpt-4o-mini");
    assert_eq!((&config.general.database_url, &config.general.redis_url), (&None, &None));
    let warnings: Vec<_> = config.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert!(warnings.iter().any(|text| text.contains("keys.max_budget")), "{warnings:?}");
}

#[test]
fn an_unknown_key_names_the_nearest_known_one_with_its_place() {
    let error = first_error("model_list:\n  - model_name: a\n    deltallm_params:\n      modle: openai/x\n");
    assert_eq!(error, "config.yaml:4:7: unknown key `modle`; did you mean `model`?");
    let error = first_error("general_setings: {}\n");
    assert_eq!(error, "config.yaml:1:1: unknown key `general_setings`; did you mean `general_settings`?");
}

#[test]
fn mistakes_of_meaning_are_all_reported_with_their_places() {
    let errors = read(
        "model_list:
  - model_name: a
    deltallm_params: { model: opnai/gpt-4o }
  - model_name: b
    deltallm_params: { model: gpt-4o }
  - model_name: c
    deltallm_params: { model: anthropic/claude-x, api_key: os.environ/NOT_SET }
  - model_name: d
    deltallm_params: { model: openai/gpt-4o, timeout: soon, api_base: ftp://x }
",
    )
    .unwrap_err();
    let expected = [
        "config.yaml:3:31: unknown provider `opnai`; did you mean `openai`?",
        "config.yaml:5:31: `model` has the form `provider/model`",
        "config.yaml:7:60: the environment has no NOT_SET",
        "config.yaml:9:71: `api_base`: ",
        "config.yaml:9:55: `soon` is not a duration",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, start) in errors.iter().zip(expected) {
        assert!(error.starts_with(start), "{error} should start with {start}");
    }
}

#[test]
fn broken_yaml_wrong_types_and_doubled_keys_have_a_place() {
    for text in [
        "model_list: [",
        "model_list: 5",
        "keys: []\nkeys: []\n",
        "model_list:\n  - 7\n",
        "general_settings: { built_in_models: maybe }",
    ] {
        let error = first_error(text);
        assert!(error.starts_with("config.yaml:"), "{text:?}: {error}");
    }
}

#[test]
fn an_empty_file_offers_the_mock_and_the_environments_providers() {
    for text in ["", "# nothing but a comment\n---\n"] {
        let config = read(text).unwrap();
        let names: Vec<_> = config.deployments.iter().map(|deployment| deployment.record.model_name.as_str()).collect();
        assert!(names.contains(&"mock/echo") && names.contains(&"gpt-4o-mini"), "{names:?}");
        assert!(!names.iter().any(|name| name.starts_with("claude")), "no key for it: {names:?}");
    }
}

#[test]
fn weak_master_keys_are_refused() {
    let error = first_error("general_settings: { master_key: sk-1234 }");
    assert!(error.starts_with("config.yaml:1:33: it is a placeholder"), "{error}");
}

#[test]
fn the_documented_example_loads_also_with_everything_in_it_switched_on() {
    let example = include_str!("../../../config.yaml");
    let config = read(example).unwrap();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let by_itself = EffectiveRouting::default();
    assert_eq!(EffectiveRouting::of(&config.routing), by_itself, "the example shows what holds without it");
    // Comments that are configuration: two spaces or a list's dash after the sign, or a top-level key.
    let is_setting = |rest: &str| {
        rest.starts_with("  ")
            || rest.starts_with(" model_list:")
            || rest.starts_with(" credential_list:")
            || rest.starts_with(" keys:")
    };
    let switched_on: Vec<String> = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if is_setting(rest) => rest.get(1..).unwrap_or_default().to_owned(),
            _ => match line.trim_start().strip_prefix("# ") {
                Some(rest) if line.starts_with("  #") => format!("  {rest}"),
                _ => line.to_owned(),
            },
        })
        .collect();
    let config = read(&switched_on.join("\n")).unwrap();
    assert_eq!(
        config.deployments.iter().filter(|deployment| deployment.record.source == DeploymentSource::Config).count(),
        6
    );
    assert_eq!((config.keys.len(), config.model_aliases.len(), config.credentials.len()), (1, 1, 3));
    assert_eq!(config.group_routing.keys().collect::<Vec<_>>(), ["azure", "claude", "gpt-4o-mini"]);
    assert_eq!(config.group_routing["claude"].fallbacks.as_deref(), Some(["gpt-4o-mini".to_owned()].as_slice()));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}
