//! One token that is used by many requests: fetched once for all who wait, renewed before it ends, kept while renewal fails.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use deltallm_shared::{secret::Secret, time_text::Timestamp};
use http::HeaderValue;

use super::{CredentialError, credential::secret_header};

/// A token that ends within this time is as good as ended: the request with it has a way to go.
const MARGIN: Duration = Duration::from_secs(10);
/// How long before its end a token is renewed, at most a fifth of its life.
const AHEAD: Duration = Duration::from_mins(5);
/// How soon a renewal that failed is tried again while the old token serves.
const RENEW_AGAIN: Duration = Duration::from_secs(30);
/// How soon it is tried again without a token: requests fail meanwhile, and the token service is not stormed.
const FETCH_AGAIN: Duration = Duration::from_secs(1);
/// A refusal within this time after a token was had is about the one before it: requests with that one are still under way.
const SETTLING: Duration = Duration::from_secs(5);
/// Lives that token services claim are believed within these limits.
const LIFE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(24));

/// A bearer token.
pub(super) struct Token {
    text: Secret<String>,
    bearer: HeaderValue,
    had_at: Timestamp,
    /// Not given out any more; a request that is about to be sent with it goes, and is refused in its turn.
    is_refused: AtomicBool,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

impl Token {
    /// As a token service handed it out.
    pub(super) fn new(text: Secret<String>, now: Timestamp, life: Duration) -> Result<Self, CredentialError> {
        let life = life.clamp(LIFE.0, LIFE.1);
        Ok(Self {
            bearer: secret_header(&format!("Bearer {}", text.expose()))?,
            text,
            had_at: now,
            is_refused: AtomicBool::new(false),
            renew_at: after(now, life.saturating_sub(AHEAD.min(life / 5))),
            ends_at: after(now, life.saturating_sub(MARGIN)),
        })
    }

    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    pub(super) fn bearer(&self, now: Timestamp) -> Option<HeaderValue> {
        (now < self.ends_at).then(|| self.bearer.clone())
    }

    fn is_good(&self, now: Timestamp) -> bool {
        now < self.ends_at && !self.is_refused.load(Ordering::Relaxed)
    }
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
}

/// The last fetch, if it failed.
#[derive(Default)]
struct Failure(Option<(Timestamp, CredentialError)>);

impl Failure {
    /// The error, if it is younger than `pause`.
    fn within(&self, pause: Duration, now: Timestamp) -> Option<&CredentialError> {
        self.0.as_ref().filter(|(at, _)| now.since(*at) < pause).map(|(_, error)| error)
    }
}

/// Where a credential's token lives.
#[derive(Default)]
pub(super) struct TokenCell {
    current: ArcSwapOption<Token>,
    /// Who holds it fetches; everybody else waits or uses the old token.
    turn: Arc<tokio::sync::Mutex<Failure>>,
}

impl TokenCell {
    pub(super) fn current(&self) -> Option<Arc<Token>> {
        self.current.load_full()
    }

