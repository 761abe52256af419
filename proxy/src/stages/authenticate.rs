//! Second stage: who asks? Before the body is read, so that a stranger costs nothing.

use std::sync::Arc;

use deltallm_shared::{
    control::KeyRecord,
    crypto::{KeyHasher, constant_time_eq},
    error::{ApiError, ErrorCode},
    ids::OrganizationId,
    secret::Secret,
    time_text::Timestamp,
};
use http::HeaderMap;

use crate::snapshot::{Live, Snapshot};

/// The headers that clients send a key in, in the order in which they count.
const KEY_HEADERS: [&str; 6] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key", "x-litellm-api-key"];

/// Who asks.
#[derive(Clone, Debug)]
pub enum Principal {
    /// The operator.
    Master,
    /// The owner of a virtual key.
    Key {
        /// The key.
        key: Arc<KeyRecord>,
        /// The organization of the key's team.
        organization_id: Option<OrganizationId>,
    },
}

/// What keys are compared with.
pub struct Credentials {
    /// Finds virtual keys.
    pub hasher: KeyHasher,
    /// Does everything.
    pub master_key: Option<Secret<String>>,
}

/// Runs the stage.
pub fn authenticate(
    headers: &HeaderMap,
    live: &Live,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Principal, ApiError> {
    let presented = presented_key(headers)?;
    let found = live.keys.pin().get(&credentials.hasher.hash(presented)).cloned();
    let Some(key) = found else {
        let is_master =
            credentials.master_key.as_ref().is_some_and(|master| constant_time_eq(master.expose(), presented));
        return if is_master { Ok(Principal::Master) } else { Err(unknown_key()) };
    };
    if key.blocked {
        return Err(ApiError::new(
            ErrorCode::KeyBlocked,
            "This API key is blocked. Ask its owner or an administrator.",
        ));
    }
    if key.expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::new(ErrorCode::ExpiredApiKey, "This API key has expired. Ask for a new one."));
    }
    let organization_id = check_owners(&key, &live.snapshot.load())?;
    Ok(Principal::Key { key, organization_id })
}

/// A key is worth as much as what owns it.
fn check_owners(key: &KeyRecord, snapshot: &Snapshot) -> Result<Option<OrganizationId>, ApiError> {
    let blocked = |what: &str| {
        Err(ApiError::new(
            ErrorCode::KeyBlocked,
            format!("The {what} of this API key is blocked. Ask an administrator."),
        ))
    };
    if key.user_id.and_then(|id| snapshot.users.get(&id)).is_some_and(|user| user.blocked) {
        return blocked("user");
    }
    let Some(team) = key.team_id.and_then(|id| snapshot.teams.get(&id)) else { return Ok(None) };
    if team.blocked {
        return blocked("team");
    }
    if team
        .organization_id
        .and_then(|id| snapshot.organizations.get(&id))
        .is_some_and(|organization| organization.blocked)
    {
        return blocked("organization");
    }
    Ok(team.organization_id)
}

fn presented_key(headers: &HeaderMap) -> Result<&str, ApiError> {
    let Some(value) = KEY_HEADERS.iter().find_map(|name| headers.get(*name)) else {
        let text = "No API key was given. Send it as `Authorization: Bearer sk-…`.";
        return Err(ApiError::new(ErrorCode::InvalidApiKey, text));
    };
    let malformed = || {
        ApiError::new(ErrorCode::InvalidApiKey, "The API key is malformed. Send it as `Authorization: Bearer sk-…`.")
    };
    let text = value.to_str().map_err(|_| malformed())?.trim();
    let key = match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        Some(_) => return Err(malformed()),
        None => text,
    };
    if key.is_empty() || key.len() > 512 { Err(malformed()) } else { Ok(key) }
}

fn unknown_key() -> ApiError {
    ApiError::new(ErrorCode::InvalidApiKey, "The API key is not known here. Check it, or ask for a new one.")
}

