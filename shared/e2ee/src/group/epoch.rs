//! What every message of an epoch is bound to.

use chopar_wire::ids::{AccountId, DeviceId, GroupId};

use super::roster::RosterHead;
use crate::SUITE;

/// Bytes of [`EpochId::context`].
const CONTEXT: usize = 2 + GroupId::LEN + AccountId::LEN + DeviceId::LEN + 4 + 32 + 4;

/// Names an epoch: the span in which one device encrypts for a group with one chain, under one roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochId {
    /// The group.
    pub group: GroupId,
    /// Whose device encrypts.
    pub account: AccountId,
    /// The device that encrypts.
    pub device: DeviceId,
    /// The roster as its sender knew it.
    pub head: RosterHead,
    /// Rises where an epoch follows another under one head (devices changed, a week passed).
    pub generation: u32,
}

impl EpochId {
    /// `suite ‖ group ‖ account ‖ device ‖ roster length ‖ roster head ‖ generation`: every part has a fixed length.
    pub(super) fn context(&self) -> Vec<u8> {
        let mut context = Vec::with_capacity(CONTEXT + 4);
        context.extend_from_slice(&SUITE.to_be_bytes());
        context.extend_from_slice(self.group.as_bytes());
        context.extend_from_slice(self.account.as_bytes());
        context.extend_from_slice(self.device.as_bytes());
        context.extend_from_slice(&self.head.length.to_be_bytes());
        context.extend_from_slice(&self.head.hash);
        context.extend_from_slice(&self.generation.to_be_bytes());
        context
    }

    /// The context with the number of one message behind it.
    pub(super) fn context_of(&self, number: u32) -> Vec<u8> {
        let mut context = self.context();
        context.extend_from_slice(&number.to_be_bytes());
        context
    }
}
