//! What owners do to members and devices, and what owners and auditors read of the audit log.

use std::sync::Arc;

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::relay::{
    AuditPage, FetchAudit, ListDevices, MemberDevice, MemberDevices, Reason, SetDevice, SetMember,
    relay_frame::Body, set_member,
};

use super::administration::owner;
use super::answers::{Outcome, Refusal, done};
use super::session::Session;
use crate::audit::node::NodeId;
use crate::audit::record::Actor;
use crate::core::Core;
use crate::policy::limits::Act as Limited;
use crate::store::Role;
use crate::store::administration::{Act, Outcome as Did};

/// Records in one answer: 300 bytes each, so any frame's bound.
const RECORDS_PAGE: usize = 200;

pub(crate) async fn set_member(core: &Arc<Core>, session: &Session, set: SetMember) -> Outcome {
    owner(core, session)?;
    let account = AccountId::try_from(set.account.as_ref())?;
    let act = match set.act() {
        set_member::Act::Disable => Act::Disable(account),
        set_member::Act::Enable => Act::Enable(account),
        set_member::Act::Remove => Act::Remove {
            account,
            free_handle: set.free_handle,
        },
        set_member::Act::Unspecified => return Err(Refusal::malformed("there is no such act")),
    };
    administer(core, session, act).await
}

pub(crate) async fn set_device(core: &Arc<Core>, session: &Session, set: SetDevice) -> Outcome {
    owner(core, session)?;
    let account = AccountId::try_from(set.account.as_ref())?;
    let device = DeviceId::try_from(set.device.as_ref())?;
    let act = if set.suspended {
        Act::Suspend { account, device }
    } else {
        Act::Resume { account, device }
    };
    administer(core, session, act).await
}

async fn administer(core: &Arc<Core>, session: &Session, act: Act) -> Outcome {
    let (reason, detail) = match core
        .store
        .administer(act, Actor::Account(session.account))
        .await?
    {
        Did::Done | Did::AsItWas => {
            core.lookout.kick();
            return done();
        }
        Did::NoSuchAccount | Did::NotHeld => (Reason::NoSuchAccount, "no such account"),
        Did::NoSuchDevice => (Reason::NoSuchDevice, "no such active device"),
        Did::LastOwner => (
            Reason::LastOwner,
            "it is the last owner: nobody could administer the relay",
        ),
    };
    Err(Refusal::new(reason, detail))
}

pub(crate) async fn list_devices(core: &Arc<Core>, session: &Session, list: ListDevices) -> Outcome {
    owner(core, session)?;
    let account = AccountId::try_from(list.account.as_ref())?;
    let devices = core.store.devices(account).await?;
    let devices = devices.ok_or_else(|| Refusal::new(Reason::NoSuchAccount, "no such account"))?;
    Ok(Body::MemberDevices(MemberDevices {
        account: list.account,
        devices: devices
            .into_iter()
            .map(|listed| MemberDevice {
                device: listed.device.into(),
                suspended: listed.suspended,
            })
            .collect(),
    }))
}

pub(crate) async fn fetch_audit(core: &Arc<Core>, session: &Session, fetch: FetchAudit) -> Outcome {
    core.limiter
        .account(&session.account, Limited::Other, core.now())?;
    if !matches!(session.role, Role::Owner | Role::Auditor) {
        return Err(Refusal::new(
            Reason::NotAllowed,
            "only an owner or an auditor may",
        ));
    }
    let node = match fetch.node.as_ref() {
        [] => core.node,
        bytes => NodeId(
            bytes
                .try_into()
                .map_err(|_| Refusal::malformed("a node is named by 8 bytes"))?,
        ),
    };
    let chains = core.store.audit_chains().await?;
    let tip = chains.iter().find(|(name, _)| *name == node).map(|(_, tip)| *tip);
    let mut rows = core.store.audit_page(node, fetch.after, RECORDS_PAGE + 1).await?;
    let more = rows.len() > RECORDS_PAGE;
    rows.truncate(RECORDS_PAGE);
    Ok(Body::AuditPage(AuditPage {
        node: node.0.to_vec().into(),
        records: rows.into_iter().map(|row| row.record).collect(),
        more,
        nodes: chains.iter().map(|(node, _)| node.0.to_vec().into()).collect(),
        tip_number: tip.map_or(0, |tip| tip.number),
        tip_hash: tip.map_or_else(Default::default, |tip| tip.hash.to_vec().into()),
    }))
}
