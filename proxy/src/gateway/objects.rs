//! Things that live at a provider: files, batches, stored responses. They go to the provider that has them and nowhere else; the
//! names that clients see are the gateway's own, see [`crate::owned_id`].

use std::sync::Arc;

use bytes::Bytes;
use deltallm_dialects::{json_strings, openai::request_index::RequestIndex};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
    providers::Wire,
};
use http::{HeaderValue, Method};
use pingora::proxy::Session;

use super::{Flow, Gateway, Stop};
use crate::{
    call::Call,
    context::RequestContext,
    endpoints::Action,
    net::outgoing::OutgoingBody,
    onward_path,
    owned_id::{self, Opened, OwnedIds, Paths},
    providers::{self, Words},
    routing::{Facts, Route},
    snapshot::{Deployment, Group, Snapshot},
    stages::{
        authenticate::Principal,
        authorize::{authorize, may_use, may_use_all},
        read_body,
        receive::query_value,
        relay::{Known, Naming},
        translate::{Attempt, OwnForm},
    },
};

/// Names the model whose provider is meant, where nothing else does.
const MODEL_HEADER: &str = "x-deltallm-model";

/// What a call about a thing is, once its body was read.
struct ObjectCall {
    deployment: Arc<Deployment>,
    id: Option<String>,
    body: Bytes,
    upload: Option<OutgoingBody>,
    content_type: Option<HeaderValue>,
}

impl Gateway {
    /// The stages of a call about a thing at a provider.
    pub(super) async fn object(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        principal: &Principal,
        (operation, action): (Operation, Action),
    ) -> Result<Flow, Stop> {
        let snapshot = context.live.snapshot.load_full();
        let ids = OwnedIds::new(self.owner_seal.clone(), principal);
        may_ask(principal, &snapshot, operation, action)?;
        let asked = self.asked_about(session, context, principal, &snapshot, &ids, (operation, action)).await?;

        let deployment = &asked.deployment;
        let head = session.req_header();
        let path = path_of(operation, action, &asked, head.uri.query().unwrap_or_default(), &ids, &snapshot)?;
        let form = OwnForm {
            method: head.method.clone(),
            content_type: asked.content_type.clone(),
            upload: asked.upload.clone(),
            ..OwnForm::default()
        };
        let paths = if operation == Operation::Responses { Paths::Responses } else { Paths::Objects };
        context.naming = Some(Naming { ids, deployment: deployment.id, paths });
        context.is_pinned = true;
        let attempt = Attempt {
            words: Words::Same(operation),
            path,
            body: asked.body.clone(),
            dropped: Vec::new(),
            own_form: Some(Box::new(form)),
        };
        let mut index = RequestIndex::default();
        index.model.clone_from(&deployment.model_name);
        // An error is about the thing and not about a model, whatever made it.
        let about = if operation == Operation::Responses { Operation::PassThrough } else { operation };
        let call = Call::new(about, asked.body.clone(), index, None);
        // Its calls go to the provider without the gateway: nobody here knows what they cost.
        let starts_batch = operation == Operation::Batches && action == Action::Create;
        if let Some(record) = context.record.as_mut().filter(|_| starts_batch) {
            record.has_no_price();
        }
        // Bytes of a file are nobody's words: they pass as they are.
        if action == Action::ReadPart("/content") {
            (context.naming, context.onward) = (None, Some(Known::Nothing));
        }
        self.send_single(session, context, call, Arc::clone(deployment), attempt, !starts_batch)
    }

