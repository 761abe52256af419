//! What runs beside the requests, on a thread of its own.

use std::{sync::Arc, time::Duration};

use deltallm_shared::{config::WatchedFile, crypto::SaltKey};
use parking_lot::Mutex;

use super::{BootError, Options};
use crate::{
    accounting::{Accounts, shipper::Shipper},
    health::{active_check::ActiveChecks, redis_link::RedisLink, shared::SharedHealth},
    lifecycle::Lifecycle,
    snapshot::{file_watch, last_known_good::LastKnownGood, link::Link, store::Store},
};

/// What runs beside the requests, on a thread of its own: it must never wait for them, nor they for it.
pub(super) struct Control<'a> {
    pub(super) watched: Option<WatchedFile>,
    pub(super) options: &'a Options,
    pub(super) admin_url: Option<String>,
    pub(super) salt: &'a SaltKey,
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) lifecycle: &'a Arc<Lifecycle>,
    pub(super) accounts: &'a Accounts,
    pub(super) shared_health: Option<(Arc<SharedHealth>, Arc<tokio::sync::Mutex<RedisLink>>)>,
    pub(super) checks: Arc<ActiveChecks>,
}

impl Control<'_> {
    /// Starts it.
    pub(super) fn start(mut self) -> Result<(), BootError> {
        let (shared_health, checks) = (self.shared_health.take(), Arc::clone(&self.checks));
        let watch = self.watched.take().map(|file| file_watch::run(file, Arc::clone(&self.store)));
        let admin = self.admin_tasks()?;
        if admin.is_none() {
            self.lifecycle.configured();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            runtime.block_on(async move {
                if let Some(watch) = watch {
                    tokio::spawn(watch);
                }
                if let Some((client, link, shipper)) = admin {
                    tokio::spawn(link.run(client.clone()));
                    tokio::spawn(shipper.run(client));
                }
                if let Some((shared, link)) = shared_health {
                    tokio::spawn(shared.run(link));
                }
                tokio::spawn(checks.run());
                std::future::pending::<()>().await;
            });
        })?;
        Ok(())
    }

    fn admin_tasks(&self) -> Result<Option<(reqwest::Client, Link, Shipper)>, BootError> {
        let Some(admin_url) = &self.admin_url else { return Ok(None) };
        let client = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(5)).build()?;
        let file = LastKnownGood::at(&self.options.home);
        if let Some(last) = file.read() {
            self.store.lock().apply(last);
            self.lifecycle.configured();
        }
        let link = Link {
            admin_url: admin_url.clone(),
            token: self.salt.internal_token(),
            store: Arc::clone(&self.store),
            file,
            lifecycle: Arc::clone(self.lifecycle),
            metrics: Arc::clone(&self.accounts.metrics),
        };
        let shipper = Shipper {
            admin_url: admin_url.clone(),
            token: self.salt.internal_token(),
            journal: Arc::clone(&self.accounts.journal),
            metrics: Arc::clone(&self.accounts.metrics),
        };
        Ok(Some((client, link, shipper)))
    }
}
