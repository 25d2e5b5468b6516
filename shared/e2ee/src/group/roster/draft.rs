//! Entries in the making: the bytes to sign, and the finished entry.

use chopar_identity::{LogHead, SIGNATURE_LEN, signing_input};
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::labels::GROUP_ENTRY;
use chopar_wire::proto::group::EntryBody;
use chopar_wire::proto::identity::Signed;
use prost::Message;

use super::act::Act;
use super::chain::Roster;
use super::error::RosterError;
use super::rules;
use crate::SUITE;
use crate::group::limits::MAX_ENTRY;

/// Whose device signs, and how far its account log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// The head of the account's log.
    pub log: LogHead,
}

/// An entry that waits for its signature. Whoever loses the race for the roster's head drops it and drafts again.
pub struct EntryDraft {
    body: Vec<u8>,
}

impl EntryDraft {
    /// The first entry of a new group.
    ///
    /// # Errors
    /// [`RosterError`] where nobody would take it: too many members, somebody twice, no name, too large.
    pub fn create(act: &Act, by: &Signer, time: u64) -> Result<Self, RosterError> {
        rules::may_begin(act, &by.account)?;
        Self::of(&body(act, by, time, 1))
    }

    /// The next entry of a group.
    ///
    /// # Errors
    /// [`RosterError`] where the roster does not permit it (own side at fault, or the roster changed), or where it would be too large.
    pub fn next(roster: &Roster, act: &Act, by: &Signer, time: u64) -> Result<Self, RosterError> {
        roster.permits(&by.account, act)?;
        let head = roster.head();
        let body = EntryBody {
            group: (*roster.group()).into(),
            position: head.length,
            parent: head.hash.to_vec().into(),
            ..body(act, by, time, roster.key() + u32::from(act.renews_key()))
        };
        Self::of(&body)
    }

    fn of(body: &EntryBody) -> Result<Self, RosterError> {
        let draft = Self {
            body: body.encode_to_vec(),
        };
        match draft.finish_len() > MAX_ENTRY {
            true => Err(RosterError::EntryTooLarge {
                position: body.position,
            }),
            false => Ok(draft),
        }
    }

    /// The bytes that the device signs: label group-entry ‖ 0x00 ‖ body.
    pub fn signing_input(&self) -> Vec<u8> {
        signing_input(GROUP_ENTRY, &self.body)
    }

    /// The entry with its signature.
    pub fn finish(self, signature: [u8; SIGNATURE_LEN]) -> Signed {
        Signed {
            body: self.body.into(),
            signature: signature.to_vec().into(),
        }
    }

    /// Encoded size once signed, in bytes: two fields with tag and length.
    fn finish_len(&self) -> usize {
        self.body.len() + SIGNATURE_LEN + 2 * 4
    }
}

fn body(act: &Act, by: &Signer, time: u64, key: u32) -> EntryBody {
    EntryBody {
        suite: SUITE.into(),
        time,
        account: by.account.into(),
        device: by.device.into(),
        log: Some((&by.log).into()),
        key,
        act: Some(act.to_proto()),
        ..EntryBody::default()
    }
}
