//! Several credentials of one deployment: taken in turn, the sick ones set aside for a while.
//!
//! Sans-IO: the time is passed in. A pool is never empty-handed: where all are set aside, the one whose time ends first serves,
//! since a provider that was asked in vain is better than a request that was not tried.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deltallm_shared::time_text::Timestamp;

use super::Credential;

/// After 401 and 403: a person has to mend it, and may have by then.
const REFUSED: Duration = Duration::from_mins(10);
/// After 402: an account that is paid up again is noticed soon enough.
const UNPAID: Duration = Duration::from_mins(10);
/// After 429 where the provider names no time.
const LIMITED: Duration = Duration::from_secs(30);
/// A token that was refused may only be stale; the next one is asked for at once.
const STALE_TOKEN: Duration = Duration::from_secs(5);
/// The longest that a `retry-after` is believed.
const MOST: Duration = Duration::from_hours(1);

/// Until when something is set aside, if at all.
#[derive(Debug, Default)]
pub(super) struct SetAside(AtomicI64);

impl SetAside {
    fn set(&self, now: Timestamp, pause: Duration) {
        let micros = i64::try_from(pause.clamp(Duration::from_secs(1), MOST).as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_max(now.0.saturating_add(micros), Ordering::Relaxed);
    }

    /// The end, if it is to come. One that lies beyond every pause means that the clock was set back: it is over.
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = Timestamp(self.0.load(Ordering::Relaxed));
        (until > now && until.since(now) <= MOST).then_some(until)
    }
}

/// A credential's place in a pool. What concerns this deployment only (its limits, its rights) is remembered here, what concerns
/// the credential as such with the credential, which other pools may hold too.
struct Slot {
    credential: Arc<Credential>,
    set_aside: SetAside,
}

impl Slot {
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.set_aside.until(now).max(self.credential.set_aside.until(now))
    }
}

#[derive(Default)]
struct Inner {
    slots: Box<[Arc<Slot>]>,
    /// How many were picked.
    picked: AtomicUsize,
    /// Where the turn began: proxies that start together should not all begin with the first.
    began: OnceLock<usize>,
}

/// The credentials of a deployment. Clones are the same pool.
#[derive(Clone, Default)]
pub struct CredentialPool(Arc<Inner>);

impl CredentialPool {
    /// A pool of these, in order.
    pub fn new(credentials: impl IntoIterator<Item = Arc<Credential>>) -> Self {
        Self::succeeding(None, credentials)
    }

    /// A pool that takes over what `previous` knows of the credentials that are still there; the same pool where nothing
    /// changed.
    pub fn succeeding(previous: Option<&Self>, credentials: impl IntoIterator<Item = Arc<Credential>>) -> Self {
        let known = previous.map_or(&[] as &[Arc<Slot>], |pool| &pool.0.slots);
        let slot = |credential: Arc<Credential>| {
            let kept = known.iter().find(|slot| Arc::ptr_eq(&slot.credential, &credential));
            kept.map_or_else(|| Arc::new(Slot { credential, set_aside: SetAside::default() }), Arc::clone)
        };
        let slots: Box<[Arc<Slot>]> = credentials.into_iter().map(slot).collect();
        match previous {
            Some(pool) if slots.len() == known.len() && slots.iter().zip(known).all(|(a, b)| Arc::ptr_eq(a, b)) => {
                pool.clone()
            }
            _ => Self(Arc::new(Inner { slots, ..Inner::default() })),
        }
    }

    /// How many credentials there are.
    pub fn len(&self) -> usize {
        self.0.slots.len()
    }

    /// Whether the deployment has none.
    pub fn is_empty(&self) -> bool {
        self.0.slots.is_empty()
    }

    /// All of them, in order.
    pub fn credentials(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.0.slots.iter().map(|slot| &slot.credential)
    }

    /// How many are not set aside: whether another attempt with this deployment makes sense.
    pub fn healthy(&self, now: Timestamp) -> usize {
        self.0.slots.iter().filter(|slot| slot.until(now).is_none()).count()
    }

    /// The next healthy one in turn; the one whose pause ends first where none is healthy. `None` only for an empty pool.
    ///
    /// `seed` says where the turn begins, at the first call; later ones do not look at it.
    pub fn pick(&self, now: Timestamp, seed: u64) -> Option<Arc<Credential>> {
        let Inner { slots, picked, began } = &*self.0;
        let count = slots.len();
        if count == 0 {
            return None;
        }
        let spread = u64::try_from(count).map_or(0, |count| usize::try_from(seed % count).unwrap_or(0));
        let start = began.get_or_init(|| spread).wrapping_add(picked.fetch_add(1, Ordering::Relaxed));
        let mut in_turn = (0..count).filter_map(|step| slots.get(start.wrapping_add(step) % count));
        let chosen = in_turn
            .find(|slot| slot.until(now).is_none())
            .or_else(|| slots.iter().min_by_key(|slot| slot.until(now)))?;
        Some(Arc::clone(&chosen.credential))
    }

    /// Takes note of a provider's answer. Returns whether it speaks of the credential: 401, 402, 403 and 429 do.
    ///
    /// 401 (not known) and 402 (not paid) count for every deployment that uses the credential; 403 (not allowed here) and 429
    /// (too much here) for this one.
    pub fn set_aside(
        &self,
        credential: &Credential,
        status: u16,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> bool {
        let slot = self.0.slots.iter().find(|slot| std::ptr::eq(Arc::as_ptr(&slot.credential), credential));
        // A credential that was rotated meanwhile is in no pool: what is said of it concerns nobody.
        let of_this_pool = |pause| slot.into_iter().for_each(|slot| slot.set_aside.set(now, pause));
        match status {
            401 if credential.forget_token(now) => credential.set_aside.set(now, STALE_TOKEN),
            401 => credential.set_aside.set(now, REFUSED),
            402 => credential.set_aside.set(now, UNPAID),
            403 => of_this_pool(REFUSED),
            429 => of_this_pool(retry_after.unwrap_or(LIMITED)),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
