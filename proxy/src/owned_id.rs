//! Names of things that live at a provider under the gateway's one account: files, batches, stored responses.
//!
//! The provider does not know who of the gateway's tenants a thing belongs to. So the name that leaves the gateway carries a mark:
//! `<provider's id>~<deployment>~<mark>`, where the mark is an HMAC of owner, deployment and id. Nobody can make the mark of
//! another tenant, and a name without one, or with another's, is not found. Nothing has to be stored.

use std::sync::Arc;

use deltallm_dialects::{json_strings, multipart::Edit};
use deltallm_shared::{
    crypto::OwnerSeal,
    error::{ApiError, ErrorCode},
    ids::DeploymentId,
    providers::Wire,
};

use serde::Deserialize;

use crate::{
    snapshot::{Deployment, Snapshot},
    stages::authenticate::Principal,
};

/// Longer names are none of ours.
const MAX_ID_CHARS: usize = 512;

/// Whose things are meant.
#[derive(Clone, Debug)]
pub struct Owner {
    name: String,
    /// The operator may name everything.
    sees_all: bool,
}

impl Owner {
    /// The team of a key, else the key itself: what one member of a team uploads, the others may use.
    pub fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Master => Self { name: "master".to_owned(), sees_all: true },
            Principal::Key { key, .. } => {
                let name = key.team_id.map_or_else(|| format!("key {}", key.id), |team| format!("team {team}"));
                Self { name, sees_all: false }
            }
        }
    }
}

/// Makes and reads names for one owner.
#[derive(Clone)]
pub struct OwnedIds {
    seal: OwnerSeal,
    owner: Owner,
}

impl OwnedIds {
    /// For a caller.
    pub fn new(seal: OwnerSeal, principal: &Principal) -> Self {
        Self { seal, owner: Owner::of(principal) }
    }

    /// The name for the caller.
    pub fn seal(&self, id: &str, deployment: DeploymentId) -> String {
        let mark = self.seal.mark(&self.parts(id, &deployment));
        format!("{id}~{}~{mark}", short(deployment))
    }

    /// The provider's name, and the deployment that knows it. `field`: where the name stood.
    pub fn open(&self, name: &str, field: &str, snapshot: &Snapshot) -> Result<(String, Arc<Deployment>), ApiError> {
        let not_found = || {
            let shown: String = name.chars().take(100).collect();
            ApiError::about(ErrorCode::NotFound, field, format!("There is no `{shown}`, or it is not yours."))
        };
        let mut parts = name.rsplitn(3, '~');
        let (Some(mark), Some(place), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(not_found());
        };
        if name.len() > MAX_ID_CHARS || id.is_empty() || !id.bytes().all(is_plain) {
            return Err(not_found());
        }
        let deployments = snapshot.models.values().flat_map(|group| group.iter());
        let mut at_place = deployments.filter(|deployment| short(deployment.id) == place);
        let known =
            at_place.find(|deployment| self.owner.sees_all || self.seal.is_mark(mark, &self.parts(id, &deployment.id)));
        known.map(|deployment| (id.to_owned(), Arc::clone(deployment))).ok_or_else(not_found)
    }

    /// Puts our names in the place of the provider's, at these paths of an answer.
    pub fn seal_in(&self, json: &[u8], deployment: DeploymentId, paths: Paths) -> Vec<Edit> {
        let found = json_strings::find(json, |path| paths.of_answer(path));
        found.iter().map(|found| found.replaced_by(&self.seal(&found.text, deployment))).collect()
    }

