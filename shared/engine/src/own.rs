//! The own account.

use chopar_e2ee::recovery::RecoveryKey;
use chopar_wire::proto::relay;
use chopar_wire::{AccountId, DeviceId, Timestamp};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::engine::Engine;
use crate::event::Event;
use crate::records::account::{AccountRecord, Stage};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::view::{Me, Phase, Preferences, Role};

/// The own account and this device.
pub(crate) struct Own {
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) handle: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    pub(crate) stage: Stage,
    pub(crate) invite: String,
    /// The recovery key until it is confirmed. It derives the account's secret keys, so it goes with the confirmation.
    pub(crate) recovery: Option<Pending>,
    pub(crate) preferences: Preferences,
    /// When the queue was last seen drained.
    pub(crate) drained: Timestamp,
    pub(crate) relay: String,
    /// Own devices that others added and the person has not looked at.
    pub(crate) new_devices: Vec<DeviceId>,
}

/// A recovery key that waits for its confirmation.
pub(crate) struct Pending {
    pub(crate) key: RecoveryKey,
    /// The two groups asked for, from 1.
    pub(crate) confirm: [u8; 2],
}

impl Own {
    /// An account whose device no relay has taken yet.
    pub(crate) fn begun(account: AccountId, device: DeviceId, stage: Stage) -> Self {
        Self {
            account,
            device,
            handle: String::new(),
            display_name: String::new(),
            role: Role::Member,
            stage,
            invite: String::new(),
            recovery: None,
            preferences: Preferences {
                receipts: true,
                typing: true,
            },
            drained: Timestamp(0),
            relay: String::new(),
            new_devices: Vec::new(),
        }
    }

    pub(crate) fn from_record(value: &[u8], device: DeviceId) -> Result<Self, RecordError> {
        let record = AccountRecord::read(value)?;
        let recovery = if record.recovery.is_empty() {
            None
        } else {
            let text =
                core::str::from_utf8(&record.recovery).map_err(|_| AccountRecord::bad("recovery key"))?;
            let group = |number: u32| match u8::try_from(number) {
                Ok(group @ 1..=9) => Ok(group),
                _ => Err(AccountRecord::bad("group")),
            };
            Some(Pending {
                key: RecoveryKey::parse(text).map_err(|_| AccountRecord::bad("recovery key"))?,
                confirm: [group(record.confirm_first)?, group(record.confirm_second)?],
            })
        };
        Ok(Self {
            account: AccountId::try_from(record.account.as_slice())
                .map_err(|_| AccountRecord::bad("account"))?,
            device,
            handle: record.handle.clone(),
            display_name: record.display_name.clone(),
            role: role_from(record.role),
            stage: Stage::try_from(record.stage).map_err(|_| AccountRecord::bad("stage"))?,
            invite: record.invite.clone(),
            recovery,
            preferences: Preferences {
                receipts: !record.receipts_off,
                typing: !record.typing_off,
            },
            drained: Timestamp(record.drained),
            relay: record.relay.clone(),
            new_devices: record
                .new_devices
                .iter()
                .map(|id| DeviceId::try_from(id.as_slice()).map_err(|_| AccountRecord::bad("device")))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn save(&self, cx: &mut Context<'_>) {
        let text = |pending: &Pending| {
            let mut text = Zeroizing::new(String::with_capacity(64));
            for group in pending.key.groups() {
                text.push_str(&group);
            }
            text.as_bytes().to_vec()
        };
        let confirm = self.recovery.as_ref().map_or([0, 0], |p| p.confirm);
        let record = AccountRecord {
            schema: SCHEMA,
            account: self.account.as_bytes().to_vec(),
            handle: self.handle.clone(),
            display_name: self.display_name.clone(),
            role: role_number(self.role),
            stage: self.stage.into(),
            invite: self.invite.clone(),
            recovery: self.recovery.as_ref().map(text).unwrap_or_default(),
            confirm_first: confirm[0].into(),
            confirm_second: confirm[1].into(),
            receipts_off: !self.preferences.receipts,
            typing_off: !self.preferences.typing,
            drained: self.drained.0,
            relay: self.relay.clone(),
            new_devices: self.new_devices.iter().map(|id| id.as_bytes().to_vec()).collect(),
        };
        cx.put(&[], 0, &record);
    }

    pub(crate) fn delete(self, cx: &mut Context<'_>) {
        cx.account = false;
        cx.delete::<AccountRecord>(&[], 0);
    }

    pub(crate) fn me(&self) -> Me {
        Me {
            account: self.account,
            device: self.device,
            handle: self.handle.clone(),
            display_name: self.display_name.clone(),
            role: self.role,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match (self.stage, &self.recovery) {
            (Stage::Prepared | Stage::Asked | Stage::Recovering, _) => Phase::Fresh,
            (Stage::Registered, Some(pending)) => Phase::RecoveryKey {
                groups: pending
                    .key
                    .groups()
                    .iter()
                    .map(|group| group.to_string())
                    .collect(),
                confirm: pending.confirm,
            },
            (Stage::Registered, None) => Phase::Ready(self.me()),
            (Stage::Revoked, _) => Phase::Revoked(self.me()),
        }
    }

    /// How this account presents itself; a change of it is told with the next message.
    pub(crate) fn presentation(&self) -> String {
        format!("{}\n{}", self.handle, self.display_name)
    }
}

impl Engine {
    pub(crate) fn phase(&self) -> Phase {
        self.own.as_ref().map_or(Phase::Fresh, Own::phase)
    }

    pub(crate) fn phase_changed(&mut self, cx: &mut Context<'_>) {
        cx.account = true;
        let phase = self.phase();
        cx.tell(Event::PhaseChanged(phase));
    }

    /// This device may read what it holds, and nothing more.
    pub(crate) fn own_device_revoked(&mut self, cx: &mut Context<'_>) {
        if self
            .own
            .as_ref()
            .is_some_and(|own| own.stage == Stage::Recovering)
        {
            return self.admission_revoked(cx);
        }
        let Some(own) = self.own.as_mut().filter(|own| own.stage == Stage::Registered) else {
            return;
        };
        own.stage = Stage::Revoked;
        self.phase_changed(cx);
        self.drop_link(cx);
    }
}

pub(crate) fn role_from(role: i32) -> Role {
    match relay::Role::try_from(role) {
        Ok(relay::Role::Owner) => Role::Owner,
        Ok(relay::Role::Auditor) => Role::Auditor,
        _ => Role::Member,
    }
}

pub(crate) fn role_number(role: Role) -> i32 {
    match role {
        Role::Member => relay::Role::Member,
        Role::Owner => relay::Role::Owner,
        Role::Auditor => relay::Role::Auditor,
    }
    .into()
}
