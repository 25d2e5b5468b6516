//! One body for many mailboxes.

use chopar_wire::GroupRecipient;
use chopar_wire::ids::{AccountId, DeviceId, GroupSubmissionId};
use prost::bytes::Bytes;

use super::Answer;

/// Group submissions. The body is stored once, referenced from each mailbox and deleted with its last reference; it counts
/// in full towards the quota of each.
pub(crate) trait Groups {
    /// Expands accounts to the active devices of their logs' heads and queues for all of them. Nothing is stored where one
    /// account does not match.
    fn submit_group(&self, submission: GroupSubmission) -> Answer<GroupSubmitted>;
}

/// A body for all devices of many accounts. Who submits is not in it but for the one device that gets none.
#[derive(Clone, Debug)]
pub(crate) struct GroupSubmission {
    pub(crate) id: GroupSubmissionId,
    pub(crate) body: Bytes,
    /// How long it waits at most, in milliseconds.
    pub(crate) lifetime: u64,
    /// None twice.
    pub(crate) recipients: Vec<GroupRecipient>,
    /// The submitting device.
    pub(crate) except: DeviceId,
}

/// How a group submission ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupSubmitted {
    /// Durable. Also the answer for what was stored earlier under the same id.
    Accepted {
        time: u64,
        /// Accounts with a device whose quota is used up: they got nothing.
        full: Vec<AccountId>,
    },
    /// Nothing was stored.
    Mismatch {
        /// Their logs have other heads.
        behind: Vec<AccountId>,
        /// Unknown or disabled.
        gone: Vec<AccountId>,
    },
}
