//! Records of every kind, without their links.

use chopar_wire::ids::{AccountId, DeviceId, InviteId};
use chopar_wire::proto::audit::{Kind, Record};

use crate::store::{Invite, Role};

/// Who acts: an owner over frames, or somebody at the relay's own machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Console,
    Account(AccountId),
}

impl Actor {
    fn record(self, kind: Kind) -> Record {
        Record {
            kind: kind.into(),
            by: match self {
                Self::Console => Default::default(),
                Self::Account(account) => account.into(),
            },
            ..Record::default()
        }
    }
}

/// Whether records of a kind are kept for good.
pub(crate) fn is_kept(kind: i32) -> bool {
    ![Kind::SignedIn as i32, Kind::SignInRefused as i32].contains(&kind)
}

/// The relay has started.
pub(crate) fn started() -> Record {
    Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Actor::Console.record(Kind::RelayStarted)
    }
}

/// A device's sign-in, or its refusal after a right proof.
pub(crate) fn sign_in(account: AccountId, device: DeviceId, admitted: bool) -> Record {
    let kind = if admitted {
        Kind::SignedIn
    } else {
        Kind::SignInRefused
    };
    Record {
        account: account.into(),
        device: device.into(),
        ..Actor::Account(account).record(kind)
    }
}

/// A registration by an invite.
pub(crate) fn registered(account: AccountId, handle: &str, role: Role, invite: InviteId) -> Record {
    Record {
        account: account.into(),
        handle: handle.to_owned(),
        role: role as u32,
        invite: invite.into(),
        ..Actor::Account(account).record(Kind::MemberRegistered)
    }
}

/// An invite that was made.
pub(crate) fn invite_created(by: Actor, invite: &Invite) -> Record {
    Record {
        role: invite.role as u32,
        invite: invite.id.into(),
        count: invite.uses_left.into(),
        until: invite.expires,
        ..by.record(Kind::InviteCreated)
    }
}

/// An invite that was taken back.
pub(crate) fn invite_revoked(by: Actor, invite: InviteId) -> Record {
    Record {
        invite: invite.into(),
        ..by.record(Kind::InviteRevoked)
    }
}

/// An act on a member.
pub(crate) fn member(by: Actor, kind: Kind, account: AccountId, handle: &str) -> Record {
    Record {
        account: account.into(),
        handle: handle.to_owned(),
        ..by.record(kind)
    }
}

/// An act on one device of a member.
pub(crate) fn device(by: Actor, kind: Kind, account: AccountId, handle: &str, device: DeviceId) -> Record {
    Record {
        device: device.into(),
        ..member(by, kind, account, handle)
    }
}

/// A held handle that others may take again.
pub(crate) fn handle_freed(by: Actor, handle: &str) -> Record {
    Record {
        handle: handle.to_owned(),
        ..by.record(Kind::HandleFreed)
    }
}

/// Something done to the whole at the console: an export of so many rows, a backup, a restore.
pub(crate) fn whole(kind: Kind, count: u64) -> Record {
    Record {
        count,
        ..Actor::Console.record(kind)
    }
}