    /// Takes note that a provider refused the token, so that the next request fetches another; whether there is one.
    pub(super) fn forget(&self, now: Timestamp) -> bool {
        let Some(token) = self.current() else { return false };
        if now.since(token.had_at) > SETTLING {
            token.is_refused.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Returns when there is a token that has not ended. `fetch` gets another.
    pub(super) async fn ready<F, R>(self: &Arc<Self>, now: Timestamp, fetch: F) -> Result<(), CredentialError>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Token, CredentialError>> + Send,
    {
        match self.current() {
            Some(token) if token.is_good(now) && now < token.renew_at => Ok(()),
            Some(token) if token.is_good(now) => {
                self.renew(now, fetch);
                Ok(())
            }
            _ => self.wait(now, fetch).await,
        }
    }

    /// Fetches in the background, if nobody does.
    fn renew<F, R>(self: &Arc<Self>, now: Timestamp, fetch: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Token, CredentialError>> + Send,
    {
        let Ok(mut failure) = Arc::clone(&self.turn).try_lock_owned() else { return };
        if failure.within(RENEW_AGAIN, now).is_some() {
            return;
        }
        let cell = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = cell.take(fetch().await, &mut failure) {
                tracing::warn!(%error, "a token could not be renewed; the old one serves until it ends");
            }
        });
    }

    /// Fetches, or waits for who does.
    async fn wait<F, R>(&self, now: Timestamp, fetch: F) -> Result<(), CredentialError>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Token, CredentialError>>,
    {
        let mut failure = self.turn.lock().await;
        if self.current().is_some_and(|token| token.is_good(now)) {
            return Ok(());
        }
        // Also what failed while this request was waiting: its own attempt would be the same.
        if let Some(error) = failure.within(FETCH_AGAIN, now) {
            return Err(error.clone());
        }
        self.take(fetch().await, &mut failure)
    }

    fn take(&self, fetched: Result<Token, CredentialError>, failure: &mut Failure) -> Result<(), CredentialError> {
        match fetched {
            Ok(token) => {
                self.current.store(Some(Arc::new(token)));
                failure.0 = None;
                Ok(())
            }
            Err(error) => {
                failure.0 = Some((Timestamp::now(), error.clone()));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const START: Timestamp = Timestamp(1_800_000_000_000_000);

    /// A token service whose answers are counted.
    #[derive(Default)]
    struct Service {
        calls: AtomicUsize,
        is_down: std::sync::atomic::AtomicBool,
    }

    impl Service {
        async fn answer(self: Arc<Self>, now: Timestamp) -> Result<Token, CredentialError> {
            let number = self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.is_down.load(Ordering::SeqCst) {
                return Err(CredentialError::Token("it is down".into()));
            }
            Token::new(Secret::from(format!("token-{number}").as_str()), now, Duration::from_hours(1))
        }
    }

    async fn ask(cell: &Arc<TokenCell>, service: &Arc<Service>, now: Timestamp) -> Result<String, CredentialError> {
        let service = Arc::clone(service);
        cell.ready(now, move || service.answer(now)).await?;
        Ok(cell.current().unwrap().text().to_owned())
    }

    fn minutes(count: u64) -> Timestamp {
        after(START, Duration::from_mins(count))
    }

    #[tokio::test]
    async fn many_who_wait_are_served_by_one_fetch() {
        let (cell, service) = (Arc::<TokenCell>::default(), Arc::<Service>::default());
        let asked = (0..50).map(|_| ask(&cell, &service, START));
        let tokens: Vec<_> = futures_util::future::join_all(asked).await.into_iter().map(Result::unwrap).collect();
        assert!(tokens.iter().all(|token| token == "token-0"), "{tokens:?}");
        assert_eq!(service.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_is_renewed_ahead_of_its_end_and_nobody_waits_for_it() {
        let (cell, service) = (Arc::<TokenCell>::default(), Arc::<Service>::default());
        assert_eq!(ask(&cell, &service, START).await.unwrap(), "token-0");
        assert_eq!(ask(&cell, &service, minutes(54)).await.unwrap(), "token-0");
        assert_eq!(service.calls.load(Ordering::SeqCst), 1);
        assert_eq!(ask(&cell, &service, minutes(56)).await.unwrap(), "token-0", "the old one serves meanwhile");
        while cell.current().unwrap().text() == "token-0" {
            tokio::task::yield_now().await;
        }
        assert_eq!(service.calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_renewal_that_fails_keeps_the_old_token_until_its_end() {
        let (cell, service) = (Arc::<TokenCell>::default(), Arc::<Service>::default());
        ask(&cell, &service, START).await.unwrap();
        service.is_down.store(true, Ordering::SeqCst);
        assert_eq!(ask(&cell, &service, minutes(57)).await.unwrap(), "token-0");
        while service.calls.load(Ordering::SeqCst) < 2 || cell.turn.try_lock().is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(&cell, &service, minutes(59)).await.unwrap(), "token-0");
        let error = ask(&cell, &service, minutes(60)).await.unwrap_err();
        assert_eq!(error, CredentialError::Token("it is down".into()));
        assert!(cell.current().unwrap().bearer(minutes(60)).is_none(), "an ended token is not sent");
    }

    #[tokio::test]
    async fn those_who_waited_for_a_fetch_that_failed_do_not_all_repeat_it() {
        let (cell, service) = (Arc::<TokenCell>::default(), Arc::<Service>::default());
        service.is_down.store(true, Ordering::SeqCst);
        let now = Timestamp::now();
        let asked = (0..50).map(|_| ask(&cell, &service, now));
        assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_err));
        assert_eq!(service.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_and_those_who_hold_it_are_not_left_without_one() {
        let (cell, service) = (Arc::<TokenCell>::default(), Arc::<Service>::default());
        assert!(!cell.forget(START), "there is none yet");
        ask(&cell, &service, START).await.unwrap();
        assert!(cell.forget(minutes(1)));
        assert!(
            cell.current().unwrap().bearer(minutes(1)).is_some(),
            "a request between its stages still has a header"
        );
        assert_eq!(ask(&cell, &service, minutes(1)).await.unwrap(), "token-1");
        // Other requests with the first token are refused a moment later: that says nothing of the second.
        assert!(cell.forget(after(minutes(1), Duration::from_secs(2))));
        assert_eq!(ask(&cell, &service, minutes(2)).await.unwrap(), "token-1");
    }

    #[tokio::test]
    async fn a_fetch_whose_request_was_given_up_blocks_nobody() {
        let (cell, service) = (Arc::<TokenCell>::default(), Arc::<Service>::default());
        let given_up = cell.ready(START, std::future::pending::<Result<Token, CredentialError>>);
        assert!(tokio::time::timeout(Duration::from_millis(10), given_up).await.is_err());
        assert_eq!(ask(&cell, &service, START).await.unwrap(), "token-0");
    }
}