#[cfg(test)]
mod tests {
    use deltallm_shared::{
        control::{OrganizationRecord, TeamRecord, UserRecord},
        crypto::SaltKey,
        ids::{KeyId, TeamId, UserId},
    };

    use super::*;

    struct World {
        live: Live,
        credentials: Credentials,
        key: KeyRecord,
    }

    fn world() -> World {
        let salt = SaltKey::new(&Secret::from("a salt key for these tests only")).unwrap();
        let hasher = salt.key_hasher();
        let key = KeyRecord {
            id: KeyId::new(),
            hash: hasher.hash("sk-known"),
            name: "k".into(),
            team_id: None,
            user_id: None,
            models: None,
            expires_at: None,
            blocked: false,
        };
        let credentials = Credentials { hasher, master_key: Some(Secret::from("sk-master")) };
        World { live: Live::default(), credentials, key }
    }

    impl World {
        fn ask(&self, headers: &[(&'static str, &str)]) -> Result<Principal, &'static str> {
            self.live.keys.pin().insert(self.key.hash, Arc::new(self.key.clone()));
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            authenticate(&headers, &self.live, &self.credentials, Timestamp(1000)).map_err(|error| error.code.code())
        }
    }

    #[test]
    fn a_key_is_found_in_every_usual_header() {
        let world = world();
        for (name, value) in [
            ("authorization", "Bearer sk-known"),
            ("authorization", "bearer  sk-known "),
            ("x-api-key", "sk-known"),
            ("api-key", "sk-known"),
            ("x-goog-api-key", "sk-known"),
            ("ocp-apim-subscription-key", "sk-known"),
            ("x-litellm-api-key", "Bearer sk-known"),
        ] {
            assert!(matches!(world.ask(&[(name, value)]), Ok(Principal::Key { .. })), "{name}");
        }
        assert!(matches!(world.ask(&[("authorization", "Bearer sk-master")]), Ok(Principal::Master)));
    }

    #[test]
    fn each_refusal_has_its_code() {
        let mut world = world();
        let bearer = [("authorization", "Bearer sk-known")];
        for headers in [
            &[][..],
            &[("authorization", "Bearer sk-other")],
            &[("authorization", "Basic x")],
            &[("authorization", "Bearer ")],
        ] {
            assert_eq!(world.ask(headers).unwrap_err(), "invalid_api_key", "{headers:?}");
        }
        world.key.expires_at = Some(Timestamp(1000));
        assert_eq!(world.ask(&bearer).unwrap_err(), "expired_api_key");
        world.key.expires_at = Some(Timestamp(1001));
        assert!(world.ask(&bearer).is_ok());
        world.key.blocked = true;
        assert_eq!(world.ask(&bearer).unwrap_err(), "key_blocked");
    }

    #[test]
    fn a_blocked_owner_blocks_the_key() {
        let bearer = [("authorization", "Bearer sk-known")];
        for blocked in ["user", "team", "organization"] {
            let mut world = world();
            let (user_id, team_id, organization_id) = (UserId::new(), TeamId::new(), OrganizationId::new());
            (world.key.user_id, world.key.team_id) = (Some(user_id), Some(team_id));
            let mut snapshot = Snapshot::default();
            snapshot.users.insert(user_id, UserRecord { id: user_id, blocked: blocked == "user" });
            let team = TeamRecord {
                id: team_id,
                name: "t".into(),
                organization_id: Some(organization_id),
                models: None,
                blocked: blocked == "team",
            };
            snapshot.teams.insert(team_id, team);
            let organization =
                OrganizationRecord { id: organization_id, name: "o".into(), blocked: blocked == "organization" };
            snapshot.organizations.insert(organization_id, organization);
            world.live.snapshot.store(Arc::new(snapshot));
            assert_eq!(world.ask(&bearer).unwrap_err(), "key_blocked", "{blocked}");
        }
    }
}
