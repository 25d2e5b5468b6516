//! Errors as the line protocol names them.

use std::fmt::Display;

use chopar_e2ee::handshake::HeaderError;
use chopar_e2ee::handshake::oracle::OracleError;
use chopar_e2ee::ratchet::{EncryptError, OpenError, RecordError};
use chopar_e2ee::seal::UnsealError;
use serde_json::{Value, json};

/// A kind out of a fixed list, and words for a person.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: &'static str,
    detail: String,
}

impl Fault {
    pub(crate) fn new(kind: &'static str, detail: impl Display) -> Self {
        Self {
            kind,
            detail: detail.to_string(),
        }
    }

    /// The request, or bytes within it, are not what they should be.
    pub(crate) fn malformed(detail: impl Display) -> Self {
        Self::new("malformed", detail)
    }

    /// The caller's name for something is not known here.
    pub(crate) fn unknown(what: &str, name: &str) -> Self {
        Self::new("unknown-name", format!("there is no {what} {name}"))
    }

    pub(crate) fn json(&self) -> Value {
        json!({"error": self.kind, "detail": self.detail})
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        let kind = match error {
            // A tag or header that no key of the session opens did not authenticate.
            OpenError::Authentication | OpenError::UnknownTag => "authentication",
            OpenError::Duplicate => "duplicate",
            OpenError::Expired => "expired",
            OpenError::NonContributory => "non-contributory",
            OpenError::CounterExhausted | OpenError::SkipLimit { .. } => "skip-limit",
            _ => "malformed",
        };
        Self::new(kind, error)
    }
}

impl From<EncryptError> for Fault {
    fn from(error: EncryptError) -> Self {
        let kind = match error {
            EncryptError::NonContributory => "non-contributory",
            EncryptError::NothingReceived => "nothing-received",
            EncryptError::CounterExhausted => "counter-exhausted",
            _ => "malformed",
        };
        Self::new(kind, error)
    }
}

impl From<UnsealError> for Fault {
    fn from(error: UnsealError) -> Self {
        let kind = match error {
            UnsealError::Authentication | UnsealError::OtherKey => "authentication",
            UnsealError::UnknownSuite(_) | UnsealError::Header(HeaderError::UnknownSuite(_)) => {
                "unknown-suite"
            }
            _ => "malformed",
        };
        Self::new(kind, error)
    }
}

impl From<OracleError> for Fault {
    fn from(error: OracleError) -> Self {
        let kind = match error {
            OracleError::NonContributory(_) => "non-contributory",
            OracleError::Kem => "malformed",
        };
        Self::new(kind, error)
    }
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Self {
        Self::malformed(error)
    }
}
