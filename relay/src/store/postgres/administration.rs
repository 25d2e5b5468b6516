//! Acts of administrators: standing of accounts and devices, removal, and who has to hear of it.
//!
//! Acts come one after the other over all nodes: so the last owner stays whoever acts where, and changes of standing become
//! visible in the order of their numbers. Who writes to a queue holds its mailbox: an act takes the mailboxes before it empties
//! the queues, so what was on its way is deleted too, and what comes later finds the new standing.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::audit::Kind;

use super::accounts::{self, role};
use super::batch;
use super::books::Books;
use super::link::{Fault, Link, column, number};
use super::queue;
use crate::audit::record::{self, Actor};
use crate::store::Role;
use crate::store::administration::{Act, CHANGES_KEPT, ListedDevice, Outcome, RESTORE_JUMP, Standing};

/// The turn of acts: "Chpr", 3.
const TURN: &str = "SELECT pg_advisory_xact_lock(1130918002, 3)";
/// No act comes between what a registration looks at and its commit; registrations do not wait for each other.
const NO_ACT: &str = "SELECT pg_advisory_xact_lock_shared(1130918002, 3)";

/// What an act has to know of an account.
struct Holder {
    handle: String,
    role: Role,
    disabled: bool,
}

pub(super) async fn administer(books: &mut Books, act: &Act, by: Actor) -> Result<Outcome, Fault> {
    books.link()?.script(TURN).await?;
    match act {
        Act::Disable(account) => set_disabled(books, account, true, by).await,
        Act::Enable(account) => set_disabled(books, account, false, by).await,
        Act::Remove { account, free_handle } => remove(books, account, *free_handle, by).await,
        Act::FreeHandle(handle) => free_handle_of(books, handle, by).await,
        Act::Suspend { account, device } => set_suspended(books, account, device, true, by).await,
        Act::Resume { account, device } => set_suspended(books, account, device, false, by).await,
    }
}

/// Keeps acts away until the commit.
pub(super) async fn hold_off(link: &Link) -> Result<(), Fault> {
    link.script(NO_ACT).await
}

async fn set_disabled(
    books: &mut Books,
    account: &AccountId,
    disabled: bool,
    by: Actor,
) -> Result<Outcome, Fault> {
    let link = books.link()?;
    let Some(holder) = holder(&link, account).await? else {
        return Ok(Outcome::NoSuchAccount);
    };
    if holder.disabled == disabled {
        return Ok(Outcome::AsItWas);
    }
    if disabled && is_last_owner(&link, &holder).await? {
        return Ok(Outcome::LastOwner);
    }
    link.run(
        "UPDATE accounts SET disabled = $2 WHERE account = $1",
        &[&&account.as_bytes()[..], &disabled],
    )
    .await?;
    if disabled {
        empty_queues(books, &devices_of(&link, account).await?).await?;
    }
    let kind = if disabled {
        Kind::MemberDisabled
    } else {
        Kind::MemberEnabled
    };
    changed(&link, account).await?;
    books.record(record::member(by, kind, *account, &holder.handle));
    Ok(Outcome::Done)
}

async fn set_suspended(
    books: &mut Books,
    account: &AccountId,
    device: &DeviceId,
    suspended: bool,
    by: Actor,
) -> Result<Outcome, Fault> {
    let link = books.link()?;
    let Some(holder) = holder(&link, account).await? else {
        return Ok(Outcome::NoSuchAccount);
    };
    let is = link
        .row(
            "SELECT suspended FROM devices WHERE device = $1 AND account = $2 AND active",
            &[&&device.as_bytes()[..], &&account.as_bytes()[..]],
        )
        .await?;
    let is: Option<bool> = is.map(|row| column(&row, 0)).transpose()?;
    match is {
        None => return Ok(Outcome::NoSuchDevice),
        Some(is) if is == suspended => return Ok(Outcome::AsItWas),
        Some(_) => {}
    }
    link.run(
        "UPDATE devices SET suspended = $2 WHERE device = $1",
        &[&&device.as_bytes()[..], &suspended],
    )
    .await?;
    if suspended {
        empty_queues(books, &[*device]).await?;
    }
    let kind = if suspended {
        Kind::DeviceSuspended
    } else {
        Kind::DeviceResumed
    };
    changed(&link, account).await?;
    books.record(record::device(by, kind, *account, &holder.handle, *device));
    Ok(Outcome::Done)
}

async fn remove(
    books: &mut Books,
    account: &AccountId,
    free_handle: bool,
    by: Actor,
) -> Result<Outcome, Fault> {
    let link = books.link()?;
    let Some(holder) = holder(&link, account).await? else {
        return Ok(Outcome::NoSuchAccount);
    };
    if !holder.disabled && is_last_owner(&link, &holder).await? {
        return Ok(Outcome::LastOwner);
    }
    let devices = devices_of(&link, account).await?;
    empty_queues(books, &devices).await?;
    let devices = ids(&devices);
    for sql in [
        "DELETE FROM mailboxes m USING unnest($1::bytea[]) AS n (device) WHERE m.device = n.device",
        "DELETE FROM bundles b USING unnest($1::bytea[]) AS n (device) WHERE b.device = n.device",
        "DELETE FROM one_time o USING unnest($1::bytea[]) AS n (device) WHERE o.device = n.device",
        // The ids stay: each is used once. Their keys go.
        "UPDATE devices d SET active = false, suspended = false, signing = '', agreement = ''
         FROM unnest($1::bytea[]) AS n (device) WHERE d.device = n.device",
    ] {
        link.run(sql, &[&devices]).await?;
    }
    let id = &account.as_bytes()[..];
    for sql in [
        "UPDATE files SET expires = 0 WHERE account = $1",
        "DELETE FROM log_entries WHERE account = $1",
        "DELETE FROM words WHERE account = $1",
        "DELETE FROM accounts WHERE account = $1",
    ] {
        link.run(sql, &[&id]).await?;
    }
    link.run(
        "INSERT INTO removed_accounts (account, removed) VALUES ($1, $2)",
        &[&id, &number(books.now())],
    )
    .await?;
    if !free_handle {
        link.run(
            "INSERT INTO held_handles (handle, account) VALUES ($1, $2)",
            &[&holder.handle, &id],
        )
        .await?;
    }
    changed(&link, account).await?;
    books.record(record::member(by, Kind::MemberRemoved, *account, &holder.handle));
    if free_handle {
        books.record(record::handle_freed(by, &holder.handle));
    }
    Ok(Outcome::Done)
}

