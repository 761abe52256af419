//! What a provider's own limits leave, by its last word, counted on by what we have begun since.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

use super::{
    header_lines::{KINDS, Said, read},
    headroom::Leeway,
};
use crate::tick::Tick;

/// How long a figure counts whose provider does not say.
const UNNAMED: Duration = Duration::from_secs(10);
/// The longest that any figure counts.
const LONGEST: Duration = Duration::from_hours(1);

/// Requests, tokens, input tokens, output tokens: [`KINDS`].
#[derive(Debug, Default)]
pub(super) struct ProviderLimits {
    figures: [Figure; KINDS.len()],
    /// When the last figure ends: most deployments have none, and looking at one word says so.
    until: AtomicU64,
}

/// One limit. Written without a lock: who reads in the middle of it sees parts of two figures, for one choice.
#[derive(Debug, Default)]
struct Figure {
    /// 0: not named.
    limit: AtomicU64,
    remaining: AtomicU64,
    /// From when on it grows; equal to `until` where it does not.
    since: AtomicU64,
    /// When all of it is there again; 0: nothing is known.
    until: AtomicU64,
}

/// What is left of a provider's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The limit; `None`: the provider does not name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: u64,
}

impl ProviderLimits {
    pub(super) fn read<'a>(&self, now: Tick, lines: impl Iterator<Item = (&'a str, &'a str)>) {
        for (figure, said) in self.figures.iter().zip(read(lines)) {
            if let Some(until) = figure.set(now, said) {
                self.until.fetch_max(until.0, Relaxed);
            }
        }
    }

    /// An attempt begins: until the provider says more, what it will take is gone.
    pub(super) fn begin(&self, now: Tick, tokens: u64) {
        if self.are_known(now) {
            let [requests, all_tokens, ..] = &self.figures;
            requests.take(1);
            all_tokens.take(tokens);
        }
    }

    /// Narrows the room by the provider's limits.
    pub(super) fn narrow(&self, room: &mut Leeway, now: Tick, tokens: u64) {
        if !self.are_known(now) {
            return;
        }
        // How the tokens of a request divide into input and output nobody knows yet: there one has to be left.
        for (figure, wanted) in self.figures.iter().zip([1, tokens, 1, 1]) {
            match figure.left(now) {
                Some(Left { limit: Some(limit), remaining }) => {
                    room.narrow(limit, remaining, wanted, || figure.opens_at(now, limit.min(wanted)));
                }
                Some(Left { limit: None, remaining: 0 }) => {
                    room.narrow(1, 0, 1, || Some(Tick(figure.until.load(Relaxed))));
                }
                _ => {}
            }
        }
    }

    /// In the order of [`KINDS`].
    pub(super) fn left(&self, now: Tick) -> [Option<Left>; KINDS.len()] {
        self.figures.each_ref().map(|figure| figure.left(now))
    }

    fn are_known(&self, now: Tick) -> bool {
        self.until.load(Relaxed) > now.0
    }
}

impl Figure {
    fn set(&self, now: Tick, said: Said) -> Option<Tick> {
        let remaining = said.remaining.filter(|_| said.limit != Some(0))?;
        let until = now.after(said.reset.unwrap_or(UNNAMED).min(LONGEST));
        let since = if said.is_refilled { now } else { until };
        self.limit.store(said.limit.unwrap_or(0), Relaxed);
        self.remaining.store(remaining, Relaxed);
        self.since.store(since.0, Relaxed);
        self.until.store(until.0, Relaxed);
        Some(until)
    }