    /// Puts the provider's names in the place of ours, in a request; and says which deployment they lead to. Names of two
    /// deployments in one request lead nowhere.
    pub fn open_in(&self, json: &[u8], paths: Paths, snapshot: &Snapshot) -> Result<Opened, ApiError> {
        let (mut opened, mut single) = (Opened::default(), Vec::<Vec<String>>::new());
        for found in json_strings::find_whole(json, |path| paths.of_request(path)).ok_or_else(too_deep)? {
            let field = found.path.last().map_or("", String::as_str);
            if found.path.len() == 1 {
                if single.contains(&found.path) {
                    let text = format!("`{field}` stands in the body twice.");
                    return Err(ApiError::about(ErrorCode::InvalidRequest, field, text));
                }
                single.push(found.path.clone());
            }
            // The operator may use the provider's own names, which lead nowhere in particular.
            if self.owner.sees_all && !found.text.contains('~') {
                continue;
            }
            let (id, deployment) = self.open(&found.text, field, snapshot)?;
            if opened.deployment.as_ref().is_some_and(|other| other.id != deployment.id) {
                let text = "The body names things of two providers; they do not know each other's.";
                return Err(ApiError::about(ErrorCode::InvalidRequest, field, text));
            }
            opened.deployment = Some(deployment);
            opened.edits.push(found.replaced_by(&id));
        }
        Ok(opened)
    }

    fn parts<'a>(&'a self, id: &'a str, deployment: &'a DeploymentId) -> [&'a [u8]; 3] {
        [self.owner.name.as_bytes(), deployment.0.as_bytes(), id.as_bytes()]
    }
}

/// What a request's names lead to.
#[derive(Clone, Default)]
pub struct Opened {
    /// The deployment that knows them; `None` where no name was there.
    pub deployment: Option<Arc<Deployment>>,
    /// The provider's names in their places.
    pub edits: Vec<Edit>,
}

/// Where names stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// In files and batches.
    Objects,
    /// In stored responses and their events, and in requests for new ones.
    Responses,
    /// In chats that refer to files.
    Chats,
}

/// Whether names may stand in a request of this kind; a quick look, before the closer one.
pub fn may_hold_names(json: &[u8]) -> bool {
    // With an escape in a key, the key is not to be seen at a glance.
    [&b"file_id"[..], b"previous_response_id", b"\\u00"].iter().any(|text| memchr::memmem::find(json, text).is_some())
}

/// Names of things at a provider that the gateway has no marks for: a tenant's body must not hold them, because they could be
/// another tenant's.
pub fn check_unguarded(json: &[u8], wire: Wire) -> Result<(), ApiError> {
    let is_plain = |text: &&[u8]| memchr::memmem::find(json, text).is_some();
    if !UNGUARDED.iter().any(is_plain) {
        return Ok(());
    }
    let found = json_strings::find_whole(json, |path| is_unguarded(wire, path)).ok_or_else(too_deep)?;
    let mut foreign = found.iter().filter(|found| {
        let is_uri = found.path.last().is_some_and(|last| matches!(last.as_str(), "fileUri" | "file_uri"));
        !is_uri || is_stored_at_google(&found.text)
    });
    match foreign.next().and_then(|found| found.path.last()) {
        Some(field) => Err(unguarded(field)),
        None => Ok(()),
    }
}

/// The same for a request for a response, whose files and earlier responses have marks. `background`: what it produces is
/// fetched later, by a call that costs nothing.
pub fn check_response(json: &[u8]) -> Result<(), ApiError> {
    let quick = [
        &b"\"id\""[..],
        b"item_reference",
        b"conversation",
        b"container",
        b"vector_store",
        b"skill_id",
        b"background",
        b"\\u00",
    ];
    if !quick.iter().any(|text| memchr::memmem::find(json, text).is_some()) {
        return Ok(());
    }
    let found = json_strings::find_whole(json, |path| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["conversation", ..] | ["tools", "*", "container"] | ["tools", "*", "vector_store_ids", "*"] => true,
            ["tools", "*", path @ .., "container_id" | "skill_id"] => !path.contains(&"parameters"),
            _ => false,
        }
    });
    if let Some(field) =
        found.ok_or_else(too_deep)?.first().and_then(|found| found.path.iter().rev().find(|key| *key != "*"))
    {
        return Err(unguarded(field));
    }
    let Ok(body) = serde_json::from_slice::<ResponseBody>(json) else {
        let text = "The body cannot be read in one way only: one of its fields stands there twice.";
        return Err(ApiError::new(ErrorCode::InvalidRequest, text));
    };
    if body.background == Some(serde_json::Value::Bool(true)) {
        let text = "`background` is for the master key only: what such a response costs is known when it is done, and nobody \
                    tells the gateway. Leave it out; a stream shows progress too.";
        return Err(ApiError::about(ErrorCode::InvalidRequest, "background", text));
    }
    // An item that says nothing but its id stands for one that the provider keeps.
    let items = body.input.as_ref().and_then(serde_json::Value::as_array);
    let is_reference = |item: &serde_json::Value| match item.get("type").and_then(serde_json::Value::as_str) {
        Some(kind) => kind == "item_reference",
        None => item.get("id").is_some() && item.get("role").is_none(),
    };
    if items.is_some_and(|items| items.iter().any(is_reference)) { Err(unguarded("item_reference")) } else { Ok(()) }
}

