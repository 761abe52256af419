//! The grammar of `config.yaml`. Unknown keys are errors everywhere; nothing here is judged yet.
//!
//! LiteLLM's names for two sections are aliases. Settings whose function is not in this version are read into [`Unused`], so
//! that a file written for the whole product loads; `check` names each of them in a warning.

use serde::Deserialize;

use super::{
    raw_router::{RawFallbacks, RawRouter},
    scalar::{Text, Texts},
};
use crate::control::ModelMode;

/// A setting that is accepted and not in effect yet.
pub(super) type Unused = Option<serde::de::IgnoredAny>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    pub model_list: Vec<RawModel>,
    pub credential_list: Vec<RawCredential>,
    pub router_settings: RawRouter,
    #[serde(alias = "litellm_settings")]
    pub deltallm_settings: RawProduct,
    pub general_settings: RawGeneral,
    pub keys: Vec<RawKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    pub model_name: Text,
    #[serde(alias = "litellm_params")]
    pub deltallm_params: RawParams,
    #[serde(default)]
    pub model_info: RawModelInfo,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawParams {
    pub model: Text,
    pub api_key: Option<Text>,
    #[serde(default)]
    pub api_keys: Vec<Text>,
    #[serde(default, alias = "litellm_credential_name")]
    pub credential: Texts,
    pub aws_access_key_id: Option<Text>,
    pub aws_secret_access_key: Option<Text>,
    pub aws_session_token: Option<Text>,
    pub vertex_credentials: Option<Text>,
    pub tenant_id: Option<Text>,
    pub client_id: Option<Text>,
    pub client_secret: Option<Text>,
    pub authority_host: Option<Text>,
    pub api_base: Option<Text>,
    pub api_version: Option<Text>,
    #[serde(alias = "aws_region_name", alias = "vertex_location")]
    pub region: Option<Text>,
    #[serde(alias = "vertex_project")]
    pub project: Option<Text>,
    pub drop_params: Option<bool>,
    pub timeout: Option<Text>,
    pub stream_timeout: Option<Text>,
    pub weight: Option<u32>,
    #[serde(alias = "order")]
    pub priority: Option<Text>,
    pub rpm: Option<Text>,
    pub tpm: Option<Text>,
    pub max_parallel_requests: Option<Text>,
    #[serde(default)]
    pub mock: RawMock,
}

/// The fields that a credential can be made of, wherever they stand.
pub(super) struct RawSignIn<'a> {
    pub api_key: Option<&'a Text>,
    pub aws_access_key_id: Option<&'a Text>,
    pub aws_secret_access_key: Option<&'a Text>,
    pub aws_session_token: Option<&'a Text>,
    pub vertex_credentials: Option<&'a Text>,
    pub tenant_id: Option<&'a Text>,
    pub client_id: Option<&'a Text>,
    pub client_secret: Option<&'a Text>,
    pub authority_host: Option<&'a Text>,
}

macro_rules! sign_in {
    ($raw:ty) => {
        impl $raw {
            /// What of it is a credential.
            pub(super) fn sign_in(&self) -> RawSignIn<'_> {
                RawSignIn {
                    api_key: self.api_key.as_ref(),
                    aws_access_key_id: self.aws_access_key_id.as_ref(),
                    aws_secret_access_key: self.aws_secret_access_key.as_ref(),
                    aws_session_token: self.aws_session_token.as_ref(),
                    vertex_credentials: self.vertex_credentials.as_ref(),
                    tenant_id: self.tenant_id.as_ref(),
                    client_id: self.client_id.as_ref(),
                    client_secret: self.client_secret.as_ref(),
                    authority_host: self.authority_host.as_ref(),
                }
            }
        }
    };
}

sign_in!(RawParams);
sign_in!(RawCredentialValues);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCredential {
    #[serde(rename = "credential_name")]
    pub name: Text,
    #[serde(rename = "credential_values")]
    pub values: RawCredentialValues,
    #[serde(default, rename = "credential_info")]
    pub info: RawCredentialInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCredentialValues {
    pub api_key: Option<Text>,
    pub aws_access_key_id: Option<Text>,
    pub aws_secret_access_key: Option<Text>,
    pub aws_session_token: Option<Text>,
    pub vertex_credentials: Option<Text>,
    pub tenant_id: Option<Text>,
    pub client_id: Option<Text>,
    pub client_secret: Option<Text>,
    pub authority_host: Option<Text>,
    pub api_base: Option<Text>,
    pub api_version: Option<Text>,
    #[serde(alias = "aws_region_name", alias = "vertex_location")]
    pub region: Option<Text>,
    #[serde(alias = "vertex_project")]
    pub project: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCredentialInfo {
    pub description: Option<Text>,
    #[serde(alias = "provider")]
    pub custom_llm_provider: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMock {
    pub delay: Option<Text>,
    pub chunk_gap: Option<Text>,
    pub failure_percent: Option<u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawModelInfo {
    pub mode: Option<ModelMode>,
    pub tags: Vec<String>,
    pub input_cost_per_token: Option<Text>,
    pub output_cost_per_token: Option<Text>,
    pub cache_read_input_token_cost: Option<Text>,
    pub cache_creation_input_token_cost: Option<Text>,
    pub cache_creation_input_token_cost_above_1hr: Option<Text>,
    pub output_cost_per_reasoning_token: Option<Text>,
    pub input_cost_per_audio_token: Option<Text>,
    pub output_cost_per_audio_token: Option<Text>,
    pub input_cost_per_image_token: Option<Text>,
    pub output_cost_per_image_token: Option<Text>,
    pub output_cost_per_image: Option<Text>,
    pub input_cost_per_character: Option<Text>,
    pub input_cost_per_second: Option<Text>,
    pub cost_per_page: Option<Text>,
    pub input_cost_per_query: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawProduct {
    pub guardrails: Unused,
    pub cache: Unused,
    pub drop_params: bool,
    pub callbacks: Unused,
    pub num_retries: Option<Text>,
    pub request_timeout: Option<Text>,
    pub allowed_fails: Option<Text>,
    pub cooldown_time: Option<Text>,
    pub fallbacks: RawFallbacks,
    pub context_window_fallbacks: RawFallbacks,
    pub content_policy_fallbacks: RawFallbacks,
    pub default_fallbacks: Option<Texts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawGeneral {
    pub master_key: Option<Text>,
    pub salt_key: Option<Text>,
    pub database_url: Option<Text>,
    pub redis_url: Option<Text>,
    pub admin_url: Option<Text>,
    pub built_in_models: Option<bool>,
    pub background_health_checks: bool,
    pub health_check_interval: Option<Text>,
    pub max_request_body: Option<Text>,
    pub max_upload: Option<Text>,
    pub client_timeouts: RawClientTimeouts,
    pub journal: RawJournal,
    pub egress: RawEgress,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawClientTimeouts {
    pub header: Option<Text>,
    pub body: Option<Text>,
    pub stall: Option<Text>,
    pub keepalive: Option<Text>,
    pub drain: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawJournal {
    pub fsync_interval: Option<Text>,
    pub max_size: Option<Text>,
    pub on_full: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawEgress {
    pub allow_private: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKey {
    pub name: Text,
    pub key: Text,
    pub models: Option<Vec<String>>,
    pub expires_at: Option<Text>,
    #[serde(default)]
    pub blocked: bool,
    pub max_budget: Unused,
    pub budget_duration: Unused,
    pub rpm_limit: Unused,
    pub tpm_limit: Unused,
}
