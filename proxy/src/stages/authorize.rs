//! Fourth stage: may this principal use this model, and who serves it?

use std::sync::Arc;

use deltallm_shared::error::{ApiError, ErrorCode};

use super::authenticate::Principal;
use crate::snapshot::{Group, Snapshot};

/// Runs the stage: the deployments of the model.
pub fn authorize<'a>(principal: &Principal, snapshot: &'a Snapshot, model: &str) -> Result<&'a Arc<Group>, ApiError> {
    let Some(group) = snapshot.group(model) else {
        let shown: String = model.chars().take(200).collect();
        let text = format!("The model `{shown}` does not exist here. `GET /v1/models` lists those that do.");
        return Err(ApiError::about(ErrorCode::ModelNotFound, "model", text));
    };
    if !may_use(principal, snapshot, model) {
        let text =
            format!("This API key may not use the model `{model}`. `GET /v1/models` lists those that it may use.");
        return Err(ApiError::about(ErrorCode::ModelNotAllowed, "model", text));
    }
    Ok(group)
}

/// The key's own list and its team's both have to allow the model.
pub fn may_use(principal: &Principal, snapshot: &Snapshot, model: &str) -> bool {
    let Principal::Key { key, .. } = principal else { return true };
    let team = key.team_id.and_then(|id| snapshot.teams.get(&id));
    let lists = [key.models.as_deref(), team.and_then(|team| team.models.as_deref())];
    lists.into_iter().flatten().all(|allowed| allowed.iter().any(|pattern| matches(pattern, model)))
}

/// Whether neither the key nor its team is bound to certain models.
pub fn may_use_all(principal: &Principal, snapshot: &Snapshot) -> bool {
    let Principal::Key { key, .. } = principal else { return true };
    let team = key.team_id.and_then(|id| snapshot.teams.get(&id));
    key.models.is_none() && team.is_none_or(|team| team.models.is_none())
}

/// A name, or a prefix that ends in `*`.
fn matches(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => pattern == model,
    }
}

#[cfg(test)]
mod tests {
    use deltallm_shared::{
        control::{KeyRecord, TeamRecord},
        crypto::KeyHash,
        ids::{KeyId, TeamId},
    };

    use super::*;

    fn allowed(of_key: Option<&[&str]>, of_team: Option<&[&str]>, model: &str) -> bool {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let team_id = TeamId::new();
        let key = KeyRecord {
            id: KeyId::new(),
            hash: KeyHash([0; 32]),
            name: "k".into(),
            team_id: Some(team_id),
            user_id: None,
            models: of_key.map(owned),
            expires_at: None,
            blocked: false,
        };
        let mut snapshot = Snapshot::default();
        let team = TeamRecord {
            id: team_id,
            name: "t".into(),
            organization_id: None,
            models: of_team.map(owned),
            blocked: false,
        };
        snapshot.teams.insert(team_id, team);
        may_use(&Principal::Key { key: Arc::new(key), organization_id: None }, &snapshot, model)
    }

    #[test]
    fn both_lists_have_to_allow() {
        assert!(allowed(None, None, "gpt"));
        assert!(allowed(Some(&["gpt"]), None, "gpt") && !allowed(Some(&["gpt"]), None, "gpt-2"));
        assert!(
            allowed(Some(&["gpt*"]), Some(&["gpt-2"]), "gpt-2") && !allowed(Some(&["gpt*"]), Some(&["gpt-2"]), "gpt-3")
        );
        assert!(!allowed(Some(&[]), None, "gpt"), "an empty list allows nothing");
    }
}
