//! Dashboard sessions.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use deltallm_shared::ids::UserId;
use uuid::Uuid;

use super::{execute, row};
use crate::{
    auth::{Account, Role},
    error::AdminError,
};

/// Who a session belongs to.
pub enum Owner {
    /// Whoever held the master key then.
    MasterKey {
        /// Tells whether it is still the same key.
        fingerprint: [u8; 32],
    },
    /// A person, not blocked and not removed.
    User(Account),
}

/// Opens a session for a person.
pub async fn open_for_user(
    client: &impl GenericClient,
    token_hash: &[u8; 32],
    user: UserId,
    idle: Duration,
    longest: Duration,
) -> Result<(), AdminError> {
    execute(
        client,
        "INSERT INTO session (token_hash, user_id, expires_at, ends_at)
         VALUES ($1, $2, now() + make_interval(secs => $3), now() + make_interval(secs => $4))",
        &[&token_hash.as_slice(), &user.0, &idle.as_secs_f64(), &longest.as_secs_f64()],
    )
    .await?;
    execute(client, "UPDATE app_user SET last_login_at = now() WHERE id = $1", &[&user.0]).await?;
    Ok(())
}

/// Opens a session for the holder of the master key.
pub async fn open_for_master_key(
    client: &impl GenericClient,
    token_hash: &[u8; 32],
    fingerprint: &[u8; 32],
    idle: Duration,
    longest: Duration,
) -> Result<(), AdminError> {
    execute(
        client,
        "INSERT INTO session (token_hash, master_key_hash, expires_at, ends_at)
         VALUES ($1, $2, now() + make_interval(secs => $3), now() + make_interval(secs => $4))",
        &[&token_hash.as_slice(), &fingerprint.as_slice(), &idle.as_secs_f64(), &longest.as_secs_f64()],
    )
    .await?;
    Ok(())
}

/// The owner of a live session, whose time is moved on. Written at most once a minute, so that reading a page of the
/// dashboard is not a write per request.
pub async fn use_once(
    client: &impl GenericClient,
    token_hash: &[u8; 32],
    idle: Duration,
) -> Result<Option<Owner>, AdminError> {
    let found = row(
        client,
        "SELECT s.master_key_hash, s.last_seen_at < now() - interval '1 minute' AS is_stale,
                u.id, u.email, u.name, u.role
         FROM session s LEFT JOIN app_user u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.expires_at > now() AND s.ends_at > now()
           AND (s.user_id IS NULL OR (u.deleted_at IS NULL AND NOT u.is_blocked))",
        &[&token_hash.as_slice()],
    )
    .await?;
    let Some(found) = found else { return Ok(None) };
    if found.try_get("is_stale")? {
        execute(
            client,
            "UPDATE session SET last_seen_at = now(), expires_at = least(now() + make_interval(secs => $2), ends_at)
             WHERE token_hash = $1",
            &[&token_hash.as_slice(), &idle.as_secs_f64()],
        )
        .await?;
    }
    if let Some(hash) = found.try_get::<_, Option<Vec<u8>>>("master_key_hash")? {
        let fingerprint =
            hash.try_into().map_err(|_| AdminError::Internal("a session's key hash is malformed".to_owned()))?;
        return Ok(Some(Owner::MasterKey { fingerprint }));
    }
    let role: String = found.try_get("role")?;
    let role =
        Role::from_name(&role).ok_or_else(|| AdminError::Internal(format!("unknown role `{role}` in app_user")))?;
    let id = UserId(found.try_get::<_, Uuid>("id")?);
    Ok(Some(Owner::User(Account { id, email: found.try_get("email")?, name: found.try_get("name")?, role })))
}

/// Ends one session.
pub async fn end(client: &impl GenericClient, token_hash: &[u8; 32]) -> Result<(), AdminError> {
    execute(client, "DELETE FROM session WHERE token_hash = $1", &[&token_hash.as_slice()]).await?;
    Ok(())
}

/// Ends a person's sessions, but for the one given.
pub async fn end_all_of(
    client: &impl GenericClient,
    user: UserId,
    except: Option<&[u8; 32]>,
) -> Result<(), AdminError> {
    let except = except.map(<[u8; 32]>::as_slice);
    execute(
        client,
        "DELETE FROM session WHERE user_id = $1 AND ($2::bytea IS NULL OR token_hash <> $2)",
        &[&user.0, &except],
    )
    .await?;
    Ok(())
}
