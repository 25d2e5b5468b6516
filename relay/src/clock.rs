//! Time as a parameter, so that expiry can be tested without waiting for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `millis` until [`Clock::advance`] moves it; for tests.
    pub fn manual(millis: u64) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(millis))))
    }

    /// Moves a manual clock and all its clones forward; a system clock stays as it is.
    pub fn advance(&self, millis: u64) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock and all its clones, forward or back; a system clock stays as it is.
    pub fn set(&self, millis: u64) {
        if let Source::Manual(now) = &self.0 {
            now.store(millis, Ordering::SeqCst);
        }
    }

    /// Milliseconds since 1970; zero for a clock set before it.
    pub fn now(&self) -> u64 {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |past| u64::try_from(past.as_millis()).unwrap_or(u64::MAX)),
            Source::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
