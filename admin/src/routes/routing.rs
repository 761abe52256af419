//! `/api/v1/routing`: how requests find their deployment. The router's settings and each group's, from `config.yaml` and from here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use actix_web::{HttpResponse, web};
use deadpool_postgres::GenericClient;
use deltallm_shared::{
    config::Config,
    control::{DeploymentRecord, Entity, EntityKind},
    routing::RoutingSettings,
};

use crate::{
    body::Body,
    error::AdminError,
    repository::{
        change, deployment,
        routing_policy::{self, RoutingPolicyRow},
    },
    state::{Shared, State},
    validate,
    views::routing::{RoutingPolicyView, RoutingSettingsView, RoutingView, filled, strategies},
};

/// The settings of the router and of every group, and the strategies that there are.
#[utoipa::path(get, path = "/api/v1/routing", tag = "routing", operation_id = "get_routing",
    responses((status = 200, body = RoutingView)))]
pub async fn get(state: Shared) -> Result<HttpResponse, AdminError> {
    let known = Known::read(&state.database.client().await?, &state).await?;
    let groups = known.names().into_iter().map(|name| known.view(Some(name))).collect();
    Ok(HttpResponse::Ok().json(RoutingView { router: known.view(None), groups, strategies: strategies() }))
}

/// Sets the router's settings, all at once: what is left out is as `config.yaml` says.
#[utoipa::path(put, path = "/api/v1/routing", tag = "routing", operation_id = "set_routing",
    request_body = RoutingSettingsView, responses((status = 200, body = RoutingPolicyView)))]
pub async fn set(state: Shared, Body(settings): Body<RoutingSettings>) -> Result<HttpResponse, AdminError> {
    put(&state, None, settings).await
}

/// Takes the router's settings of the database away: what `config.yaml` says holds again.
#[utoipa::path(delete, path = "/api/v1/routing", tag = "routing", operation_id = "reset_routing",
    responses((status = 204)))]
pub async fn reset(state: Shared) -> Result<HttpResponse, AdminError> {
    remove(&state, None).await
}

/// The settings of one group. Slashes of its name are written `%2F`.
#[utoipa::path(get, path = "/api/v1/routing/groups/{model_name}", tag = "routing", operation_id = "get_group_routing",
    params(("model_name" = String, Path)), responses((status = 200, body = RoutingPolicyView)))]
pub async fn get_group(state: Shared, name: web::Path<String>) -> Result<HttpResponse, AdminError> {
    let known = Known::read(&state.database.client().await?, &state).await?;
    if !known.names().contains(name.as_str()) {
        return Err(AdminError::not_found("model"));
    }
    Ok(HttpResponse::Ok().json(known.view(Some(&name))))
}

/// Sets the settings of a group, all at once: what is left out is as `config.yaml` and the router say. The group may be one that
/// no deployment serves yet.
#[utoipa::path(put, path = "/api/v1/routing/groups/{model_name}", tag = "routing", operation_id = "set_group_routing",
    params(("model_name" = String, Path)), request_body = RoutingSettingsView,
    responses((status = 200, body = RoutingPolicyView)))]
pub async fn set_group(
    state: Shared,
    name: web::Path<String>,
    Body(settings): Body<RoutingSettings>,
) -> Result<HttpResponse, AdminError> {
    put(&state, Some(validate::name("model_name", &name)?), settings).await
}

/// Takes the settings of the database away from a group.
#[utoipa::path(delete, path = "/api/v1/routing/groups/{model_name}", tag = "routing", operation_id = "reset_group_routing",
    params(("model_name" = String, Path)), responses((status = 204)))]
pub async fn reset_group(state: Shared, name: web::Path<String>) -> Result<HttpResponse, AdminError> {
    remove(&state, Some(validate::name("model_name", &name)?)).await
}

async fn put(state: &State, group: Option<String>, settings: RoutingSettings) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let group = group.as_deref();
    let known = Known::read(&client, state).await?;
    let settings = known.checked(group, settings)?;
    let transaction = client.transaction().await?;
    let stored = routing_policy::set(&transaction, group, &settings).await?;
    change::upsert(&transaction, &Entity::RoutingPolicy(Box::new(stored.record))).await?;
    transaction.commit().await?;
    let known = Known::read(&client, state).await?;
    Ok(HttpResponse::Ok().json(known.view(group)))
}