    /// Reads the body, where there is one, and finds the deployment that is meant.
    async fn asked_about(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        principal: &Principal,
        snapshot: &Snapshot,
        ids: &OwnedIds,
        (operation, action): (Operation, Action),
    ) -> Result<ObjectCall, Stop> {
        let hint = model_hint(session);
        let id_in_path = context.received.as_ref().and_then(|received| received.path_model.clone());
        if let Some(name) = id_in_path {
            let (id, deployment) = ids.open(&name, "id", snapshot)?;
            let body = self.small_body(session, context).await?;
            let content_type = (!body.is_empty()).then(|| HeaderValue::from_static("application/json"));
            return Ok(ObjectCall { deployment, id: Some(id), body, upload: None, content_type });
        }
        let owner = |model: Option<&str>| owner_of(principal, snapshot, operation, model);
        if operation == Operation::Files && action == Action::Create {
            let upload = self.read_form(session, context).await?;
            let form = &upload.form;
            let named = form.field("x-deltallm-model").or_else(|| form.field("model")).or(hint.as_deref());
            let deployment = owner(named)?;
            // What the form says to the gateway is none of the provider's business.
            let edits = ["x-deltallm-model", "model"].iter().filter_map(|name| form.without(name)).collect();
            return Ok(ObjectCall {
                deployment,
                id: None,
                body: Bytes::new(),
                upload: Some(OutgoingBody::new(upload.body.clone(), edits)),
                content_type: Some(upload.content_type.clone()),
            });
        }
        let body = self.small_body(session, context).await?;
        let opened = ids.open_in(&body, Paths::Objects, snapshot)?;
        let deployment = match opened.deployment {
            Some(deployment) => deployment,
            None => owner(hint.as_deref())?,
        };
        let body = json_strings::apply(&body, opened.edits);
        let content_type = (!body.is_empty()).then(|| HeaderValue::from_static("application/json"));
        Ok(ObjectCall { deployment, id: None, body, upload: None, content_type })
    }

    /// Names of things at a provider in a call to a model: they become the provider's own, and only who has them can serve the
    /// call. `None`: any deployment can.
    pub(super) fn open_names(
        &self,
        context: &mut RequestContext,
        principal: &Principal,
        snapshot: &Snapshot,
        group: &Group,
    ) -> Result<Option<Arc<Deployment>>, ApiError> {
        let Some(call) = &mut context.call else { return Ok(None) };
        if !matches!(principal, Principal::Master) {
            match call.operation {
                Operation::Responses => owned_id::check_response(&call.body)?,
                Operation::Messages | Operation::CountMessageTokens => {
                    owned_id::check_unguarded(&call.body, Wire::Anthropic)?;
                }
                Operation::GenerateContent | Operation::CountContentTokens => {
                    owned_id::check_unguarded(&call.body, Wire::Gemini)?;
                }
                _ => {}
            }
        }
        let (paths, keeping) = match call.operation {
            Operation::Responses => (Paths::Responses, Operation::Responses),
            Operation::ChatCompletions => (Paths::Chats, Operation::Files),
            _ => return Ok(None),
        };
        // Where no deployment keeps anything, a name is refused in the words of the dialect.
        if !group.iter().any(|deployment| deployment.provider.speaks(keeping)) {
            return Ok(None);
        }
        let ids = OwnedIds::new(self.owner_seal.clone(), principal);
        let opened = if owned_id::may_hold_names(&call.body) {
            ids.open_in(&call.body, paths, snapshot)?
        } else {
            Opened::default()
        };
        call.edit(opened.edits)?;
        if paths == Paths::Responses {
            let deployment = group.first().map(|first| first.id).unwrap_or_default();
            context.naming = Some(Naming { ids, deployment, paths });
        }
        let Some(place) = opened.deployment else { return Ok(None) };
        context.is_pinned = true;
        // What a group that stood in has kept is found there again.
        let fallbacks = group.routing.all_fallbacks().filter_map(|name| snapshot.group(name)).map(AsRef::as_ref);
        let mut all = std::iter::once(group).chain(fallbacks).flat_map(|group| group.iter());
        let here = all.find(|deployment| deployment.is_same_account(&place)).cloned();
        here.map(Some).ok_or_else(|| {
            let text = "What the body refers to lives at a provider that does not serve this model.";
            ApiError::about(ErrorCode::InvalidRequest, "model", text)
        })
    }

    /// A body that is held in memory; empty where the method has none.
    async fn small_body(&self, session: &mut Session, context: &mut RequestContext) -> Result<Bytes, Stop> {
        let Some(received) = &context.received else { return Ok(Bytes::new()) };
        if matches!(session.req_header().method, Method::GET | Method::HEAD | Method::DELETE) {
            return Ok(Bytes::new());
        }
        let client = session.as_downstream_mut();
        let body = read_body::read_body(client, received, self.max_request_body_bytes, &self.client).await?;
        context.is_body_read = true;
        Ok(body)
    }
}