#[derive(Deserialize)]
struct ResponseBody {
    background: Option<serde_json::Value>,
    input: Option<serde_json::Value>,
}

/// What one of them needs to stand in a body; with an escape in a key, it is not to be seen at a glance.
const UNGUARDED: [&[u8]; 10] = [
    b"file_id",
    b"fileUri",
    b"file_uri",
    b"ached",
    b"container",
    b"conversation",
    b"vector_store",
    b"skill_id",
    b"previous_response_id",
    b"\\u00",
];

fn is_unguarded(wire: Wire, path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    // Arguments and schemas of a caller's own tools have whatever names they like.
    if path.iter().any(|key| matches!(*key, "parameters" | "input_schema" | "args" | "response")) {
        return false;
    }
    match wire {
        Wire::Anthropic => match path.as_slice() {
            ["container", ..] => true,
            ["messages" | "system", .., "file_id"] => !path.contains(&"input"),
            _ => false,
        },
        Wire::Gemini | Wire::Vertex => matches!(
            path.as_slice(),
            ["cachedContent" | "cached_content"] | [.., "fileData" | "file_data", "fileUri" | "file_uri"]
        ),
        Wire::OpenAi | Wire::Azure => matches!(path.as_slice(), ["messages", .., "file", "file_id"]),
        Wire::Bedrock | Wire::Cohere => false,
    }
}

/// An address in the Gemini API's own store, and not one of the public web or of a bucket.
fn is_stored_at_google(uri: &str) -> bool {
    let uri = uri.to_ascii_lowercase();
    uri.contains("generativelanguage") || !(uri.starts_with("https://") || uri.starts_with("gs://"))
}

fn unguarded(field: &str) -> ApiError {
    let text = format!(
        "`{field}` names something that is kept at the provider for all tenants of this gateway, so only the master key may \
         use it. Send the content itself."
    );
    ApiError::about(ErrorCode::PermissionDenied, field, text)
}

fn too_deep() -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, "The body is nested too deep.")
}

impl Paths {
    fn of_answer(self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match self {
            Self::Objects => matches!(
                path.as_slice(),
                ["id" | "input_file_id" | "output_file_id" | "error_file_id" | "first_id" | "last_id"]
                    | ["data", "*", "id" | "input_file_id" | "output_file_id" | "error_file_id"]
            ),
            Self::Responses => {
                matches!(path.as_slice(), ["id" | "previous_response_id"] | ["response", "id" | "previous_response_id"])
            }
            Self::Chats => false,
        }
    }

    fn of_request(self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match self {
            Self::Objects => matches!(path.as_slice(), ["input_file_id"]),
            Self::Responses => matches!(
                path.as_slice(),
                ["previous_response_id"]
                    | ["input", .., "file_id"]
                    | ["tools", "*", "container", "file_ids", "*"]
                    | ["tools", "*", "input_image_mask", "file_id"]
            ),
            Self::Chats => matches!(path.as_slice(), ["messages", .., "file", "file_id"]),
        }
    }
}

/// Enough of a deployment's id to find it: its random half.
fn short(deployment: DeploymentId) -> String {
    format!("{:016x}", deployment.0.as_u64_pair().1)
}

