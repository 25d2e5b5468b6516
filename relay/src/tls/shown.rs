//! The certificate that new connections are shown. Those that live keep theirs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::{ENDS_SOON, Pair};

/// How often it says so.
const REMIND_EVERY: u64 = 24 * 3600;

/// One certificate at a time.
#[derive(Debug)]
pub(super) struct Shown {
    // Taken for the copy of a pointer: a plain lock.
    key: RwLock<Arc<CertifiedKey>>,
    not_after: AtomicU64,
    reminded: AtomicU64,
}

impl Shown {
    pub(super) fn new(pair: Pair) -> Self {
        Self {
            not_after: pair.not_after().into(),
            key: RwLock::new(Arc::new(pair.key().clone())),
            reminded: AtomicU64::new(0),
        }
    }

    /// When what is shown ends, in seconds since 1970.
    pub(super) fn not_after(&self) -> u64 {
        self.not_after.load(Ordering::Relaxed)
    }

    /// Shows another one from here on.
    pub(super) fn change(&self, pair: Pair) {
        self.not_after.store(pair.not_after(), Ordering::Relaxed);
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair.key().clone());
    }

    /// Says in the log, once a day, that the certificate ends soon or has ended.
    pub(super) fn remind(&self, now: u64) {
        let left = self.not_after().saturating_sub(now);
        if left > ENDS_SOON || now < self.reminded.load(Ordering::Relaxed).saturating_add(REMIND_EVERY) {
            return;
        }
        self.reminded.store(now, Ordering::Relaxed);
        if left == 0 {
            tracing::error!("the certificate has expired: browsers refuse it");
        } else {
            tracing::warn!(days = left / (24 * 3600), "the certificate expires soon");
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&key))
    }
}