/// Also where there is nothing to take away: afterwards there is none, which is what was asked for.
async fn remove(state: &State, group: Option<String>) -> Result<HttpResponse, AdminError> {
    let mut client = state.database.client().await?;
    let transaction = client.transaction().await?;
    if let Some(id) = routing_policy::delete(&transaction, group.as_deref()).await? {
        change::delete(&transaction, EntityKind::RoutingPolicy, id).await?;
    }
    transaction.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Everything that settings are shown with and held against.
pub(super) struct Known {
    config: Arc<Config>,
    policies: Vec<RoutingPolicyRow>,
    /// Those of the database and those of the file.
    pub(super) deployments: Vec<DeploymentRecord>,
}

impl Known {
    pub(super) async fn read(client: &impl GenericClient, state: &State) -> Result<Self, AdminError> {
        let config = state.config();
        let mut deployments: Vec<_> = deployment::all(client).await?.into_iter().map(|row| row.record).collect();
        deployments.extend(config.deployments.iter().map(|found| found.record.clone()));
        Ok(Self { policies: routing_policy::all(client).await?, config, deployments })
    }

    /// Every group that has a deployment or settings.
    fn names(&self) -> BTreeSet<&str> {
        let of_policies = self.policies.iter().filter_map(|row| row.record.model_name.as_deref());
        let of_deployments = self.deployments.iter().map(|record| record.model_name.as_str());
        of_deployments.chain(of_policies).chain(self.config.group_routing.keys().map(String::as_str)).collect()
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.deployments.iter().any(|record| record.model_name == name)
    }

    /// What holds for a group in the end; `None`: for the router.
    pub(super) fn effective(&self, group: Option<&str>) -> RoutingSettings {
        let router = self.own(None);
        group.map_or_else(|| router.clone(), |group| self.own(Some(group)).over(&router))
    }

    /// The settings of one level: those of the database above those of the file.
    fn own(&self, group: Option<&str>) -> RoutingSettings {
        let config = self.of_config(group);
        self.of_database(group).map_or_else(|| config.clone(), |row| row.record.settings.over(&config))
    }

    fn of_config(&self, group: Option<&str>) -> RoutingSettings {
        match group {
            None => self.config.routing.clone(),
            Some(group) => self.config.group_routing.get(group).cloned().unwrap_or_default(),
        }
    }

    fn of_database(&self, group: Option<&str>) -> Option<&RoutingPolicyRow> {
        self.policies.iter().find(|row| row.record.model_name.as_deref() == group)
    }

    fn view(&self, group: Option<&str>) -> RoutingPolicyView {
        let config = self.of_config(group);
        let database = self.of_database(group);
        let source = match (database, config == RoutingSettings::default()) {
            (Some(_), _) => "database",
            (None, false) => "config",
            (None, true) => "default",
        };
        let is_of_group = |record: &&DeploymentRecord| group.is_none_or(|group| record.model_name == group);
        let settings = self.own(group);
        RoutingPolicyView {
            model_name: group.map(str::to_owned),
            deployments: self.deployments.iter().filter(is_of_group).count(),
            source,
            warnings: self.warnings(group, &settings),
            settings,
            config,
            database: database.map(|row| row.record.settings.clone()),
            effective: filled(&self.effective(group)),
            updated_at: database.map(|row| row.updated_at),
        }
    }

    /// What the caller gave, with other names of groups replaced by their own; refused where it cannot be.
    fn checked(&self, group: Option<&str>, mut settings: RoutingSettings) -> Result<RoutingSettings, AdminError> {
        if let Some(meant) = group.and_then(|group| self.config.model_aliases.get(group)) {
            return Err(AdminError::invalid(
                "model_name",
                format!("This is another name of `{meant}`; set its settings."),
            ));
        }
        let lists = [
            &mut settings.fallbacks,
            &mut settings.context_window_fallbacks,
            &mut settings.content_policy_fallbacks,
            &mut settings.default_fallbacks,
        ];
        let shadow = settings.mirror.as_mut().map(|mirror| &mut mirror.model);
        for name in lists.into_iter().flatten().flatten().chain(shadow) {
            let given = name.trim();
            *name = self.config.model_aliases.get(given).map_or(given, String::as_str).to_owned();
        }
        if let Some(mistake) = settings.mistakes(group).into_iter().next() {
            return Err(AdminError::invalid(mistake.field, format!("`{}` {}.", mistake.field, mistake.reason)));
        }
        if let (Some(group), Some(id)) = (group, settings.canary.as_ref().and_then(|canary| canary.deployment_id))
            && !self.deployments.iter().any(|record| record.id == id && record.model_name == group)
        {
            return Err(AdminError::invalid(
                "canary.deployment_id",
                format!("`canary.deployment_id` is none of the deployments of `{group}`."),
            ));
        }
        Ok(settings)
    }

    fn warnings(&self, group: Option<&str>, settings: &RoutingSettings) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(group) = group
            && !self.has_group(group)
        {
            found.push(format!("No deployment serves `{group}`."));
        }
        let mut named: BTreeMap<&str, &str> = BTreeMap::new();
        for (field, list) in [
            ("fallbacks", &settings.fallbacks),
            ("context_window_fallbacks", &settings.context_window_fallbacks),
            ("content_policy_fallbacks", &settings.content_policy_fallbacks),
            ("default_fallbacks", &settings.default_fallbacks),
        ] {
            named.extend(list.iter().flatten().map(|name| (name.as_str(), field)));
        }
        named.extend(settings.mirror.iter().map(|mirror| (mirror.model.as_str(), "mirror.model")));
        for (name, field) in named {
            if !self.has_group(name) {
                found.push(format!("`{field}` names `{name}`, which no deployment serves."));
            }
        }
        if let (Some(group), Some(tag)) = (group, settings.canary.as_ref().and_then(|canary| canary.tag.as_ref()))
            && !self.deployments.iter().any(|record| record.model_name == group && record.tags.contains(tag))
        {
            found.push(format!("`canary.tag`: no deployment of `{group}` has the tag `{tag}`."));
        }
        found
    }
}
