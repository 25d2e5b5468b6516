//! What administrators do to accounts and devices. Nothing here touches an account log: only its owner signs there.

use chopar_wire::ids::{AccountId, DeviceId};

use super::{Answer, Member};
use crate::audit::record::Actor;

/// Acts of an administrator. Each is recorded in the audit log in its own transaction.
pub(crate) trait Administration {
    /// Does it, or says why not; then nothing was changed and nothing recorded.
    fn administer(&self, act: Act, by: Actor) -> Answer<Outcome>;
    fn member_named(&self, handle: String) -> Answer<Option<Member>>;
    /// Devices that are active in an account's log, in the order of ids; `None` without such an account.
    fn devices(&self, account: AccountId) -> Answer<Option<Vec<ListedDevice>>>;
    /// Whose standing changed after a number, by whichever program; and the number to ask from next time. The last
    /// [`CHANGES_KEPT`] changes are known.
    fn standing(&self, after: u64) -> Answer<Standing>;
    /// Makes what came out of a backup fit to serve, and records it: all one-time pairs and invites are deleted and all
    /// queues jump ahead, for nobody knows which of them, and which numbers, were used after the backup.
    fn after_restore(&self) -> Answer<()>;
}

/// Changes of standing that are remembered: more within the second between two looks of a relay are not possible.
pub(crate) const CHANGES_KEPT: u64 = 10_000;

/// How far queues jump after a restore: more envelopes than any device gets in its life.
pub(crate) const RESTORE_JUMP: u64 = 1 << 32;

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Its sign-ins are refused and nothing is taken for it; what waits for its devices is deleted.
    Disable(AccountId),
    Enable(AccountId),
    /// Deletes account, log, queues, prekeys and directory entry. The account id and its device ids are never taken again;
    /// the handle is held until it is freed.
    Remove {
        account: AccountId,
        free_handle: bool,
    },
    /// Lets others take the handle of a removed member.
    FreeHandle(String),
    /// Its sign-ins are refused and nothing is stored for it; what waits for it is deleted.
    Suspend {
        account: AccountId,
        device: DeviceId,
    },
    Resume {
        account: AccountId,
        device: DeviceId,
    },
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It was so already; nothing was recorded.
    AsItWas,
    NoSuchAccount,
    /// No active device of this account.
    NoSuchDevice,
    /// The handle is not held for a removed member.
    NotHeld,
    /// Nobody could administer the relay over frames any more.
    LastOwner,
}

/// A device as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedDevice {
    pub(crate) device: DeviceId,
    pub(crate) suspended: bool,
}

/// Changes of standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The latest change.
    pub(crate) latest: u64,
    pub(crate) changed: Vec<AccountId>,
}
