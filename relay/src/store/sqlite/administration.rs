//! Acts of administrators: standing of accounts and devices, removal, and who has to hear of it.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::audit::Kind;
use rusqlite::{Connection, OptionalExtension};

use super::accounts::{self, role};
use super::books::Books;
use crate::audit::record::{self, Actor};
use crate::store::Role;
use crate::store::administration::{Act, CHANGES_KEPT, ListedDevice, Outcome, RESTORE_JUMP, Standing};

/// What an act has to know of an account.
struct Holder {
    handle: String,
    role: Role,
    disabled: bool,
}

impl Books {
    pub(super) fn administer(&mut self, act: &Act, by: Actor) -> rusqlite::Result<Outcome> {
        match act {
            Act::Disable(account) => self.set_disabled(account, true, by),
            Act::Enable(account) => self.set_disabled(account, false, by),
            Act::Remove { account, free_handle } => self.remove(account, *free_handle, by),
            Act::FreeHandle(handle) => self.free_handle(handle, by),
            Act::Suspend { account, device } => self.set_suspended(account, device, true, by),
            Act::Resume { account, device } => self.set_suspended(account, device, false, by),
        }
    }

    fn set_disabled(&mut self, account: &AccountId, disabled: bool, by: Actor) -> rusqlite::Result<Outcome> {
        let Some(holder) = self.holder(account)? else {
            return Ok(Outcome::NoSuchAccount);
        };
        if holder.disabled == disabled {
            return Ok(Outcome::AsItWas);
        }
        if disabled && self.is_last_owner(&holder)? {
            return Ok(Outcome::LastOwner);
        }
        self.db
            .prepare_cached("UPDATE accounts SET disabled = ?2 WHERE account = ?1")?
            .execute((account.as_bytes(), disabled))?;
        if disabled {
            for device in self.devices_of(account)? {
                self.empty(device)?;
            }
        }
        let kind = if disabled {
            Kind::MemberDisabled
        } else {
            Kind::MemberEnabled
        };
        self.changed(account)?;
        self.record(record::member(by, kind, *account, &holder.handle))?;
        Ok(Outcome::Done)
    }

    fn set_suspended(
        &mut self,
        account: &AccountId,
        device: &DeviceId,
        suspended: bool,
        by: Actor,
    ) -> rusqlite::Result<Outcome> {
        let Some(holder) = self.holder(account)? else {
            return Ok(Outcome::NoSuchAccount);
        };
        let is: Option<bool> = self
            .db
            .prepare_cached(
                "SELECT suspended FROM devices WHERE device = ?1 AND account = ?2 AND active = 1",
            )?
            .query_row((device.as_bytes(), account.as_bytes()), |row| row.get(0))
            .optional()?;
        match is {
            None => return Ok(Outcome::NoSuchDevice),
            Some(is) if is == suspended => return Ok(Outcome::AsItWas),
            Some(_) => {}
        }
        self.db
            .prepare_cached("UPDATE devices SET suspended = ?2 WHERE device = ?1")?
            .execute((device.as_bytes(), suspended))?;
        if suspended {
            self.empty(*device)?;
        }
        let kind = if suspended {
            Kind::DeviceSuspended
        } else {
            Kind::DeviceResumed
        };
        self.changed(account)?;
        self.record(record::device(by, kind, *account, &holder.handle, *device))?;
        Ok(Outcome::Done)
    }

    fn remove(&mut self, account: &AccountId, free_handle: bool, by: Actor) -> rusqlite::Result<Outcome> {
        let Some(holder) = self.holder(account)? else {
            return Ok(Outcome::NoSuchAccount);
        };
        if !holder.disabled && self.is_last_owner(&holder)? {
            return Ok(Outcome::LastOwner);
        }
        for device in self.devices_of(account)? {
            self.empty(device)?;
            self.drop_prekeys(&device)?;
        }
        let now = self.now();
        for sql in [
            // The ids stay: each is used once. Their keys go.
            "UPDATE devices SET active = 0, suspended = 0, signing = x'', agreement = x'' WHERE account = ?1",
            "DELETE FROM log_entries WHERE account = ?1",
            "DELETE FROM words WHERE account = ?1",
            "DELETE FROM accounts WHERE account = ?1",
        ] {
            self.db.prepare_cached(sql)?.execute([account.as_bytes()])?;
        }
        self.db
            .prepare_cached("INSERT INTO removed_accounts (account, removed) VALUES (?1, ?2)")?
            .execute((account.as_bytes(), now))?;
        if !free_handle {
            self.db
                .prepare_cached("INSERT INTO held_handles (handle, account) VALUES (?1, ?2)")?
                .execute((&holder.handle, account.as_bytes()))?;
        }
        self.end_files_of(account)?;
        self.changed(account)?;
        self.record(record::member(by, Kind::MemberRemoved, *account, &holder.handle))?;
        if free_handle {
            self.record(record::handle_freed(by, &holder.handle))?;
        }
        Ok(Outcome::Done)
    }

