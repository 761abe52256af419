//! One way to serve a model, compiled: the address taken apart, the credentials at hand, the prices looked up.

use std::{sync::Arc, time::Duration};

use deltallm_routing::stats::{DeploymentStats, Limits};
use deltallm_shared::{
    catalog::ServiceTier,
    control::{DeploymentRecord, DeploymentSource, MockOptions, ModelMode},
    ids::DeploymentId,
    pricing::{AppliedPrices, Usage},
    providers::{self, CredentialStyle, MOCK, Provider, Wire},
};
use http::Uri;

use crate::credentials::CredentialPool;

/// A deployment that requests are sent to.
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its public name.
    pub model_name: String,
    /// Its vendor.
    pub provider: &'static Provider,
    /// The vendor's name of the model.
    pub upstream_model: String,
    /// Where it stands.
    pub target: Target,
    /// The path before the endpoint's own: `/v1`.
    pub base_path: String,
    /// What requests are signed in with; empty where the provider wants none.
    pub credentials: CredentialPool,
    /// The version of the vendor's API, where its addresses hold one.
    pub api_version: Option<String>,
    /// The vendor's region or location.
    pub region: Option<String>,
    /// The vendor's project: the deployment's, or the one that its first credential names.
    pub project: Option<String>,
    /// Whether parameters that the vendor does not know are dropped instead of refused.
    pub drop_params: bool,
    /// Until an answer that is not streamed begins, and between its parts; `None`: as its group says.
    pub timeout: Option<Duration>,
    /// Until a stream begins, and between its chunks; `None`: as its group says.
    pub stream_timeout: Option<Duration>,
    /// Its share in its group.
    pub weight: u32,
    /// Its tier in its group.
    pub priority: u32,
    /// For routing by tag.
    pub tags: Vec<String>,
    /// How much it can take.
    pub limits: Limits,
    /// What is known of it; it outlives changes of the configuration.
    pub stats: Arc<DeploymentStats>,
    /// What it does.
    pub mode: ModelMode,
    /// What it costs.
    pub prices: AppliedPrices,
    /// How the mock behaves.
    pub mock: MockOptions,
    /// Whether its address was set through the API and must pass the egress guard.
    pub is_guarded: bool,
}

/// Where a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A server.
    Remote {
        /// With TLS.
        tls: bool,
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// The `host` header.
        authority: String,
    },
    /// The mock provider in this process.
    Mock,
}

impl Target {
    /// Scheme and authority, as a signature covers them.
    pub fn origin(&self) -> String {
        match self {
            Self::Remote { tls, authority, .. } => format!("http{}://{authority}", if *tls { "s" } else { "" }),
            Self::Mock => "http://mock.invalid".to_owned(),
        }
    }
}

impl Deployment {
    /// Compiles a record. `drop_params`: what holds where the record does not say. The error says why the deployment cannot be
    /// used.
    pub fn compile(record: &DeploymentRecord, credentials: CredentialPool, drop_params: bool) -> Result<Self, String> {
        let provider =
            providers::provider(&record.provider).ok_or_else(|| format!("unknown provider `{}`", record.provider))?;
        let usual = provider.usual_api_base(record.region.as_deref());
        // AWS serves rerankers from another address than models.
        let is_reranker = provider.wire == Wire::Bedrock && record.mode == ModelMode::Rerank;
        let usual =
            usual.map(|base| if is_reranker { base.replace("bedrock-runtime", "bedrock-agent-runtime") } else { base });
        let base = record.api_base.as_deref().or(usual.as_deref()).ok_or("it needs an api_base or a region")?;
        let (target, base_path) = take_apart(base)?;
        let style = provider.credential_style;
        if provider.needs_api_key && credentials.is_empty() {
            return Err("it has no credential that can be used".to_owned());
        }
        if let Some(odd) = credentials.credentials().find(|credential| !style.takes(credential.kind()))
            && style != CredentialStyle::None
        {
            return Err(format!("its provider takes no credential of the kind `{}`", odd.kind().name()));
        }
        let of_credential = credentials.credentials().find_map(|credential| credential.project().map(str::to_owned));
        let millis = |ms: Option<u64>| ms.filter(|ms| *ms > 0).map(Duration::from_millis);
        Ok(Self {
            id: record.id,
            model_name: record.model_name.clone(),
            provider,
            upstream_model: record.upstream_model.clone(),
            target: if provider.id == MOCK { Target::Mock } else { target },
            base_path,
            credentials,
            api_version: record.api_version.clone(),
            region: record.region.clone(),
            project: record.project.clone().or(of_credential),
            drop_params: record.drop_params.unwrap_or(drop_params),
            timeout: millis(record.timeout_ms),
            stream_timeout: millis(record.stream_timeout_ms.or(record.timeout_ms)),
            weight: record.weight,
            priority: record.priority,
            tags: record.tags.clone(),
            limits: Limits { rpm: record.rpm, tpm: record.tpm, parallel: record.max_parallel_requests },
            stats: Arc::default(),
            mode: record.mode,
            prices: AppliedPrices::resolve(&record.provider, &record.upstream_model, record.prices),
            mock: record.mock,
            is_guarded: record.source == DeploymentSource::Database,
        })
    }

    /// Always the same figure, on every replica.
    pub fn identity(&self) -> u64 {
        let (high, low) = self.id.0.as_u64_pair();
        high ^ low
    }

    /// What a request of so many tokens would cost, cached prices not assumed; `None`: no price is known.
    pub fn expected_price(&self, input_tokens: u64, all_tokens: u64) -> Option<i64> {
        let output_tokens = all_tokens.saturating_sub(input_tokens);
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        self.prices.bill(&usage, ServiceTier::Standard).cost.map(|cost| cost.0)
    }

    /// Whether the model has OpenAI's responses and nothing else.
    pub fn is_responses_only(&self) -> bool {
        self.mode == ModelMode::Responses
    }

    /// Whether two deployments are the same account of one provider: what is at one is at the other.
    pub fn is_same_account(&self, other: &Self) -> bool {
        // Credentials are known by what they hold: two models of one key in a file have two records of it.
        self.target == other.target && self.hidden_texts() == other.hidden_texts()
    }

    /// What a client must never see in a provider's error: where it stands and what we may have signed in with.
    pub fn hidden_texts(&self) -> Vec<String> {
        let host = match &self.target {
            Target::Remote { host, .. } => Some(host.clone()),
            Target::Mock => None,
        };
        host.into_iter()
            .chain(self.credentials.credentials().flat_map(|credential| credential.hidden_texts()))
            .collect()
    }
}

fn take_apart(base: &str) -> Result<(Target, String), String> {
    deltallm_shared::egress::check_url(base)?;
    let uri: Uri = base.parse().map_err(|_| "its api_base is no URL")?;
    let tls = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok((Target::Remote { tls, host, port, authority }, uri.path().trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let (target, path) = take_apart("https://example.com/openai/v1/").unwrap();
        let remote = |tls, host: &str, port, authority: &str| Target::Remote {
            tls,
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
        };
        assert_eq!((target, path.as_str()), (remote(true, "example.com", 443, "example.com"), "/openai/v1"));
        let (target, path) = take_apart("http://[::1]:8080").unwrap();
        assert_eq!((target, path.as_str()), (remote(false, "::1", 8080, "[::1]:8080"), ""));
        assert!(take_apart("nonsense").is_err());
    }
}
