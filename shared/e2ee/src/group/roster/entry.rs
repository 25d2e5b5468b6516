//! One entry: bytes to typed act, hash, signer.

use chopar_identity::LogHead;
use chopar_wire::ids::{AccountId, DeviceId, GroupId};
use chopar_wire::proto::group::EntryBody;
use chopar_wire::proto::identity::Signed;
use prost::Message;
use prost::bytes::Bytes;

use super::act::Act;
use super::error::RosterError;
use super::head::entry_hash;
use crate::SUITE;
use crate::group::limits::MAX_ENTRY;

/// An entry whose form is right; its signature and its place are not verified yet.
pub(super) struct ParsedEntry {
    pub(super) position: u32,
    pub(super) group: Option<GroupId>,
    pub(super) parent: Option<[u8; 32]>,
    pub(super) time: u64,
    pub(super) account: AccountId,
    pub(super) device: DeviceId,
    /// The signer's account log, as far as the signer says the device is active in it.
    pub(super) log: LogHead,
    pub(super) key: u32,
    pub(super) act: Act,
    pub(super) body: Bytes,
    pub(super) signature: Bytes,
}

impl ParsedEntry {
    /// Parses an entry that stands, as far as the giver says, `at` this position (for errors before it is known).
    pub(super) fn parse(entry: &Signed, at: u32) -> Result<Self, RosterError> {
        if entry.encoded_len() > MAX_ENTRY {
            return Err(RosterError::EntryTooLarge { position: at });
        }
        let malformed = || RosterError::Malformed { position: at };
        let body = EntryBody::decode(entry.body.clone()).map_err(|_| malformed())?;
        if body.suite != u32::from(SUITE) {
            return Err(RosterError::UnknownSuite {
                position: at,
                suite: body.suite,
            });
        }
        let position = body.position;
        let (group, parent) = match (position, body.group.as_ref(), body.parent.as_ref()) {
            (0, [], []) => (None, None),
            (0, ..) => return Err(malformed()),
            (_, group, parent) => (
                Some(GroupId::try_from(group).map_err(|_| malformed())?),
                Some(parent.try_into().map_err(|_| malformed())?),
            ),
        };
        let act = body.act.ok_or(RosterError::UnknownAct { position })?;
        Ok(Self {
            position,
            group,
            parent,
            time: body.time,
            account: AccountId::try_from(body.account.as_ref()).map_err(|_| malformed())?,
            device: DeviceId::try_from(body.device.as_ref()).map_err(|_| malformed())?,
            log: LogHead::try_from(&body.log.unwrap_or_default()).map_err(|_| malformed())?,
            key: body.key,
            act: Act::parse(act, position)?,
            body: entry.body.clone(),
            signature: entry.signature.clone(),
        })
    }

    /// What the next entry names as its parent.
    pub(super) fn hash(&self) -> [u8; 32] {
        entry_hash(&self.body)
    }
}
