//! People's accounts.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    control::UserRecord,
    ids::{TeamId, UserId},
    time_text::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{execute, execute_unique, optional_time, row, rows, time};
use crate::{auth::Role, error::AdminError};

/// An account. The password's hash is read by [`credentials`] only.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub name: Option<String>,
    pub role: Role,
    pub team_id: Option<TeamId>,
    pub team_name: Option<String>,
    pub is_blocked: bool,
    pub keys: i64,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl UserRow {
    /// An account that is not stored yet.
    pub fn new(email: String, name: Option<String>, role: Role, team_id: Option<TeamId>) -> Self {
        Self {
            id: UserId::new(),
            email,
            name,
            role,
            team_id,
            team_name: None,
            is_blocked: false,
            keys: 0,
            last_login_at: None,
            created_at: Timestamp::now(),
        }
    }

    /// What a proxy needs of it.
    pub fn record(&self) -> UserRecord {
        UserRecord { id: self.id, blocked: self.is_blocked }
    }
}

/// What a log-in is checked against.
#[derive(Debug)]
pub struct Credentials {
    pub id: UserId,
    pub password_hash: Option<String>,
}

macro_rules! select {
    () => {
        "SELECT u.id, u.email, u.name, u.role, u.team_id, t.name AS team_name, u.is_blocked, u.last_login_at, u.created_at,
                (SELECT count(*) FROM virtual_key k WHERE k.user_id = u.id AND k.deleted_at IS NULL) AS keys
         FROM app_user u LEFT JOIN team t ON t.id = u.team_id
         WHERE u.deleted_at IS NULL"
    };
}

fn read(row: &Row) -> Result<UserRow, AdminError> {
    let role: String = row.try_get("role")?;
    Ok(UserRow {
        id: UserId(row.try_get("id")?),
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: Role::from_name(&role)
            .ok_or_else(|| AdminError::Internal(format!("unknown role `{role}` in app_user")))?,
        team_id: row.try_get::<_, Option<Uuid>>("team_id")?.map(TeamId),
        team_name: row.try_get("team_name")?,
        is_blocked: row.try_get("is_blocked")?,
        keys: row.try_get("keys")?,
        last_login_at: optional_time(row, "last_login_at")?,
        created_at: time(row, "created_at")?,
    })
}

/// The newest accounts that fit, after the one given.
pub async fn list(
    client: &impl GenericClient,
    text: Option<&str>,
    team_id: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<UserRow>, AdminError> {
    let sql = concat!(
        select!(),
        " AND ($1::text IS NULL OR position(lower($1) in lower(u.email)) > 0 OR position(lower($1) in lower(u.name)) > 0)
          AND ($2::uuid IS NULL OR u.team_id = $2)
          AND ($3::uuid IS NULL OR u.id < $3)
        ORDER BY u.id DESC LIMIT $4"
    );
    rows(client, sql, &[&text, &team_id, &after, &limit]).await?.iter().map(read).collect()
}

/// One account.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<UserRow>, AdminError> {
    row(client, concat!(select!(), " AND u.id = $1"), &[&id]).await?.as_ref().map(read).transpose()
}

/// One account, which nobody else changes before the transaction ends.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<Option<UserRow>, AdminError> {
    row(client, concat!(select!(), " AND u.id = $1 FOR UPDATE OF u"), &[&id]).await?.as_ref().map(read).transpose()
}

/// Whether the account exists; if so, it goes on to exist until the transaction ends.
pub async fn pin(client: &impl GenericClient, id: Uuid) -> Result<bool, AdminError> {
    let sql = "SELECT 1 FROM app_user WHERE id = $1 AND deleted_at IS NULL FOR SHARE";
    Ok(row(client, sql, &[&id]).await?.is_some())
}

/// What an e-mail address logs in with; `None` where nobody of that name may.
pub async fn credentials(client: &impl GenericClient, email: &str) -> Result<Option<Credentials>, AdminError> {
    let sql = "SELECT id, password_hash FROM app_user
               WHERE lower(email) = lower($1) AND deleted_at IS NULL AND NOT is_blocked";
    let found = row(client, sql, &[&email]).await?;
    found
        .map(|row| Ok(Credentials { id: UserId(row.try_get("id")?), password_hash: row.try_get("password_hash")? }))
        .transpose()
}

/// Whether there is any account, removed ones included.
pub async fn exists_any(client: &impl GenericClient) -> Result<bool, AdminError> {
    Ok(row(client, "SELECT 1 FROM app_user LIMIT 1", &[]).await?.is_some())
}

/// Stores a new account.
pub async fn insert(client: &impl GenericClient, user: &UserRow, password_hash: &str) -> Result<(), AdminError> {
    execute_unique(
        client,
        "INSERT INTO app_user (id, email, name, role, team_id, is_blocked, password_hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &user.id.0,
            &user.email,
            &user.name,
            &user.role.name(),
            &user.team_id.map(|id| id.0),
            &user.is_blocked,
            &password_hash,
        ],
        taken,
    )
    .await
}

/// Stores what may change of an account.
pub async fn update(client: &impl GenericClient, user: &UserRow) -> Result<(), AdminError> {
    execute_unique(
        client,
        "UPDATE app_user SET email = $2, name = $3, role = $4, team_id = $5, is_blocked = $6, updated_at = now()
         WHERE id = $1",
        &[&user.id.0, &user.email, &user.name, &user.role.name(), &user.team_id.map(|id| id.0), &user.is_blocked],
        taken,
    )
    .await
}

fn taken() -> AdminError {
    AdminError::conflict(Some("email"), "There is already an account with this e-mail address.")
}

/// Stores a new password.
pub async fn set_password(client: &impl GenericClient, id: UserId, password_hash: &str) -> Result<(), AdminError> {
    let sql = "UPDATE app_user SET password_hash = $2, updated_at = now() WHERE id = $1 AND deleted_at IS NULL";
    execute(client, sql, &[&id.0, &password_hash]).await?;
    Ok(())
}

/// Removes an account.
pub async fn delete(client: &impl GenericClient, id: Uuid) -> Result<(), AdminError> {
    let sql = "UPDATE app_user SET deleted_at = now(), updated_at = now(), password_hash = NULL WHERE id = $1";
    execute(client, sql, &[&id]).await?;
    Ok(())
}

/// All accounts, for the proxies.
pub async fn records(client: &impl GenericClient) -> Result<Vec<UserRecord>, AdminError> {
    let sql = "SELECT id, is_blocked FROM app_user WHERE deleted_at IS NULL";
    rows(client, sql, &[])
        .await?
        .iter()
        .map(|row| Ok(UserRecord { id: UserId(row.try_get("id")?), blocked: row.try_get("is_blocked")? }))
        .collect()
}
