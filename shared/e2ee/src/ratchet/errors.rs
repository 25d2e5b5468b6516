//! What can go wrong, by operation and by name.

/// A message was not opened. Whatever the variant, the session is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Header or content failed authentication: altered on the way, or not of this session.
    #[error("authentication failed")]
    Authentication,
    /// A counter at or past [`COUNTER_STOP`](super::limits::COUNTER_STOP). The peer is at fault.
    #[error("a counter is exhausted")]
    CounterExhausted,
    /// This message was opened before. Acknowledge and forget it.
    #[error("the message was opened before")]
    Duplicate,
    /// Its key existed and is gone: evicted, too old, or beyond the end its chain announced.
    #[error("the key of the message is gone")]
    Expired,
    /// Not the shape of a message, or (authenticated) a peer that breaks the protocol.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The ratchet key in the header has low order. The peer is at fault.
    #[error("the ratchet key is not contributory")]
    NonContributory,
    /// Opening it would skip more keys than one message may.
    #[error("{wanted} keys would be skipped")]
    SkipLimit {
        /// How many.
        wanted: u32,
    },
    /// No header key of this session opens it: it belongs to another session, or to none.
    #[error("not of this session")]
    UnknownTag,
}

/// A message or signal was not encrypted. The session is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The sending chain is at [`COUNTER_STOP`](super::limits::COUNTER_STOP): only a new session helps.
    #[error("the counter is exhausted")]
    CounterExhausted,
    /// The peer's ratchet key has low order.
    #[error("the ratchet key is not contributory")]
    NonContributory,
    /// A responder cannot write before it opened a message of the initiator.
    #[error("nothing was received yet")]
    NothingReceived,
    /// The plaintext is longer than [`MAX_PLAINTEXT`](super::limits::MAX_PLAINTEXT).
    #[error("{0} bytes are too long for one message")]
    TooLong(usize),
}

/// A draft no longer fits the session it was made from: something else was encrypted or committed in between.
/// Open the message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session changed since the draft was made")]
pub struct StaleDraft;

/// Bytes are not a session record. The store is at fault, or a newer version wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not protobuf, or a field of impossible size or value.
    #[error("damaged session record: {0}")]
    Damaged(&'static str),
    /// Written by a version this one does not know.
    #[error("session record of unknown version {0}")]
    Version(u32),
}
