//! What is done now and then so that tables stay small and months have their partitions.

use deadpool_postgres::GenericClient;
use deltallm_shared::time_text::Timestamp;

use super::{execute, row};
use crate::error::AdminError;

/// Makes the partition for the month of this moment, if it is missing.
pub async fn ensure_partition(client: &impl GenericClient, at: Timestamp) -> Result<(), AdminError> {
    row(client, "SELECT spend_event_ensure_partition($1)", &[&at.to_datetime()]).await?;
    Ok(())
}

/// Makes the partitions of this month and the next two.
pub async fn ensure_coming_partitions(client: &impl GenericClient) -> Result<(), AdminError> {
    let sql = "SELECT spend_event_ensure_partition(now() + make_interval(months => ahead)) FROM generate_series(0, 2) AS ahead";
    super::rows(client, sql, &[]).await?;
    Ok(())
}

/// Forgets sessions that are over.
pub async fn forget_sessions(client: &impl GenericClient) -> Result<u64, AdminError> {
    execute(client, "DELETE FROM session WHERE expires_at < now() OR ends_at < now()", &[]).await
}

/// Forgets changes that no proxy can still be waiting for: a proxy that is further behind gets a snapshot.
pub async fn forget_changes(client: &impl GenericClient) -> Result<u64, AdminError> {
    let sql = "DELETE FROM config_change WHERE created_at < now() - interval '7 days'
               AND version <= (SELECT version - 10000 FROM config_version)";
    execute(client, sql, &[]).await
}