/// What may stand in a provider's id, and in a path without any escape.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use deltallm_shared::{
        control::KeyRecord,
        crypto::{KeyHash, SaltKey},
        ids::{KeyId, TeamId},
        secret::Secret,
    };

    use super::*;
    use crate::credentials::CredentialPool;

    fn key(team_id: Option<TeamId>) -> Principal {
        let key = KeyRecord {
            id: KeyId::new(),
            hash: KeyHash([0; 32]),
            name: "k".into(),
            team_id,
            user_id: None,
            models: None,
            expires_at: None,
            blocked: false,
        };
        Principal::Key { key: Arc::new(key), organization_id: None }
    }

    fn ids(principal: &Principal) -> OwnedIds {
        let salt = SaltKey::new(&Secret::from("a salt key for these tests only")).unwrap();
        OwnedIds::new(salt.owner_seal(), principal)
    }

    /// A snapshot with two deployments, and their ids.
    fn snapshot() -> (Snapshot, [DeploymentId; 2]) {
        let mut snapshot = Snapshot::default();
        let ids = [DeploymentId::new(), DeploymentId::new()];
        for (id, name) in ids.iter().zip(["a", "b"]) {
            let record = serde_json::json!({ "id": id, "model_name": name, "provider": "mock", "upstream_model": "echo", "weight": 1 });
            let deployment =
                Deployment::compile(&serde_json::from_value(record).unwrap(), CredentialPool::default(), false)
                    .unwrap();
            let group = crate::snapshot::Group::new(name.to_owned(), vec![Arc::new(deployment)], Default::default());
            snapshot.models.insert(name.to_owned(), Arc::new(group));
        }
        (snapshot, ids)
    }

    #[test]
    fn a_name_opens_for_its_owner_and_for_nobody_else() {
        let (snapshot, [first, _]) = snapshot();
        let team = Some(TeamId::new());
        let (one, mate, other) = (key(team), key(team), key(None));
        let name = ids(&one).seal("file-abc_1.x", first);
        for allowed in [&one, &mate, &Principal::Master] {
            let (id, deployment) = ids(allowed).open(&name, "file_id", &snapshot).unwrap();
            assert_eq!((id.as_str(), deployment.id), ("file-abc_1.x", first));
        }
        for refused in [&other, &key(Some(TeamId::new()))] {
            let error = ids(refused).open(&name, "file_id", &snapshot).err().unwrap();
            assert_eq!(error.code, ErrorCode::NotFound);
        }
    }

    #[test]
    fn a_tenants_body_names_nothing_that_is_unguarded() {
        for (wire, body) in [
            (Wire::Anthropic, r#"{"messages":[{"content":[{"source":{"type":"file","file_id":"file_1"}}]}]}"#),
            (Wire::Anthropic, r#"{"messages":[{"content":[{"source":{"type":"file","file\u005fid":"file_1"}}]}]}"#),
            (Wire::Anthropic, r#"{"container":"c_1"}"#),
            (Wire::Anthropic, r#"{"container":{"id":"c_1"}}"#),
            (Wire::Gemini, r#"{"cachedContent":"cachedContents/1"}"#),
            (
                Wire::Gemini,
                r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/1"}}]}]}"#,
            ),
            (Wire::OpenAi, r#"{"messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#),
        ] {
            assert!(check_unguarded(body.as_bytes(), wire).is_err(), "{body}");
        }
        for (wire, body) in [
            (Wire::Anthropic, r#"{"messages":[{"content":[{"type":"tool_use","input":{"file_id":"mine"}}]}]}"#),
            (Wire::Gemini, r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://example.com/a.pdf"}}]}]}"#),
            (Wire::OpenAi, r#"{"messages":[{"content":"a container, a file_id, a conversation"}]}"#),
        ] {
            assert!(check_unguarded(body.as_bytes(), wire).is_ok(), "{body}");
        }
        let deep =
            format!(r#"{{"x":{}{},"messages":[{{"file":{{"file_id":"f"}}}}]}}"#, "[".repeat(200), "]".repeat(200));
        assert!(check_unguarded(deep.as_bytes(), Wire::OpenAi).is_err(), "what is not looked into is refused");
    }

    #[test]
    fn a_response_of_a_tenant_refers_to_marked_things_only() {
        for body in [
            r#"{"input":"x","conversation":"conv_1"}"#,
            r#"{"input":"x","conversation":{"id":"conv_1"}}"#,
            r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#,
            r#"{"input":[{"id":"msg_1"}]}"#,
            r#"{"input":"x","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}"#,
            r#"{"input":"x","tools":[{"type":"code_interpreter","container":"cntr_1"}]}"#,
            r#"{"input":"x","background":true}"#,
            r#"{"input":"x","b\u0061ckground":true}"#,
            r#"{"input":"x","background":true,"background":false}"#,
        ] {
            assert!(check_response(body.as_bytes()).is_err(), "{body}");
        }
        for body in [
            r#"{"input":"a conversation in the background"}"#,
            r#"{"input":"x","background":false,"conversation":null}"#,
            r#"{"input":[{"type":"message","role":"assistant","id":"msg_1","content":[]},{"role":"user","content":"x"}]}"#,
            r#"{"input":"x","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}"#,
            r#"{"input":"x","tools":[{"type":"function","parameters":{"container_id":"x"}}]}"#,
        ] {
            assert!(check_response(body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn files_of_a_container_are_opened() {
        let (snapshot, [first, _]) = snapshot();
        let (owner, other) = (key(None), key(None));
        let body = |name: &str| serde_json::json!({ "tools": [{ "container": { "file_ids": [name] } }] }).to_string();
        let name = ids(&owner).seal("file-1", first);
        let opened = ids(&owner).open_in(body(&name).as_bytes(), Paths::Responses, &snapshot).unwrap();
        assert_eq!(opened.edits.len(), 1);
        assert!(may_hold_names(body("file-1").as_bytes()));
        for stolen in ["file-1", name.as_str()] {
            assert!(ids(&other).open_in(body(stolen).as_bytes(), Paths::Responses, &snapshot).is_err(), "{stolen}");
        }
    }

    #[test]
    fn a_name_cannot_be_changed_or_made_up() {
        let (snapshot, [first, second]) = snapshot();
        let owner = key(None);
        let name = ids(&owner).seal("file-1", first);
        for forged in [
            "file-1".to_owned(),
            name.replace("file-1", "file-2"),
            name.replace(&short(first), &short(second)),
            name[..name.len() - 1].to_owned(),
            String::new(),
            "~~".to_owned(),
            ids(&owner).seal("../files", first),
            ids(&owner).seal("a%2fb", first),
        ] {
            assert!(ids(&owner).open(&forged, "file_id", &snapshot).is_err(), "{forged}");
        }
        assert!(ids(&owner).open(&name, "file_id", &Snapshot::default()).is_err(), "its deployment is gone");
    }

    #[test]
    fn names_inside_bodies_change_both_ways() {
        let (snapshot, [first, second]) = snapshot();
        let ids = ids(&key(None));
        let answer = Bytes::from_static(br#"{"id":"batch_1","object":"batch","input_file_id":"file-1","error_file_id":null,"metadata":{"id":"mine"}}"#);
        let told = json_strings::apply(&answer, ids.seal_in(&answer, first, Paths::Objects));
        let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(
            (told["id"].as_str(), told["metadata"]["id"].as_str()),
            (Some(ids.seal("batch_1", first).as_str()), Some("mine"))
        );

        let request =
            Bytes::from(serde_json::json!({ "input_file_id": told["input_file_id"], "endpoint": "/v1/x" }).to_string());
        let opened = ids.open_in(&request, Paths::Objects, &snapshot).unwrap();
        assert_eq!(opened.deployment.map(|deployment| deployment.id), Some(first));
        let sent: serde_json::Value = serde_json::from_slice(&json_strings::apply(&request, opened.edits)).unwrap();
        assert_eq!(sent["input_file_id"], "file-1");

        let name = told["input_file_id"].as_str().unwrap();
        let doubled = format!(r#"{{"input_file_id":"{name}","input_file_id":"file-2"}}"#);
        assert!(ids.open_in(doubled.as_bytes(), Paths::Objects, &snapshot).is_err());
        let (mine, elsewhere) = (ids.seal("resp_1", first), ids.seal("file-2", second));
        let mixed =
            serde_json::json!({ "previous_response_id": mine, "input": [{ "content": [{ "file_id": elsewhere }] }] });
        assert!(ids.open_in(mixed.to_string().as_bytes(), Paths::Responses, &snapshot).is_err(), "of two providers");
    }
}