async fn free_handle_of(books: &mut Books, handle: &str, by: Actor) -> Result<Outcome, Fault> {
    let freed = books
        .link()?
        .run("DELETE FROM held_handles WHERE handle = $1", &[&handle])
        .await?;
    if freed == 0 {
        return Ok(Outcome::NotHeld);
    }
    books.record(record::handle_freed(by, handle));
    Ok(Outcome::Done)
}

pub(super) async fn after_restore(books: &mut Books) -> Result<(), Fault> {
    let link = books.link()?;
    let spent = link.run("DELETE FROM one_time", &[]).await?;
    link.run("DELETE FROM invites", &[]).await?;
    link.run("UPDATE file_room SET key = NULL", &[]).await?;
    link.run(
        "UPDATE mailboxes SET last_seq = last_seq + $1",
        &[&number(RESTORE_JUMP)],
    )
    .await?;
    books.record(record::whole(Kind::Restored, spent));
    Ok(())
}

/// The account, nobody else's to change until the commit: a device that is being added to it at another node is there before,
/// or never.
async fn holder(link: &Link, account: &AccountId) -> Result<Option<Holder>, Fault> {
    let row = link
        .row(
            "SELECT handle, role::bigint, disabled FROM accounts WHERE account = $1 FOR UPDATE",
            &[&&account.as_bytes()[..]],
        )
        .await?;
    row.map(|row| {
        Ok(Holder {
            handle: column(&row, 0)?,
            role: role(&row, 1)?,
            disabled: column(&row, 2)?,
        })
    })
    .transpose()
}

async fn is_last_owner(link: &Link, holder: &Holder) -> Result<bool, Fault> {
    if holder.role != Role::Owner {
        return Ok(false);
    }
    let owners: u64 = link
        .value(
            "SELECT count(*) FROM accounts WHERE role = $1 AND NOT disabled",
            &[&(Role::Owner as i16)],
        )
        .await?;
    Ok(owners <= 1)
}

/// All devices of an account, revoked ones included.
async fn devices_of(link: &Link, account: &AccountId) -> Result<Vec<DeviceId>, Fault> {
    let rows = link
        .rows(
            "SELECT device FROM devices WHERE account = $1",
            &[&&account.as_bytes()[..]],
        )
        .await?;
    rows.iter().map(|row| column(row, 0).map(DeviceId::new)).collect()
}

/// Deletes what waits for devices, and the memory of what they got; their numbers go on.
async fn empty_queues(books: &mut Books, devices: &[DeviceId]) -> Result<(), Fault> {
    let (link, devices) = (books.link()?, ids(devices));
    batch::take(&link, &devices).await?;
    link.run(
        "UPDATE mailboxes m SET bytes = 0 FROM unnest($1::bytea[]) AS n (device) WHERE m.device = n.device",
        &[&devices],
    )
    .await?;
    queue::empty(books, &devices).await
}

fn ids(devices: &[DeviceId]) -> Vec<&[u8]> {
    devices.iter().map(|device| &device.as_bytes()[..]).collect()
}

/// Writes down for all nodes that an account's standing is another now.
async fn changed(link: &Link, account: &AccountId) -> Result<(), Fault> {
    let change: u64 = link
        .value(
            "INSERT INTO standing (number, account) SELECT coalesce(max(number), 0) + 1, $1 FROM standing RETURNING number",
            &[&&account.as_bytes()[..]],
        )
        .await?;
    link.run(
        "DELETE FROM standing WHERE number <= $1",
        &[&number(change.saturating_sub(CHANGES_KEPT))],
    )
    .await
    .map(drop)
}

/// An account's active devices.
pub(super) async fn devices(link: &Link, account: &AccountId) -> Result<Option<Vec<ListedDevice>>, Fault> {
    if accounts::log_head(link, account).await?.is_none() {
        return Ok(None);
    }
    let rows = link
        .rows(
            "SELECT device, suspended FROM devices WHERE account = $1 AND active ORDER BY device",
            &[&&account.as_bytes()[..]],
        )
        .await?;
    let listed = rows.iter().map(|row| {
        Ok(ListedDevice {
            device: DeviceId::new(column(row, 0)?),
            suspended: column(row, 1)?,
        })
    });
    listed.collect::<Result<_, Fault>>().map(Some)
}

pub(super) async fn standing(link: &Link, after: u64) -> Result<Standing, Fault> {
    let latest: u64 = link
        .value("SELECT coalesce(max(number), 0) FROM standing", &[])
        .await?;
    let rows = link
        .rows(
            "SELECT DISTINCT account FROM standing WHERE number > $1 AND number <= $2",
            &[&number(after), &number(latest)],
        )
        .await?;
    let changed = rows
        .iter()
        .map(|row| column(row, 0).map(AccountId::new))
        .collect::<Result<_, Fault>>()?;
    Ok(Standing { latest, changed })
}
