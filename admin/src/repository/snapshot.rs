//! Everything the proxies need, as of one version.

use deadpool_postgres::Client;
use deltallm_shared::control::ConfigSnapshot;
use tokio_postgres::IsolationLevel;

use super::{change, credential, deployment, key, organization, routing_policy, team, user};
use crate::error::AdminError;

/// Reads it in one snapshot of the database, so that the version and the entities belong together.
pub async fn read(client: &mut Client) -> Result<(i64, ConfigSnapshot), AdminError> {
    let transaction =
        client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    let version = change::version(&transaction).await?;
    let snapshot = ConfigSnapshot {
        deployments: deployment::all(&transaction).await?.into_iter().map(|row| row.record).collect(),
        credentials: credential::all(&transaction).await?.into_iter().map(|row| row.record).collect(),
        keys: key::records(&transaction).await?,
        teams: team::records(&transaction).await?,
        users: user::records(&transaction).await?,
        organizations: organization::records(&transaction).await?,
        routing_policies: routing_policy::all(&transaction).await?.into_iter().map(|row| row.record).collect(),
    };
    transaction.commit().await?;
    Ok((version, snapshot))
}
