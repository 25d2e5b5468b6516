//! Answers: the frames that go back, and every refusal with its words.

use chopar_wire::proto::relay::{Done, Reason, Refused, relay_frame::Body};

use crate::policy::limits::Wait;
use crate::store::StoreError;

/// How long a client waits before it tries a busy store again, in milliseconds: a few commits.
const BUSY_RETRY_MS: u64 = 200;
/// How long it waits for a database that is restarted or replaced by its second.
const AWAY_RETRY_MS: u64 = 3_000;
/// How long it waits when the store cannot write: somebody has to look at the disk.
const STORAGE_RETRY_MS: u64 = 30_000;

/// A refusal on its way to becoming an answer; every handler may return one early.
#[derive(Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) retry_after_ms: u64,
}

/// What a handler gives: every frame is answered.
pub(crate) type Outcome = Result<Body, Refusal>;

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            retry_after_ms: 0,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, detail)
    }

    pub(crate) fn into_body(self) -> Body {
        Body::Refused(Refused {
            reason: self.reason.into(),
            detail: self.detail,
            retry_after_ms: self.retry_after_ms,
        })
    }
}

impl From<Wait> for Refusal {
    fn from(Wait(retry_after_ms): Wait) -> Self {
        Self {
            reason: Reason::RateLimited,
            detail: "too much at once".to_owned(),
            retry_after_ms,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(fault: StoreError) -> Self {
        let (reason, detail, retry_after_ms) = match fault {
            StoreError::Busy => (Reason::RateLimited, "the relay is busy", BUSY_RETRY_MS),
            StoreError::Full => (Reason::Storage, "the relay has no room", STORAGE_RETRY_MS),
            StoreError::Away => (Reason::Storage, "the relay waits for its database", AWAY_RETRY_MS),
            StoreError::Closed => (Reason::ShuttingDown, "the relay is stopping", STORAGE_RETRY_MS),
            // The database's words are for the log.
            StoreError::Failed(_) => (Reason::Storage, "the relay could not write", STORAGE_RETRY_MS),
        };
        Self {
            reason,
            detail: detail.to_owned(),
            retry_after_ms,
        }
    }
}

impl From<crate::token::NoRandomness> for Refusal {
    fn from(fault: crate::token::NoRandomness) -> Self {
        tracing::error!(%fault, "no randomness");
        Self::from(StoreError::Failed(String::new()))
    }
}

impl From<chopar_wire::ids::WrongLength> for Refusal {
    fn from(fault: chopar_wire::ids::WrongLength) -> Self {
        Self::malformed(fault.to_string())
    }
}

/// The answer that says: it is so now.
pub(crate) fn done() -> Outcome {
    Ok(Body::Done(Done {}))
}
