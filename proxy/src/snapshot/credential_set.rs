//! The credentials and pools of this process across publications: what did not change stays the same, with its token, its pauses
//! and its turn.

use std::{collections::HashMap, sync::Arc};

use deltallm_shared::{
    credential::CredentialValues,
    ids::{CredentialId, DeploymentId},
};

use crate::credentials::{Credential, CredentialPool};

/// Of one publication.
#[derive(Default)]
pub(super) struct CredentialSet {
    credentials: HashMap<CredentialId, Arc<Credential>>,
    pools: HashMap<DeploymentId, CredentialPool>,
}

/// The next publication's, in the making.
pub(super) struct Renewal<'a> {
    old: &'a CredentialSet,
    new: CredentialSet,
}

impl CredentialSet {
    pub(super) fn renew(&self) -> Renewal<'_> {
        Renewal { old: self, new: Self::default() }
    }
}

impl Renewal<'_> {
    /// Takes a credential in: the old one where its values are the same. One that cannot be used is left out, and said.
    pub(super) fn credential(
        &mut self,
        id: CredentialId,
        name: &str,
        values: &CredentialValues,
        is_guarded: bool,
    ) -> Option<Arc<Credential>> {
        let kept = self.old.credentials.get(&id).filter(|old| old.is(name, values, is_guarded)).cloned();
        let made =
            kept.map_or_else(|| Credential::new(id, name.to_owned(), values.clone(), is_guarded).map(Arc::new), Ok);
        match made {
            Ok(credential) => {
                self.new.credentials.insert(id, Arc::clone(&credential));
                Some(credential)
            }
            Err(error) => {
                tracing::error!(credential = name, %error, "the credential cannot be used");
                None
            }
        }
    }

    /// The pool of a deployment: its own credentials, then the named ones that are known.
    pub(super) fn pool(
        &mut self,
        deployment: DeploymentId,
        own: &[CredentialValues],
        named: &[CredentialId],
        is_guarded: bool,
    ) -> CredentialPool {
        let mut members: Vec<Arc<Credential>> = Vec::with_capacity(own.len() + named.len());
        for (number, values) in own.iter().enumerate() {
            let id = CredentialId::from_text(&format!("key {number} of deployment {deployment}"));
            members.extend(self.credential(id, "the deployment's own", values, is_guarded));
        }
        for id in named {
            match self.new.credentials.get(id) {
                Some(credential) => members.push(Arc::clone(credential)),
                None => {
                    tracing::error!(deployment_id = %deployment, credential_id = %id, "the deployment names a credential that is not there");
                }
            }
        }
        let pool = CredentialPool::succeeding(self.old.pools.get(&deployment), members);
        self.new.pools.insert(deployment, pool.clone());
        pool
    }

    pub(super) fn done(self) -> CredentialSet {
        self.new
    }
}
