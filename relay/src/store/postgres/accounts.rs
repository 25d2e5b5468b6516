//! Accounts: registration, sign-in facts, directory, account logs.

use chopar_wire::ids::{AccountId, DeviceId};
use tokio_postgres::Row;

use super::books::Books;
use super::link::{Fault, Link, column, number};
use super::{administration, invites, prekeys, queue};
use crate::audit::record;
use crate::store::{
    Append, Appended, DevicePublics, Head, LogEntry, LogPage, Member, NewAccount, NewDevice, Person,
    Registration, Role, SignInFacts,
};

/// Candidates that a search looks at: bounds a one-letter query in a large organisation.
const CANDIDATES: i64 = 2000;

pub(super) async fn register(books: &mut Books, new: &NewAccount) -> Result<Registration, Fault> {
    let (link, now) = (books.link()?, books.now());
    let account = &new.account.as_bytes()[..];
    administration::hold_off(&link).await?;
    // First: whoever repeats a registration whose answer was lost has used the invite up already.
    if link
        .value(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE account = $1)
                 OR EXISTS (SELECT 1 FROM removed_accounts WHERE account = $1)",
            &[&account],
        )
        .await?
    {
        return Ok(Registration::AccountExists);
    }
    let invite = match invites::usable(&link, &new.token, now).await? {
        Ok(invite) => invite,
        Err(refusal) => return Ok(refusal),
    };
    let role = invite.role;
    if link
        .value(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE handle = $1)
                 OR EXISTS (SELECT 1 FROM held_handles WHERE handle = $1)",
            &[&new.handle],
        )
        .await?
    {
        return Ok(Registration::HandleTaken);
    }
    if any_device_exists(&link, &new.devices).await? {
        return Ok(Registration::DeviceExists);
    }
    invites::use_up(&link, &new.token).await?;
    let head = new.log.last().map_or([0; 32], |entry| entry.hash);
    link.run(
        "INSERT INTO accounts (account, handle, display_name, role, joined, log_length, log_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &account,
            &new.handle,
            &new.display_name,
            &(role as i16),
            &number(now),
            &number(new.log.len() as u64),
            &&head[..],
        ],
    )
    .await?;
    set_words(&link, &new.account, &new.words).await?;
    for (position, entry) in new.log.iter().enumerate() {
        insert_entry(&link, &new.account, position as u64, entry).await?;
    }
    for device in &new.devices {
        insert_device(&link, &new.account, device).await?;
    }
    let (device, sequence, bundle) = &new.bundle;
    prekeys::publish_bundle(books, *device, *sequence, bundle).await?;
    books.record(record::registered(new.account, &new.handle, role, invite.id));
    Ok(Registration::Done(role))
}

pub(super) async fn append_log(books: &mut Books, append: &Append) -> Result<Appended, Fault> {
    let link = books.link()?;
    if any_device_exists(&link, &append.added).await? {
        return Ok(
            if log_head(&link, &append.account).await? == Some(append.parent) {
                Appended::DeviceExists
            } else {
                Appended::Conflict
            },
        );
    }
    let moved = link
        .run(
            "UPDATE accounts SET log_length = $2 + 1, log_hash = $4
             WHERE account = $1 AND log_length = $2 AND log_hash = $3",
            &[
                &&append.account.as_bytes()[..],
                &i64::from(append.parent.length),
                &&append.parent.hash[..],
                &&append.entry.hash[..],
            ],
        )
        .await?;
    if moved == 0 {
        return Ok(Appended::Conflict);
    }
    insert_entry(
        &link,
        &append.account,
        u64::from(append.parent.length),
        &append.entry,
    )
    .await?;
    for device in &append.added {
        insert_device(&link, &append.account, device).await?;
    }
    for device in &append.removed {
        let device = &device.as_bytes()[..];
        link.run("UPDATE devices SET active = false WHERE device = $1", &[&device])
            .await?;
        // Its lock first: who is writing to the queue finishes before it is emptied, who comes later finds no device.
        link.run("DELETE FROM mailboxes WHERE device = $1", &[&device])
            .await?;
        queue::empty(books, &[device]).await?;
        for sql in [
            "DELETE FROM bundles WHERE device = $1",
            "DELETE FROM one_time WHERE device = $1",
        ] {
            link.run(sql, &[&device]).await?;
        }
    }
    Ok(Appended::Done)
}