    fn free_handle(&mut self, handle: &str, by: Actor) -> rusqlite::Result<Outcome> {
        let freed = self
            .db
            .prepare_cached("DELETE FROM held_handles WHERE handle = ?1")?
            .execute([handle])?;
        if freed == 0 {
            return Ok(Outcome::NotHeld);
        }
        self.record(record::handle_freed(by, handle))?;
        Ok(Outcome::Done)
    }

    /// Whether a handle or an account id belongs to somebody who was removed.
    pub(super) fn is_removed(&self, account: &AccountId) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM removed_accounts WHERE account = ?1)")?
            .query_row([account.as_bytes()], |row| row.get(0))
    }

    pub(super) fn is_held(&self, handle: &str) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM held_handles WHERE handle = ?1)")?
            .query_row([handle], |row| row.get(0))
    }

    pub(super) fn after_restore(&mut self) -> rusqlite::Result<()> {
        let spent = self.db.execute("DELETE FROM one_time", [])?;
        self.db.execute("DELETE FROM invites", [])?;
        self.db.execute(
            "UPDATE devices SET seq_reserved = seq_reserved + ?1",
            [RESTORE_JUMP],
        )?;
        self.forget_file_key()?;
        self.mailboxes.clear();
        self.record(record::whole(Kind::Restored, spent as u64))
    }

    fn holder(&self, account: &AccountId) -> rusqlite::Result<Option<Holder>> {
        self.db
            .prepare_cached("SELECT handle, role, disabled FROM accounts WHERE account = ?1")?
            .query_row([account.as_bytes()], |row| {
                Ok(Holder {
                    handle: row.get(0)?,
                    role: role(row.get(1)?)?,
                    disabled: row.get(2)?,
                })
            })
            .optional()
    }

    fn is_last_owner(&self, holder: &Holder) -> rusqlite::Result<bool> {
        if holder.role != Role::Owner {
            return Ok(false);
        }
        let owners: u64 = self.db.query_row(
            "SELECT count(*) FROM accounts WHERE role = ?1 AND disabled = 0",
            [Role::Owner as i64],
            |row| row.get(0),
        )?;
        Ok(owners <= 1)
    }

    fn devices_of(&self, account: &AccountId) -> rusqlite::Result<Vec<DeviceId>> {
        self.db
            .prepare_cached("SELECT device FROM devices WHERE account = ?1")?
            .query_map([account.as_bytes()], |row| row.get(0).map(DeviceId::new))?
            .collect()
    }

    /// Writes down for other programs, and takes to heart, that an account's standing is another now.
    fn changed(&mut self, account: &AccountId) -> rusqlite::Result<()> {
        self.forget_addressee(account);
        self.db
            .prepare_cached("INSERT INTO standing (account) VALUES (?1)")?
            .execute([account.as_bytes()])?;
        let oldest = self.db.last_insert_rowid().saturating_sub_unsigned(CHANGES_KEPT);
        self.db
            .prepare_cached("DELETE FROM standing WHERE number <= ?1")?
            .execute([oldest])
            .map(drop)
    }
}

/// An account's active devices.
pub(super) fn devices(db: &Connection, account: &AccountId) -> rusqlite::Result<Option<Vec<ListedDevice>>> {
    if accounts::log_head(db, account)?.is_none() {
        return Ok(None);
    }
    db.prepare_cached(
        "SELECT device, suspended FROM devices WHERE account = ?1 AND active = 1 ORDER BY device",
    )?
    .query_map([account.as_bytes()], |row| {
        Ok(ListedDevice {
            device: DeviceId::new(row.get(0)?),
            suspended: row.get(1)?,
        })
    })?
    .collect::<rusqlite::Result<_>>()
    .map(Some)
}

pub(super) fn standing(db: &Connection, after: u64) -> rusqlite::Result<Standing> {
    let latest = db
        .prepare_cached("SELECT coalesce(max(number), 0) FROM standing")?
        .query_row([], |row| row.get(0))?;
    let changed = db
        .prepare_cached("SELECT DISTINCT account FROM standing WHERE number > ?1 AND number <= ?2")?
        .query_map((after.min(i64::MAX as u64), latest), |row| {
            row.get(0).map(AccountId::new)
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Standing { latest, changed })
}
