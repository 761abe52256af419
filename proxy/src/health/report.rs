//! All deployments as an operator sees them: `GET /debug/deployments` on the operator's port, and `deltallm_deployment_state`.

use std::collections::HashSet;

use deltallm_routing::stats::StatsReport;
use deltallm_shared::ids::DeploymentId;
use serde::Serialize;

use crate::{
    routing::now,
    snapshot::Snapshot,
    telemetry::metrics::{DeploymentLabels, Metrics},
};

/// One deployment.
#[derive(Serialize)]
pub struct DeploymentReport<'a> {
    /// Its id.
    pub deployment_id: DeploymentId,
    /// Its public name.
    pub model: &'a str,
    /// Its vendor.
    pub provider: &'static str,
    /// The vendor's name of the model.
    pub upstream_model: &'a str,
    /// What is known of it on this replica.
    #[serde(flatten)]
    pub stats: StatsReport,
}

/// All of them, in the order of names and ids.
pub fn deployments(snapshot: &Snapshot) -> Vec<DeploymentReport<'_>> {
    let at = now();
    let mut seen = HashSet::new();
    // An alias names a group that is there already.
    let all = snapshot.models.values().flat_map(|group| group.iter());
    let mut reports: Vec<_> = all
        .filter(|deployment| seen.insert(deployment.id))
        .map(|deployment| DeploymentReport {
            deployment_id: deployment.id,
            model: &deployment.model_name,
            provider: deployment.provider.id,
            upstream_model: &deployment.upstream_model,
            stats: deployment.stats.report(at),
        })
        .collect();
    reports.sort_by(|one, other| (one.model, one.deployment_id).cmp(&(other.model, other.deployment_id)));
    reports
}

/// Brings the metric up to date; deployments that are gone leave it.
pub fn measure(snapshot: &Snapshot, metrics: &Metrics) {
    let at = now();
    metrics.deployment_state.clear();
    for deployment in snapshot.models.values().flat_map(|group| group.iter()) {
        let labels = DeploymentLabels { deployment: deployment.id.to_string(), model: deployment.model_name.clone() };
        metrics.deployment_state.get_or_create(&labels).set(deployment.stats.state(at).figure().into());
    }
}