pub(super) async fn set_display_name(
    books: &Books,
    account: &AccountId,
    name: &str,
    words: &[String],
) -> Result<(), Fault> {
    let link = books.link()?;
    link.run(
        "UPDATE accounts SET display_name = $2 WHERE account = $1",
        &[&&account.as_bytes()[..], &name],
    )
    .await?;
    set_words(&link, account, words).await
}

async fn set_words(link: &Link, account: &AccountId, words: &[String]) -> Result<(), Fault> {
    let account = &account.as_bytes()[..];
    link.run("DELETE FROM words WHERE account = $1", &[&account])
        .await?;
    link.run(
        "INSERT INTO words (word, account) SELECT word, $1 FROM unnest($2::text[]) AS n (word) ON CONFLICT DO NOTHING",
        &[&account, &words],
    )
    .await
    .map(drop)
}

async fn insert_entry(
    link: &Link,
    account: &AccountId,
    position: u64,
    entry: &LogEntry,
) -> Result<(), Fault> {
    link.run(
        "INSERT INTO log_entries (account, position, hash, entry) VALUES ($1, $2, $3, $4)",
        &[
            &&account.as_bytes()[..],
            &number(position),
            &&entry.hash[..],
            &&entry.encoded[..],
        ],
    )
    .await
    .map(drop)
}

/// Whether one of them is in an account's log already, revoked ones included: a device id is used once.
async fn any_device_exists(link: &Link, devices: &[NewDevice]) -> Result<bool, Fault> {
    let ids: Vec<&[u8]> = devices.iter().map(|device| &device.id.as_bytes()[..]).collect();
    link.value(
        "SELECT EXISTS (SELECT 1 FROM unnest($1::bytea[]) AS n (device) JOIN devices d ON d.device = n.device)",
        &[&ids],
    )
    .await
}

async fn insert_device(link: &Link, account: &AccountId, device: &NewDevice) -> Result<(), Fault> {
    let id = &device.id.as_bytes()[..];
    link.run(
        "INSERT INTO devices (device, account, signing, agreement, active) VALUES ($1, $2, $3, $4, true)",
        &[
            &id,
            &&account.as_bytes()[..],
            &&device.keys.signing[..],
            &&device.keys.agreement[..],
        ],
    )
    .await?;
    link.run("INSERT INTO mailboxes (device) VALUES ($1)", &[&id])
        .await
        .map(drop)
}

pub(super) async fn sign_in(
    link: &Link,
    account: &AccountId,
    device: &DeviceId,
) -> Result<Option<SignInFacts>, Fault> {
    let row = link
        .row(
            "SELECT d.signing, d.agreement, d.active, a.disabled, a.handle, a.display_name, a.role::bigint, a.log_length,
                    a.log_hash, coalesce((SELECT sequence FROM bundles b WHERE b.device = d.device), 0),
                    (SELECT count(*) FROM one_time o WHERE o.device = d.device), nextval('connections'),
                    d.suspended,
                    EXISTS (SELECT 1 FROM devices o WHERE o.account = d.account AND o.active AND o.suspended)
             FROM devices d JOIN accounts a ON a.account = d.account WHERE d.device = $2 AND d.account = $1",
            &[&&account.as_bytes()[..], &&device.as_bytes()[..]],
        )
        .await?;
    row.map(|row| {
        Ok(SignInFacts {
            keys: DevicePublics {
                signing: column(&row, 0)?,
                agreement: column(&row, 1)?,
            },
            active: column(&row, 2)?,
            disabled: column(&row, 3)?,
            handle: column(&row, 4)?,
            display_name: column(&row, 5)?,
            role: role(&row, 6)?,
            head: Head {
                length: column(&row, 7)?,
                hash: column(&row, 8)?,
            },
            bundle_sequence: column(&row, 9)?,
            one_time_left: column(&row, 10)?,
            connection: column(&row, 11)?,
            suspended: column(&row, 12)?,
            any_suspended: column(&row, 13)?,
        })
    })
    .transpose()
}

pub(super) async fn members(link: &Link, after: &str, limit: usize) -> Result<Vec<Member>, Fault> {
    let rows = link
        .rows(
            "SELECT account, handle, display_name, role::bigint, joined, disabled,
                    (SELECT count(*) FROM devices d WHERE d.account = a.account AND d.active)
             FROM accounts a WHERE handle > $1 ORDER BY handle LIMIT $2",
            &[&after, &number(limit as u64)],
        )
        .await?;
    rows.iter().map(member).collect()
}

