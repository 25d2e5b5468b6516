//! One entry: bytes to typed act, hash, signatures.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::identity::{Entry, EntryBody, EntrySignature, entry_body, entry_signature};
use chopar_wire::{labels, limits};
use prost::Message;
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::SUITE;
use crate::device::DeviceKeys;
use crate::keys::{Ed25519Public, KemPublic1024, KeyError, X25519Public};
use crate::log::error::LogError;
use crate::log::state::RecoveryKeys;
use crate::name::DeviceName;

/// No act needs more: the new device and who lets it in, or the old and the new account key.
const MAX_SIGNATURES: usize = 3;

/// Who signed an entry, or has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signer {
    /// The account key itself: creation, recovery, replacement.
    AccountKey(Ed25519Public),
    /// One of the account's devices.
    Device(DeviceId),
}

/// What an entry does.
#[derive(Clone)]
pub(super) enum Act {
    Create {
        account_key: Ed25519Public,
        recovery: RecoveryKeys,
    },
    AddDevice {
        keys: DeviceKeys,
        name: DeviceName,
    },
    RevokeDevice {
        device: DeviceId,
    },
    RenameDevice {
        device: DeviceId,
        name: DeviceName,
    },
    ReplaceAccountKey {
        account_key: Ed25519Public,
        recovery: RecoveryKeys,
    },
    ResolveFork {
        head: [u8; 32],
    },
}

/// An entry whose form is right; its signatures and its place are not verified yet.
pub(super) struct ParsedEntry {
    pub(super) position: u32,
    pub(super) account: AccountId,
    pub(super) parent: Option<[u8; 32]>,
    pub(super) time: u64,
    pub(super) act: Act,
    pub(super) signatures: Vec<(Signer, Bytes)>,
    pub(super) body: Bytes,
}

impl ParsedEntry {
    /// Parses an entry that stands, as far as the giver says, `at` this position (for errors before it is known).
    pub(super) fn parse(entry: &Entry, at: u32) -> Result<Self, LogError> {
        if entry.encoded_len() > limits::MAX_LOG_ENTRY || entry.signatures.len() > MAX_SIGNATURES {
            return Err(LogError::EntryTooLarge { position: at });
        }
        let malformed = || LogError::Malformed { position: at };
        let body = EntryBody::decode(entry.body.clone()).map_err(|_| malformed())?;
        if body.suite != SUITE {
            return Err(LogError::UnknownSuite {
                position: at,
                suite: body.suite,
            });
        }
        let position = body.position;
        let account = AccountId::try_from(body.account.as_ref()).map_err(|_| malformed())?;
        let parent = match (position, body.parent.as_ref()) {
            (0, []) => None,
            (0, _) => return Err(LogError::WrongParent { position }),
            (_, hash) => Some(hash.try_into().map_err(|_| malformed())?),
        };
        let act = Act::parse(body.act.ok_or(LogError::UnknownAct { position })?, position)?;
        let signatures = entry
            .signatures
            .iter()
            .map(|s| parse_signature(s, position))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            position,
            account,
            parent,
            time: body.time,
            act,
            signatures,
            body: entry.body.clone(),
        })
    }

    /// What the next entry names as its parent.
    pub(super) fn hash(&self) -> [u8; 32] {
        hash(&self.body)
    }
}

impl Act {
    fn parse(act: entry_body::Act, position: u32) -> Result<Self, LogError> {
        let key = |fault: KeyError| LogError::Key { position, fault };
        let device = |id: &[u8]| DeviceId::try_from(id).map_err(|_| LogError::Malformed { position });
        let name = |name: &str| DeviceName::parse(name).map_err(|_| LogError::BadName { position });
        let recovery = |x25519: &[u8], kem: &[u8]| {
            Ok(RecoveryKeys {
                x25519: X25519Public::parse(x25519)?,
                kem: KemPublic1024::parse(kem)?,
            })
        };
        Ok(match act {
            entry_body::Act::Create(a) => Self::Create {
                account_key: Ed25519Public::parse(&a.account_key).map_err(key)?,
                recovery: recovery(&a.recovery_x25519, &a.recovery_kem).map_err(key)?,
            },
            entry_body::Act::AddDevice(a) => Self::AddDevice {
                keys: DeviceKeys::try_from(&a.keys.unwrap_or_default()).map_err(key)?,
                name: name(&a.name)?,
            },
            entry_body::Act::RevokeDevice(a) => Self::RevokeDevice {
                device: device(&a.device)?,
            },
            entry_body::Act::RenameDevice(a) => Self::RenameDevice {
                device: device(&a.device)?,
                name: name(&a.name)?,
            },
            entry_body::Act::ReplaceAccountKey(a) => Self::ReplaceAccountKey {
                account_key: Ed25519Public::parse(&a.account_key).map_err(key)?,
                recovery: recovery(&a.recovery_x25519, &a.recovery_kem).map_err(key)?,
            },
            entry_body::Act::ResolveFork(a) => Self::ResolveFork {
                head: a
                    .head
                    .as_ref()
                    .try_into()
                    .map_err(|_| LogError::Malformed { position })?,
            },
        })
    }
}

/// The hash of an entry with this body.
pub(super) fn hash(body: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(labels::LOG_HASH)
        .chain_update([0])
        .chain_update(body)
        .finalize()
        .into()
}

fn parse_signature(signature: &EntrySignature, position: u32) -> Result<(Signer, Bytes), LogError> {
    let signer = match &signature.signer {
        Some(entry_signature::Signer::AccountKey(key)) => {
            Signer::AccountKey(Ed25519Public::parse(key).map_err(|fault| LogError::Key { position, fault })?)
        }
        Some(entry_signature::Signer::Device(id)) => {
            Signer::Device(DeviceId::try_from(id.as_ref()).map_err(|_| LogError::Malformed { position })?)
        }
        None => return Err(LogError::Malformed { position }),
    };
    Ok((signer, signature.signature.clone()))
}
