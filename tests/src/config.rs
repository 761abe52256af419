//! The configuration that the tested system runs with.

use std::net::SocketAddr;

/// Public name of the usual model; the upstream knows it by the same.
pub const MODEL: &str = "gpt-4o-mini";
/// What the upstream calls the model behind `renamed`.
pub const UPSTREAM_MODEL: &str = "gpt-4o-2024-08-06";
/// Price of one input token: 0.00000015 USD.
pub const INPUT_NANO_USD: i64 = 150;
/// Price of one output token: 0.0000006 USD.
pub const OUTPUT_NANO_USD: i64 = 600;
/// The gateway's own key at the upstream: no caller may ever see it.
pub const UPSTREAM_KEY: &str = "sk-upstream-4c1f0a7be2d94f5d8a63";
/// Key of the administrator.
pub const MASTER_KEY: &str = "sk-master-7d3e5a90b1c84e6f92a4";
/// Secret that the system's keys are derived from.
pub const SALT_KEY: &str = "salt-0b6f4e1d8c2a4795a3e7d50f91b86c2e";

/// One entry of `model_list` at the usual price; `more` = further lines of `deltallm_params`.
pub fn model_entry(name: &str, upstream_model: &str, upstream: SocketAddr, more: &[&str]) -> String {
    let more: Vec<String> = more.iter().map(|line| format!("      {line}\n")).collect();
    let more = more.concat();
    format!(
        "  - model_name: {name}
    deltallm_params:
      model: openai/{upstream_model}
      api_key: {UPSTREAM_KEY}
      api_base: http://{upstream}/v1
{more}    model_info:
      input_cost_per_token: 0.00000015
      output_cost_per_token: 0.0000006
"
    )
}

/// The whole file: the usual models, then what a test adds.
pub fn text(upstream: SocketAddr, more_models: &[String], more_sections: &str) -> String {
    let mut models = model_entry(MODEL, MODEL, upstream, &[]);
    models.push_str(&model_entry("renamed", UPSTREAM_MODEL, upstream, &[]));
    models.push_str(&model_entry("text-embedding-3-small", "text-embedding-3-small", upstream, &[]));
    for entry in more_models {
        models.push_str(entry);
    }
    format!(
        "model_list:
{models}general_settings:
  master_key: os.environ/DELTALLM_MASTER_KEY
{more_sections}"
    )
}