pub(super) async fn member_named(link: &Link, handle: &str) -> Result<Option<Member>, Fault> {
    let row = link
        .row(
            "SELECT account, handle, display_name, role::bigint, joined, disabled,
                    (SELECT count(*) FROM devices d WHERE d.account = a.account AND d.active)
             FROM accounts a WHERE handle = $1",
            &[&handle],
        )
        .await?;
    row.as_ref().map(member).transpose()
}

fn member(row: &Row) -> Result<Member, Fault> {
    Ok(Member {
        account: AccountId::new(column(row, 0)?),
        handle: column(row, 1)?,
        display_name: column(row, 2)?,
        role: role(row, 3)?,
        joined: column(row, 4)?,
        disabled: column(row, 5)?,
        devices: column(row, 6)?,
    })
}

/// People who have, for every word asked for, a word that begins with it.
pub(super) async fn find(link: &Link, words: &[String], limit: usize) -> Result<Vec<Person>, Fault> {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let Some((first, rest)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let ends: Vec<String> = rest.iter().copied().map(end_of_prefix).collect();
    let rows = link
        .rows(
            "SELECT a.account, a.handle, a.display_name
             FROM (SELECT DISTINCT account FROM
                     (SELECT account FROM words WHERE word >= $1 AND word < $2 ORDER BY word LIMIT $3) c) w
             JOIN accounts a ON a.account = w.account
             WHERE NOT a.disabled AND NOT EXISTS (
               SELECT 1 FROM unnest($4::text[], $5::text[]) AS n (first, last) WHERE NOT EXISTS (
                 SELECT 1 FROM words x WHERE x.account = a.account
                   AND x.word >= n.first COLLATE \"C\" AND x.word < n.last COLLATE \"C\"))
             ORDER BY a.handle LIMIT $6",
            &[
                first,
                &end_of_prefix(first),
                &CANDIDATES,
                &rest,
                &ends,
                &number(limit as u64),
            ],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Person {
                account: AccountId::new(column(row, 0)?),
                handle: column(row, 1)?,
                display_name: column(row, 2)?,
            })
        })
        .collect()
}

/// Entries from `from` on, at least one where there is one, at most about `bytes`.
pub(super) async fn log_page(
    link: &Link,
    account: &AccountId,
    from: u32,
    bytes: usize,
) -> Result<Option<LogPage>, Fault> {
    let Some(head) = log_head(link, account).await? else {
        return Ok(None);
    };
    // What is below the head never changes, so a head read a moment ago still fits.
    let rows = link
        .rows(
            "SELECT entry FROM log_entries WHERE account = $1 AND position >= $2 AND position < $3 ORDER BY position",
            &[&&account.as_bytes()[..], &i64::from(from), &i64::from(head.length)],
        )
        .await?;
    let mut entries = Vec::new();
    let mut held = 0;
    for row in rows {
        let entry: prost::bytes::Bytes = column(&row, 0)?;
        held += entry.len();
        if held > bytes && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    Ok(Some(LogPage { from, entries, head }))
}

/// How many entries somebody with this head shares with the log: all of theirs or, if theirs is another log, none.
pub(super) async fn common_length(
    link: &Link,
    account: &AccountId,
    theirs: Option<Head>,
) -> Result<u32, Fault> {
    let Some(Head { length, hash }) = theirs.filter(|head| head.length > 0) else {
        return Ok(0);
    };
    let row = link
        .row(
            "SELECT hash FROM log_entries WHERE account = $1 AND position = $2",
            &[&&account.as_bytes()[..], &i64::from(length - 1)],
        )
        .await?;
    let ours: Option<[u8; 32]> = row.map(|row| column(&row, 0)).transpose()?;
    Ok(if ours == Some(hash) { length } else { 0 })
}

/// The head of an account's log; `None` where there is no such account.
pub(super) async fn log_head(link: &Link, account: &AccountId) -> Result<Option<Head>, Fault> {
    let row = link
        .row(
            "SELECT log_length, log_hash FROM accounts WHERE account = $1",
            &[&&account.as_bytes()[..]],
        )
        .await?;
    row.map(|row| {
        Ok(Head {
            length: column(&row, 0)?,
            hash: column(&row, 1)?,
        })
    })
    .transpose()
}

pub(super) fn role(row: &Row, at: usize) -> Result<Role, Fault> {
    let number: u64 = column(row, at)?;
    Role::from_number(super::link::number(number)).ok_or(Fault::Data("a role is unknown"))
}

/// The first text after everything that begins with `word`.
fn end_of_prefix(word: &str) -> String {
    format!("{word}{}", char::MAX)
}
