//! What an envelope in handshake form holds: who speaks, the log that proves it, the handshake, the first message.

use chopar_identity::{AccountLog, LogHead};
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::content::FirstContact as Proto;
use chopar_wire::proto::identity::Entry;
use prost::Message;

use crate::handshake::{HandshakeHeader, HeaderError};
use crate::seal::handshake_form::UnsealError;

/// A log up to this many encoded bytes travels whole; of a longer one only the head, and the receiver fetches it after a
/// random delay.
pub const MAX_CARRIED_LOG: usize = 8 * 1024;

/// What a sender puts into an envelope in handshake form.
#[derive(Clone, Copy)]
pub struct FirstContact<'a> {
    /// The sender's own log, verified.
    pub log: &'a AccountLog,
    /// The sending device.
    pub device: &'a DeviceId,
    /// The handshake, the same with every message until the answer.
    pub header: &'a HandshakeHeader,
    /// The ratchet's message.
    pub message: &'a [u8],
}

/// What came out of an envelope in handshake form. Its sender is a claim until the log is verified and the message has
/// authenticated in the session that the header makes.
#[derive(Clone)]
pub struct Unsealed {
    /// Who the envelope says it is from.
    pub account: AccountId,
    /// Which of the account's devices.
    pub device: DeviceId,
    /// How the sender proves it.
    pub log: SenderLog,
    /// The handshake.
    pub header: HandshakeHeader,
    /// The ratchet's message.
    pub message: Vec<u8>,
}

/// The sender's account log, not verified yet.
#[derive(Clone)]
pub enum SenderLog {
    /// All of it.
    Whole(Vec<Entry>),
    /// Too long to carry: fetch it, after a random delay, and check that it contains this head.
    Head(LogHead),
}

impl FirstContact<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let entries = self.log.entries(0);
        let carried = entries.iter().map(Message::encoded_len).sum::<usize>() <= MAX_CARRIED_LOG;
        Proto {
            account: (*self.log.account()).into(),
            device: (*self.device).into(),
            log_head: Some((&self.log.head()).into()),
            log: if carried { entries.to_vec() } else { Vec::new() },
            handshake: self.header.encode().into(),
            message: self.message.to_vec().into(),
        }
        .encode_to_vec()
    }
}

impl Unsealed {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, UnsealError> {
        let malformed = UnsealError::Malformed;
        let proto = Proto::decode(bytes).map_err(|_| malformed)?;
        let head = proto.log_head.as_ref().ok_or(malformed)?;
        let header = HandshakeHeader::parse(&proto.handshake).map_err(|fault| match fault {
            HeaderError::UnknownSuite(suite) => UnsealError::UnknownSuite(suite),
            HeaderError::Malformed | HeaderError::Ephemeral(_) => UnsealError::Header(fault),
        })?;
        Ok(Self {
            account: AccountId::try_from(proto.account.as_ref()).map_err(|_| malformed)?,
            device: DeviceId::try_from(proto.device.as_ref()).map_err(|_| malformed)?,
            log: if proto.log.is_empty() {
                SenderLog::Head(LogHead::try_from(head).map_err(|_| malformed)?)
            } else {
                SenderLog::Whole(proto.log)
            },
            header,
            message: proto.message.to_vec(),
        })
    }
}

impl core::fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Unsealed({:?}, {:?})", self.account, self.device)
    }
}
