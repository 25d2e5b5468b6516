//! The first step of an envelope's body: which of the two forms it has.

use chopar_wire::limits::MAX_ENVELOPE_BODY;

use crate::seal::handshake_form::SealedHandshake;

/// First byte of a body in handshake form.
pub(super) const HANDSHAKE_FORM: u8 = 1;
/// First byte of a body in session form.
pub(super) const SESSION_FORM: u8 = 2;

/// A body whose form is known and nothing else.
#[derive(Debug)]
pub enum EnvelopeBody<'a> {
    /// Sealed to a sealing key; the sender is inside.
    Handshake(SealedHandshake<'a>),
    /// A message of a session that exists: its tag says which.
    Session(&'a [u8]),
}

/// Why bytes are no envelope body. The sender or the relay is at fault; nothing is ever sent in answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Longer than any envelope.
    #[error("the envelope is too large")]
    TooLarge,
    /// Too short, or no key where one must be.
    #[error("the envelope is malformed")]
    Malformed,
    /// A form of the future.
    #[error("the envelope has the unknown form {0}")]
    UnknownForm(u8),
}

impl<'a> EnvelopeBody<'a> {
    /// Reads the form.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn parse(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        if body.len() > MAX_ENVELOPE_BODY {
            return Err(EnvelopeError::TooLarge);
        }
        match body.split_first() {
            None => Err(EnvelopeError::Malformed),
            Some((&HANDSHAKE_FORM, rest)) => SealedHandshake::parse(rest).map(Self::Handshake),
            Some((&SESSION_FORM, rest)) => Ok(Self::Session(rest)),
            Some((&form, _)) => Err(EnvelopeError::UnknownForm(form)),
        }
    }
}

/// The body that carries a message of the ratchet.
pub fn session_body(message: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + message.len());
    body.push(SESSION_FORM);
    body.extend_from_slice(message);
    body
}
