//! The proxy's clock for routing: it never goes back, whatever happens to the calendar.

use std::{sync::LazyLock, time::Instant};

use deltallm_routing::tick::Tick;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// This moment. Never zero, which stands for "never" in places.
pub fn now() -> Tick {
    Tick(u64::try_from(BEGINNING.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1))
}