    fn take(&self, count: u64) {
        let _ = self.remaining.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(count)));
    }

    /// When so much of it is left, if nobody takes any.
    fn opens_at(&self, now: Tick, wanted: u64) -> Option<Tick> {
        let until = self.until.load(Relaxed);
        let (limit, remaining, since) =
            (self.limit.load(Relaxed), self.remaining.load(Relaxed), self.since.load(Relaxed));
        let whole = u128::from(until.saturating_sub(since));
        let missing = u128::from(wanted.saturating_sub(remaining));
        let after = (whole * missing).div_ceil(u128::from(limit.saturating_sub(remaining)).max(1));
        let at = since.saturating_add(u64::try_from(after).ok()?).min(until);
        Some(Tick(at)).filter(|at| *at > now)
    }

    fn left(&self, now: Tick) -> Option<Left> {
        let until = self.until.load(Relaxed);
        if until <= now.0 {
            return None;
        }
        let (limit, remaining, since) =
            (self.limit.load(Relaxed), self.remaining.load(Relaxed), self.since.load(Relaxed));
        let (passed, whole) = (now.0.saturating_sub(since), until.saturating_sub(since));
        let refilled = (u128::from(limit.saturating_sub(remaining)) * u128::from(passed))
            .checked_div(u128::from(whole))
            .and_then(|refilled| u64::try_from(refilled).ok())
            .unwrap_or(0);
        Some(Left { limit: (limit > 0).then_some(limit), remaining: remaining.saturating_add(refilled) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick(seconds * 1_000_000)
    }

    fn limits(lines: &[(&str, &str)]) -> ProviderLimits {
        let limits = ProviderLimits::default();
        limits.read(at(100), lines.iter().copied());
        limits
    }

    fn room(limits: &ProviderLimits, now: Tick, tokens: u64) -> Leeway {
        let mut room = Leeway::ALL;
        limits.narrow(&mut room, now, tokens);
        room
    }

    #[test]
    fn what_is_left_comes_back_bit_by_bit_and_is_forgotten_at_its_reset() {
        let limits = limits(&[
            ("x-ratelimit-limit-tokens", "1000"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "60s"),
        ]);
        assert_eq!(
            room(&limits, at(100), 1),
            Leeway { headroom_ppm: 0, has_room: false, room_at: Some(Tick(100_060_000)) }
        );
        assert_eq!(room(&limits, at(130), 500), Leeway { headroom_ppm: 500_000, ..Leeway::ALL });
        assert!(!room(&limits, at(130), 501).has_room);
        assert_eq!(room(&limits, at(130), 750).room_at, Some(at(145)));
        assert_eq!(room(&limits, at(130), 5000).room_at, Some(at(160)));
        assert_eq!(room(&limits, at(160), 501), Leeway::ALL);
    }

    #[test]
    fn a_fixed_window_comes_back_all_at_once() {
        let limits = limits(&[("ratelimit-limit", "10"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "30")]);
        assert_eq!(room(&limits, at(129), 1), Leeway { headroom_ppm: 0, has_room: false, room_at: Some(at(130)) });
        assert_eq!(room(&limits, at(130), 1), Leeway::ALL);
    }

    #[test]
    fn what_we_begin_counts_before_the_provider_says_so() {
        let limits = limits(&[
            ("anthropic-ratelimit-requests-limit", "10"),
            ("anthropic-ratelimit-requests-remaining", "2"),
            ("anthropic-ratelimit-requests-reset", "whenever"),
        ]);
        limits.begin(at(100), 50);
        assert_eq!(room(&limits, at(100), 1), Leeway { headroom_ppm: 100_000, ..Leeway::ALL });
        limits.begin(at(100), 50);
        assert!(!room(&limits, at(100), 1).has_room);
        // Without a word about its reset it counts for ten seconds.
        assert_eq!(room(&limits, at(110), 1), Leeway::ALL);
    }

    #[test]
    fn a_count_without_its_limit_only_says_when_nothing_is_left() {
        let some = limits(&[("x-ratelimit-remaining-requests", "1")]);
        assert_eq!(room(&some, at(100), 9), Leeway::ALL);
        some.begin(at(100), 9);
        assert!(!room(&some, at(100), 9).has_room);
        assert_eq!(some.left(at(100)), [Some(Left { limit: None, remaining: 0 }), None, None, None]);
    }
}
