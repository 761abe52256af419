//! Where a deployment of the file stands and with what it signs in: its own fields, then those of the credential that it names,
//! then the environment's usual variables.

use std::collections::HashMap;

use super::{
    check::Checker,
    credentials::{Named, Surroundings, from_environment},
    diagnostic::nearest,
    raw::RawParams,
    scalar::Text,
};
use crate::{
    credential::{CredentialKind, CredentialValues},
    egress::check_url,
    providers::{CredentialStyle, Provider, is_api_version, is_project, is_region},
    secret::Secret,
};

/// The credentials of a deployment.
pub(super) struct Pool<'a> {
    /// Its own.
    pub own: Vec<CredentialValues>,
    /// Those of `credential_list`.
    pub named: Vec<&'a Named>,
}

/// Where it stands.
pub(super) struct Place {
    pub api_base: Option<String>,
    pub api_version: Option<String>,
    pub region: Option<String>,
    pub project: Option<String>,
}

impl Checker<'_> {
    /// Every credential that a deployment may use.
    pub(super) fn pool<'a>(
        &mut self,
        params: &RawParams,
        provider: &Provider,
        named: &'a HashMap<String, Named>,
    ) -> Pool<'a> {
        let errors = self.errors.len();
        let mut pool = Pool { own: Vec::new(), named: Vec::new() };
        pool.own.extend(self.values(&params.sign_in(), &params.model));
        for text in &params.api_keys {
            let Some(key) = self.resolve(text) else { continue };
            let values = CredentialValues::api_key(Secret::new(key.trim().to_owned()));
            match values.check() {
                Ok(()) => pool.own.push(values),
                Err(wrong) => self.error(text, wrong.to_string()),
            }
        }
        for text in params.credential.as_slice() {
            match named.get(text.as_str()) {
                Some(credential) => pool.named.push(credential),
                None => self.unknown_credential(text, named),
            }
        }
        let is_said = !params.api_keys.is_empty() || !params.credential.as_slice().is_empty();
        if self.errors.len() > errors {
            return pool;
        }
        // As LiteLLM's users expect: the usual variables serve where the file names no credential.
        if pool.own.is_empty() && !is_said {
            match from_environment(provider, self.environment) {
                Some(Ok(values)) => pool.own.push(values),
                Some(Err(reason)) => self.error(&params.model, reason),
                None => {}
            }
        }
        if provider.needs_api_key && pool.own.is_empty() && pool.named.is_empty() && self.errors.len() == errors {
            let variable = provider.key_variable.unwrap_or("its key variable");
            let names = match provider.credential_style {
                CredentialStyle::AwsSigV4 => "`aws_access_key_id` with `aws_secret_access_key`, `api_key`",
                CredentialStyle::GoogleOauth => "`vertex_credentials`",
                CredentialStyle::AzureKey => "`api_key` or `tenant_id`, `client_id` and `client_secret`",
                _ => "`api_key`",
            };
            self.error(
                &params.model,
                format!(
                    "provider `{}` needs {names} or `credential` here, or {variable} in the environment",
                    provider.id
                ),
            );
        }
        let all = pool.own.iter().chain(pool.named.iter().map(|credential| &credential.values));
        // A provider that wants no credential ignores one.
        if provider.credential_style != CredentialStyle::None
            && let Some(odd) = all.into_iter().find(|values| !values.suits(provider.credential_style))
        {
            let kind = odd.kind().name();
            self.error(&params.model, format!("provider `{}` takes no credential of the kind `{kind}`", provider.id));
        }
        pool
    }

    fn unknown_credential(&mut self, text: &Text, named: &HashMap<String, Named>) {
        let hint = nearest(text.as_str(), named.keys().map(String::as_str));
        let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        self.error(text, format!("`credential_list` has no credential `{}`{hint}", text.as_str()));
    }

    /// Address, version, region and project.
    pub(super) fn place(&mut self, params: &RawParams, provider: &Provider, pool: &Pool<'_>) -> Place {
        let usual = Surroundings::of(provider, self.environment);
        let mut of_pool = |field: &str, of: fn(&Named) -> Option<&Text>| self.agreed(params, pool, field, of);
        let api_base = params.api_base.as_ref().or_else(|| of_pool("api_base", |named| named.api_base.as_ref()));
        let api_version =
            params.api_version.as_ref().or_else(|| of_pool("api_version", |named| named.api_version.as_ref()));
        let region = params.region.as_ref().or_else(|| of_pool("region", |named| named.region.as_ref()));
        let project = params.project.as_ref().or_else(|| of_pool("project", |named| named.project.as_ref()));

        let is_base_said = api_base.is_some() || usual.api_base.is_some();
        let place = Place {
            api_base: self.api_base(api_base, usual.api_base, &params.model),
            api_version: self.part(api_version, usual.api_version, "api_version", is_api_version, &params.model),
            region: self.part(region, usual.region, "region", is_region, &params.model),
            project: self.part(project, usual.project, "project", is_project, &params.model),
        };
        let is_region_said = region.is_some() || place.region.is_some();
        let mut all = pool.own.iter().chain(pool.named.iter().map(|named| &named.values));
        // A signature covers the region, wherever the request goes.
        let is_signed = all.any(|values| values.kind() == CredentialKind::Aws);
        if provider.needs_region() && !is_region_said && (is_signed || !is_base_said) {
            let way_out = if is_signed { "" } else { " or `api_base`" };
            self.error(&params.model, format!("provider `{}` needs `region`{way_out}", provider.id));
        } else if !is_base_said && provider.usual_api_base(Some("any")).is_none() {
            self.error(&params.model, format!("provider `{}` needs `api_base`", provider.id));
        }
        place
    }

    /// What the named credentials say of a field, which is one thing: a pool is for one place.
    fn agreed<'a>(
        &mut self,
        params: &RawParams,
        pool: &Pool<'a>,
        field: &str,
        of: fn(&Named) -> Option<&Text>,
    ) -> Option<&'a Text> {
        let mut said = pool.named.iter().filter_map(|named| of(named));
        let first = said.next()?;
        if said.any(|other| other.as_str() != first.as_str()) {
            self.error(&params.model, format!("its credentials name different values of `{field}`; name one here"));
        }
        Some(first)
    }

    fn api_base(&mut self, text: Option<&Text>, usual: Option<String>, model: &Text) -> Option<String> {
        let (url, place) = match text {
            Some(text) => (self.resolve(text)?, text),
            None => (usual?, model),
        };
        match check_url(&url) {
            Ok(()) => Some(url.trim_end_matches('/').to_owned()),
            Err(reason) => {
                self.error(place, format!("`api_base`: {reason}"));
                None
            }
        }
    }

    /// A value that becomes a part of an address.
    fn part(
        &mut self,
        text: Option<&Text>,
        usual: Option<String>,
        field: &str,
        fits: fn(&str) -> bool,
        model: &Text,
    ) -> Option<String> {
        let (value, place) = match text {
            Some(text) => (self.resolve(text)?, text),
            None => (usual?, model),
        };
        if !fits(&value) {
            self.error(place, format!("`{field}` cannot be `{value}`"));
            return None;
        }
        Some(value)
    }
}
