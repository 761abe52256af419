//! From the file's grammar to a [`Config`]: every reference resolved, every value judged, all mistakes of a stage at once.

use std::{collections::HashMap, fs, path::Path, str::FromStr, time::Duration};

use super::{
    ClientTimeouts, Config, DEFAULT_REQUEST_TIMEOUT, Diagnostic, FileDeployment, FileKey, General, JournalFull,
    JournalSettings, built_in,
    credentials::Named,
    diagnostic::{nearest, yaml_diagnostic},
    raw::{RawConfig, RawGeneral, RawKey, RawModel, RawModelInfo, Unused},
    reference::{Environment, referred},
    scalar::Text,
};
use crate::{
    control::{DeploymentRecord, DeploymentSource, KeyRecord, MockOptions},
    crypto::{KeyHash, check_strength},
    ids::{DeploymentId, KeyId},
    pricing::ModelPrices,
    providers::{self, MOCK, MOCK_MODELS, PROVIDERS},
    routing::{ActiveCheck, ActiveCheckKind},
    secret::Secret,
    time_text::{Timestamp, parse_bytes, parse_duration},
};

const MAX_FILE_BYTES: u64 = 16 << 20;

/// Reads and checks a file.
pub fn check(path: &Path, environment: &dyn Environment) -> Result<Config, Vec<Diagnostic>> {
    let whole_file =
        |message: String| vec![Diagnostic { file: path.display().to_string(), line: 0, column: 0, message }];
    let size = fs::metadata(path).map_err(|error| whole_file(format!("cannot be read: {error}")))?.len();
    if size > MAX_FILE_BYTES {
        return Err(whole_file(format!("is larger than {MAX_FILE_BYTES} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| whole_file(format!("cannot be read: {error}")))?;
    check_text(&text, path, environment)
}

/// Checks the text of a file; `path` is for the messages.
pub fn check_text(text: &str, path: &Path, environment: &dyn Environment) -> Result<Config, Vec<Diagnostic>> {
    let file = path.display().to_string();
    let raw = if is_blank(text) {
        RawConfig::default()
    } else {
        let options = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| vec![yaml_diagnostic(&file, &error)])?
    };
    let mut checker = Checker { file, environment, errors: Vec::new(), warnings: Vec::new() };
    let config = checker.config(raw);
    if checker.errors.is_empty() { Ok(Config { warnings: checker.warnings, ..config }) } else { Err(checker.errors) }
}

/// Whether a file holds comments only: an empty YAML document is `null`, which is no mapping.
fn is_blank(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}

pub(super) struct Checker<'a> {
    file: String,
    pub(super) environment: &'a dyn Environment,
    pub(super) errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn config(&mut self, raw: RawConfig) -> Config {
        self.note_unused(
            "deltallm_settings",
            &[
                ("guardrails", &raw.deltallm_settings.guardrails),
                ("cache", &raw.deltallm_settings.cache),
                ("callbacks", &raw.deltallm_settings.callbacks),
            ],
        );
        let (named, credentials) = self.credential_list(raw.credential_list);
        let built_in_models = raw.general_settings.built_in_models.unwrap_or(raw.model_list.is_empty());
        let mut deployments: Vec<FileDeployment> = Vec::new();
        for (index, model) in raw.model_list.into_iter().enumerate() {
            deployments.extend(self.deployment(model, index, &named));
        }
        if built_in_models {
            deployments.extend(built_in::deployments(self.environment, &mut self.warnings));
        }
        let mut routing = self.routing(&raw.router_settings, &raw.deltallm_settings, &deployments);
        let request_timeout = routing.router.timeout_ms.map_or(DEFAULT_REQUEST_TIMEOUT, Duration::from_millis);
        let interval = self.optional_ms(raw.general_settings.health_check_interval.as_ref());
        if raw.general_settings.background_health_checks && routing.router.active_check.is_none() {
            // LiteLLM's checks are calls, which cost money; ours are calls only where somebody says so.
            let kind = ActiveCheckKind::Models;
            routing.router.active_check = Some(ActiveCheck { kind, interval_ms: interval.unwrap_or(300_000) });
        }
        let keys = raw.keys.into_iter().filter_map(|key| self.key(key)).collect();
        let general = self.general(raw.general_settings);
        let drop_params = raw.deltallm_settings.drop_params;
        Config {
            deployments,
            credentials,
            keys,
            model_aliases: routing.aliases,
            request_timeout,
            routing: routing.router,
            group_routing: routing.groups,
            drop_params,
            general,
            warnings: Vec::new(),
        }
    }

    fn deployment(&mut self, raw: RawModel, index: usize, named: &HashMap<String, Named>) -> Option<FileDeployment> {
        let RawModel { model_name, deltallm_params: params, model_info } = raw;
        if model_name.as_str().trim().is_empty() {
            self.error(&model_name, "`model_name` is empty");
        }
        let Some((provider_id, upstream_model)) = params.model.as_str().split_once('/') else {
            self.error(&params.model, "`model` has the form `provider/model`, such as `openai/gpt-4o-mini`");
            return None;
        };
        let Some(provider) = providers::provider(provider_id) else {
            let hint = nearest(provider_id, PROVIDERS.iter().map(|provider| provider.id));
            let hint = hint.map_or_else(
                || "use `openai_compatible/…` with `api_base` for a server that speaks OpenAI's format".to_owned(),
                |id| format!("did you mean `{id}`?"),
            );
            self.error(&params.model, format!("unknown provider `{provider_id}`; {hint}"));
            return None;
        };
        if provider.id == MOCK && !MOCK_MODELS.contains(&upstream_model) {
            self.error(&params.model, "the mock provider has `mock/echo` and `mock/lorem`");
        }
        let pool = self.pool(&params, provider, named);
        let place = self.place(&params, provider, &pool);
        let record = DeploymentRecord {
            id: DeploymentId::from_text(&format!(
                "config {} {} {} {index}",
                model_name.as_str(),
                params.model.as_str(),
                place.api_base.as_deref().unwrap_or_default()
            )),
            model_name: model_name.as_str().to_owned(),
            provider: provider.id.to_owned(),
            upstream_model: upstream_model.to_owned(),
            api_base: place.api_base,
            sealed_api_key: None,
            credential_ids: pool.named.iter().map(|credential| credential.id).collect(),
            api_version: place.api_version,
            region: place.region,
            project: place.project,
            drop_params: params.drop_params,
            timeout_ms: self.optional_ms(params.timeout.as_ref()),
            stream_timeout_ms: self.optional_ms(params.stream_timeout.as_ref()),
            weight: params.weight.unwrap_or(1),
            priority: self.number(params.priority.as_ref()).unwrap_or(0),
            rpm: self.limit(params.rpm.as_ref()),
            tpm: self.limit(params.tpm.as_ref()),
            max_parallel_requests: self.limit(params.max_parallel_requests.as_ref()),
            tags: model_info.tags.clone(),
            mode: model_info.mode.unwrap_or_default(),
            prices: self.prices(&model_info, &model_name),
            mock: MockOptions {
                delay_ms: self.optional_ms(params.mock.delay.as_ref()).unwrap_or(0),
                chunk_gap_ms: self.optional_ms(params.mock.chunk_gap.as_ref()).unwrap_or(0),
                failure_percent: params.mock.failure_percent.unwrap_or(0).min(100),
            },
            source: DeploymentSource::Config,
            blocked: false,
        };
        Some(FileDeployment { record, credentials: pool.own })
    }

    fn prices(&mut self, info: &RawModelInfo, model_name: &Text) -> Option<ModelPrices> {
        use crate::control::ModelMode;
        let mut price = |text: &Option<Text>| self.parsed(text.as_ref());
        let prices = ModelPrices {
            input: price(&info.input_cost_per_token).unwrap_or_default(),
            output: price(&info.output_cost_per_token).unwrap_or_default(),
            cache_read: price(&info.cache_read_input_token_cost),
            cache_write: price(&info.cache_creation_input_token_cost),
            cache_write_1h: price(&info.cache_creation_input_token_cost_above_1hr),
            reasoning: price(&info.output_cost_per_reasoning_token),
            audio_input: price(&info.input_cost_per_audio_token),
            audio_output: price(&info.output_cost_per_audio_token),
            image_input: price(&info.input_cost_per_image_token),
            image_output: price(&info.output_cost_per_image_token),
            image: price(&info.output_cost_per_image),
            character: price(&info.input_cost_per_character),
            audio_second: price(&info.input_cost_per_second),
            page: price(&info.cost_per_page),
            search: price(&info.input_cost_per_query),
        };
        let (has_input, has_output) = (info.input_cost_per_token.is_some(), info.output_cost_per_token.is_some());
        let has_piece = [prices.image, prices.character, prices.audio_second, prices.page, prices.search];
        let has_piece = has_piece.iter().any(Option::is_some);
        if !has_input && !has_output && !has_piece {
            if prices != ModelPrices::default() {
                self.error(model_name, "prices need `input_cost_per_token` and `output_cost_per_token` too");
            }
            return None;
        }
        let answers_tokens = matches!(info.mode.unwrap_or_default(), ModelMode::Chat | ModelMode::Responses);
        if !has_output && !has_piece && answers_tokens {
            self.error(model_name, "`output_cost_per_token` is missing; write 0 where it is free");
        }
        Some(prices)
    }

    fn key(&mut self, raw: RawKey) -> Option<FileKey> {
        self.note_unused(
            "keys",
            &[
                ("max_budget", &raw.max_budget),
                ("budget_duration", &raw.budget_duration),
                ("rpm_limit", &raw.rpm_limit),
                ("tpm_limit", &raw.tpm_limit),
            ],
        );
        let key = self.resolve(&raw.key)?;
        if check_strength(&key).is_err() || !key.starts_with("sk-") {
            self.error(&raw.key, "a key begins with `sk-`, has 16 characters or more and is no placeholder");
        }
        let expires_at = self.parsed::<Timestamp>(raw.expires_at.as_ref());
        let record = KeyRecord {
            id: KeyId::from_text(&format!("config key {}", raw.name.as_str())),
            hash: KeyHash([0; 32]),
            name: raw.name.as_str().to_owned(),
            team_id: None,
            user_id: None,
            models: raw.models,
            expires_at,
            blocked: raw.blocked,
        };
        Some(FileKey { key: Secret::new(key), record })
    }

    fn general(&mut self, raw: RawGeneral) -> General {
        let default = General::default();
        let on_full = match raw.journal.on_full.as_ref().map(|text| (text, text.as_str())) {
            None => default.journal.on_full,
            Some((_, "serve")) => JournalFull::Serve,
            Some((_, "refuse")) => JournalFull::Refuse,
            Some((text, _)) => {
                self.error(text, "`on_full` is `serve` or `refuse`");
                default.journal.on_full
            }
        };
        General {
            master_key: self.strong(raw.master_key.as_ref()),
            salt_key: self.strong(raw.salt_key.as_ref()),
            database_url: self.optional(raw.database_url.as_ref()).map(Secret::new),
            redis_url: self.optional(raw.redis_url.as_ref()).map(Secret::new),
            admin_url: self.optional(raw.admin_url.as_ref()),
            max_request_body_bytes: self.bytes(raw.max_request_body.as_ref(), default.max_request_body_bytes),
            max_upload_bytes: self.bytes(raw.max_upload.as_ref(), default.max_upload_bytes),
            client: ClientTimeouts {
                header: self.duration(raw.client_timeouts.header.as_ref(), default.client.header),
                body: self.duration(raw.client_timeouts.body.as_ref(), default.client.body),
                stall: self.duration(raw.client_timeouts.stall.as_ref(), default.client.stall),
                keepalive: self.duration(raw.client_timeouts.keepalive.as_ref(), default.client.keepalive),
                drain: self.duration(raw.client_timeouts.drain.as_ref(), default.client.drain),
            },
            journal: JournalSettings {
                fsync_interval: self.duration(raw.journal.fsync_interval.as_ref(), default.journal.fsync_interval),
                max_bytes: self.bytes(raw.journal.max_size.as_ref(), default.journal.max_bytes),
                on_full,
            },
            egress_allow_private: raw.egress.allow_private.iter().filter_map(|text| self.parsed(Some(text))).collect(),
        }
    }

    /// A master or salt key: absent where its variable is not set, an error where it protects nothing.
    fn strong(&mut self, text: Option<&Text>) -> Option<Secret<String>> {
        let secret = self.optional(text)?;
        if let (Err(reason), Some(text)) = (check_strength(&secret), text) {
            self.error(text, reason.to_string());
        }
        Some(Secret::new(secret))
    }

    /// A value that must be there: a reference to a variable that is not set is an error.
    pub(super) fn resolve(&mut self, text: &Text) -> Option<String> {
        let Some(name) = referred(text.as_str()) else { return Some(text.as_str().to_owned()) };
        let value = self.environment.variable(name);
        if value.is_none() {
            self.error(text, format!("the environment has no {name}"));
        }
        value
    }

    /// A value that may be absent, by not standing in the file or by a variable that is not set.
    fn optional(&self, text: Option<&Text>) -> Option<String> {
        let text = text?.as_str();
        match referred(text) {
            Some(name) => self.environment.variable(name),
            None => Some(text.to_owned()),
        }
    }

    fn parsed<T: FromStr<Err: ToString>>(&mut self, text: Option<&Text>) -> Option<T> {
        let text = text?;
        text.as_str().parse().map_err(|error: T::Err| self.error(text, error.to_string())).ok()
    }

    fn duration(&mut self, text: Option<&Text>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        parse_duration(text.as_str()).unwrap_or_else(|reason| {
            self.error(text, reason);
            default
        })
    }

    pub(super) fn optional_ms(&mut self, text: Option<&Text>) -> Option<u64> {
        let duration = self.duration(Some(text?), Duration::ZERO);
        Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    fn bytes(&mut self, text: Option<&Text>, default: u64) -> u64 {
        let Some(text) = text else { return default };
        parse_bytes(text.as_str()).unwrap_or_else(|reason| {
            self.error(text, reason);
            default
        })
    }

    /// Says which settings of a section are there and do nothing: a limit that nobody enforces must not look enforced.
    fn note_unused(&mut self, section: &str, settings: &[(&str, &Unused)]) {
        for (name, _) in settings.iter().filter(|(_, value)| value.is_some()) {
            let message = format!("`{section}.{name}` is accepted and has no effect in this version");
            if !self.warnings.iter().any(|warning| warning.message == message) {
                self.warnings.push(Diagnostic { file: self.file.clone(), line: 0, column: 0, message });
            }
        }
    }

    pub(super) fn error(&mut self, at: &Text, message: impl Into<String>) {
        let diagnostic = self.diagnostic(at, message.into());
        self.errors.push(diagnostic);
    }

    pub(super) fn warn(&mut self, at: &Text, message: impl Into<String>) {
        let diagnostic = self.diagnostic(at, message.into());
        self.warnings.push(diagnostic);
    }

    fn diagnostic(&self, at: &Text, message: String) -> Diagnostic {
        let (line, column) = at.place();
        Diagnostic { file: self.file.clone(), line, column, message }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