/// What a key may do with things at providers. A list shows everybody's things, and a batch asks models without the gateway.
fn may_ask(principal: &Principal, snapshot: &Snapshot, operation: Operation, action: Action) -> Result<(), ApiError> {
    let denied = |text: &str| Err(ApiError::new(ErrorCode::PermissionDenied, text));
    if action == Action::List && !matches!(principal, Principal::Master) {
        return denied(
            "A list would show what every tenant of this gateway has at the provider, so only the master key may ask for \
             it. Keep the ids of what you make, and read each by its id.",
        );
    }
    if operation == Operation::Batches && action == Action::Create && !may_use_all(principal, snapshot) {
        return denied(
            "A batch may name any model of the provider, so only keys without a list of models may start one.",
        );
    }
    Ok(())
}

/// The deployment whose provider is meant: the named model's, else the only one whose provider has such things.
fn owner_of(
    principal: &Principal,
    snapshot: &Snapshot,
    operation: Operation,
    model: Option<&str>,
) -> Result<Arc<Deployment>, ApiError> {
    let has_them = |deployment: &&Arc<Deployment>| deployment.provider.speaks(operation);
    let name = operation.name();
    if let Some(model) = model {
        let group = authorize(principal, snapshot, model)?;
        return group.iter().find(has_them).cloned().ok_or_else(|| {
            let text = format!("The provider of `{model}` has no {name}.");
            ApiError::about(ErrorCode::InvalidRequest, "model", text)
        });
    }
    let usable = snapshot.models.iter().filter(|(model, _)| may_use(principal, snapshot, model));
    let mut found: Vec<&Arc<Deployment>> = usable.flat_map(|(_, group)| group.iter()).filter(has_them).collect();
    // Several models of one account are one place.
    found.sort_by_key(|deployment| deployment.id);
    found.dedup_by(|one, other| one.is_same_account(other));
    match found.as_slice() {
        [only] => Ok(Arc::clone(only)),
        [] => {
            let text = format!("No provider of this gateway has {name}.");
            Err(ApiError::new(ErrorCode::InvalidRequest, text))
        }
        _ => {
            let text = format!(
                "Several providers of this gateway have {name}. Name a model of the one that you mean: in the query \
                 (`?model=…`), in the header `{MODEL_HEADER}`, or as a field `model` of the form."
            );
            Err(ApiError::about(ErrorCode::InvalidRequest, "model", text))
        }
    }
}

fn model_hint(session: &Session) -> Option<String> {
    let head = session.req_header();
    let in_header = head.headers.get(MODEL_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let in_query = || query_value(head, "model").map(onward_path::decoded);
    in_header.or_else(in_query).filter(|model| !model.is_empty())
}

fn path_of(
    operation: Operation,
    action: Action,
    asked: &ObjectCall,
    query: &str,
    ids: &OwnedIds,
    snapshot: &Snapshot,
) -> Result<String, ApiError> {
    let deployment = &asked.deployment;
    let base = providers::vendor(deployment.provider.wire).path(Words::Same(operation), deployment, false);
    let (mut path, mut own_query) = match base.split_once('?') {
        Some((path, query)) => (path.to_owned(), vec![query.to_owned()]),
        None => (base, Vec::new()),
    };
    if let Some(id) = &asked.id {
        path.push('/');
        path.push_str(id);
    }
    match action {
        Action::ReadPart(part) => path.push_str(part),
        Action::Cancel => path.push_str("/cancel"),
        _ => {}
    }
    for pair in onward_path::without_credentials(query).unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "model" | "api-version" => {}
            // A list goes on behind a thing of ours.
            "after" if action == Action::List => {
                let (id, _) = ids.open(&onward_path::decoded(value), "after", snapshot)?;
                own_query.push(format!("after={id}"));
            }
            _ => own_query.push(pair.to_owned()),
        }
    }
    if !own_query.is_empty() {
        path = format!("{path}?{}", own_query.join("&"));
    }
    Ok(path)
}

impl Gateway {
    /// open and hand over, for a call that one deployment alone can serve.
    pub(super) fn send_single(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        call: Call,
        deployment: Arc<Deployment>,
        attempt: Attempt,
        is_free: bool,
    ) -> Result<Flow, Stop> {
        let upgrades = attempt.own_form.as_ref().is_some_and(|own| own.upgrades);
        if let Some(record) = &mut context.record {
            record.asked_for(&call.index, call.streams);
            if is_free {
                record.costs_nothing();
            }
            // What is billed where the provider says nothing of it.
            record.open(&deployment, call.body.clone())?;
        }
        context.call = Some(call);
        context.route = Some(Route::once(deployment, Facts::default()));
        context.attempt = Some(attempt);
        self.hand_over(session, context, upgrades);
        Ok(Flow::ToUpstream)
    }
}
