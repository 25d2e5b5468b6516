//! Accounts: registration, sign-in facts, directory, account logs.

use chopar_wire::ids::{AccountId, DeviceId};
use prost::bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::books::Books;
use crate::audit::record;
use crate::store::{
    Append, Appended, DevicePublics, Head, LogEntry, LogPage, Member, NewAccount, NewDevice, Person,
    Registration, Role, SignInFacts,
};

/// Candidates that a search looks at: bounds a one-letter query in a large organisation.
const CANDIDATES: usize = 2000;

impl Books {
    pub(super) fn register(&mut self, new: &NewAccount) -> rusqlite::Result<Registration> {
        let taken = |sql: &str, value: &dyn rusqlite::ToSql| {
            self.db
                .prepare_cached(sql)?
                .query_row([value], |row| row.get::<_, bool>(0))
        };
        // First: whoever repeats a registration whose answer was lost has used the invite up already.
        if taken(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE account = ?1)",
            &new.account.as_bytes(),
        )? || self.is_removed(&new.account)?
        {
            return Ok(Registration::AccountExists);
        }
        let invite = match self.usable_invite(&new.token)? {
            Ok(invite) => invite,
            Err(refusal) => return Ok(refusal),
        };
        let role = invite.role;
        if taken(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE handle = ?1)",
            &new.handle,
        )? || self.is_held(&new.handle)?
        {
            return Ok(Registration::HandleTaken);
        }
        if self.any_device_exists(&new.devices)? {
            return Ok(Registration::DeviceExists);
        }
        let now = self.now();
        self.use_invite(&new.token)?;
        let head = new.log.last().map_or([0; 32], |entry| entry.hash);
        self.db
            .prepare_cached(
                "INSERT INTO accounts (account, handle, display_name, role, joined, log_length, log_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                new.account.as_bytes(),
                &new.handle,
                &new.display_name,
                role as i64,
                now,
                new.log.len(),
                head,
            ))?;
        self.set_words(&new.account, &new.words)?;
        for (position, entry) in new.log.iter().enumerate() {
            self.insert_entry(&new.account, position as u64, entry)?;
        }
        for device in &new.devices {
            self.insert_device(&new.account, device)?;
        }
        let (device, sequence, bundle) = &new.bundle;
        self.publish_bundle(*device, *sequence, bundle)?;
        self.forget_addressee(&new.account);
        self.record(record::registered(new.account, &new.handle, role, invite.id))?;
        Ok(Registration::Done(role))
    }

    pub(super) fn append_log(&mut self, append: &Append) -> rusqlite::Result<Appended> {
        if self.any_device_exists(&append.added)? {
            return Ok(if log_head(&self.db, &append.account)? == Some(append.parent) {
                Appended::DeviceExists
            } else {
                Appended::Conflict
            });
        }
        let moved = self
            .db
            .prepare_cached(
                "UPDATE accounts SET log_length = ?2 + 1, log_hash = ?4
                 WHERE account = ?1 AND log_length = ?2 AND log_hash = ?3",
            )?
            .execute((
                append.account.as_bytes(),
                append.parent.length,
                append.parent.hash,
                append.entry.hash,
            ))?;
        if moved == 0 {
            return Ok(Appended::Conflict);
        }
        self.insert_entry(&append.account, u64::from(append.parent.length), &append.entry)?;
        for device in &append.added {
            self.insert_device(&append.account, device)?;
        }
        for device in &append.removed {
            self.db
                .prepare_cached("UPDATE devices SET active = 0 WHERE device = ?1")?
                .execute([device.as_bytes()])?;
            self.empty(*device)?;
            self.drop_prekeys(device)?;
        }
        self.forget_addressee(&append.account);
        Ok(Appended::Done)
    }

    pub(super) fn drop_prekeys(&mut self, device: &DeviceId) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM bundles WHERE device = ?1",
            "DELETE FROM one_time WHERE device = ?1",
        ] {
            self.db.prepare_cached(sql)?.execute([device.as_bytes()])?;
        }
        Ok(())
    }

    pub(super) fn set_display_name(
        &mut self,
        account: &AccountId,
        name: &str,
        words: &[String],
    ) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("UPDATE accounts SET display_name = ?2 WHERE account = ?1")?
            .execute((account.as_bytes(), name))?;
        self.set_words(account, words)
    }

    fn set_words(&self, account: &AccountId, words: &[String]) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("DELETE FROM words WHERE account = ?1")?
            .execute([account.as_bytes()])?;
        for word in words {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO words (word, account) VALUES (?1, ?2)")?
                .execute((word, account.as_bytes()))?;
        }
        Ok(())
    }

    fn insert_entry(&self, account: &AccountId, position: u64, entry: &LogEntry) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO log_entries (account, position, hash, entry) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((account.as_bytes(), position, entry.hash, entry.encoded.as_ref()))
            .map(drop)
    }

    /// Whether one of them is in an account's log already, revoked ones included: a device id is used once. Asked before
    /// anything is written, so that who tries it makes no transaction fail that others' writes share.
    fn any_device_exists(&self, devices: &[NewDevice]) -> rusqlite::Result<bool> {
        for device in devices {
            let exists = self
                .db
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM devices WHERE device = ?1)")?
                .query_row([device.id.as_bytes()], |row| row.get(0))?;
            if exists {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn insert_device(&self, account: &AccountId, device: &NewDevice) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO devices (device, account, signing, agreement, active, mailbox)
                 VALUES (?1, ?2, ?3, ?4, 1, (SELECT coalesce(max(mailbox), 0) + 1 FROM devices))",
            )?
            .execute((
                device.id.as_bytes(),
                account.as_bytes(),
                device.keys.signing,
                device.keys.agreement,
            ))
            .map(drop)
    }
}

pub(super) fn sign_in(
    db: &Connection,
    account: &AccountId,
    device: &DeviceId,
) -> rusqlite::Result<Option<SignInFacts>> {
    db.prepare_cached(
        "SELECT d.signing, d.agreement, d.active, a.disabled, a.handle, a.display_name, a.role, a.log_length, a.log_hash,
                coalesce((SELECT sequence FROM bundles WHERE device = d.device), 0),
                (SELECT count(*) FROM one_time WHERE device = d.device), d.suspended,
                EXISTS (SELECT 1 FROM devices o WHERE o.account = d.account AND o.active = 1 AND o.suspended = 1)
         FROM devices d JOIN accounts a ON a.account = d.account WHERE d.device = ?2 AND d.account = ?1",
    )?
    .query_row((account.as_bytes(), device.as_bytes()), |row| {
        Ok(SignInFacts {
            keys: DevicePublics { signing: row.get(0)?, agreement: row.get(1)? },
            active: row.get(2)?,
            disabled: row.get(3)?,
            handle: row.get(4)?,
            display_name: row.get(5)?,
            role: role(row.get(6)?)?,
            head: Head { length: row.get(7)?, hash: row.get(8)? },
            bundle_sequence: row.get(9)?,
            one_time_left: row.get(10)?,
            suspended: row.get(11)?,
            any_suspended: row.get(12)?,
            connection: 0,
        })
    })
    .optional()
}

/// Columns of `member`.
const MEMBER: &str = "SELECT account, handle, display_name, role, joined, disabled,
        (SELECT count(*) FROM devices d WHERE d.account = a.account AND d.active = 1)
    FROM accounts a";

pub(super) fn members(db: &Connection, after: &str, limit: usize) -> rusqlite::Result<Vec<Member>> {
    db.prepare_cached(&format!("{MEMBER} WHERE handle > ?1 ORDER BY handle LIMIT ?2"))?
        .query_map((after, limit), member)?
        .collect()
}

pub(super) fn member_named(db: &Connection, handle: &str) -> rusqlite::Result<Option<Member>> {
    db.prepare_cached(&format!("{MEMBER} WHERE handle = ?1"))?
        .query_row([handle], member)
        .optional()
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        account: AccountId::new(row.get(0)?),
        handle: row.get(1)?,
        display_name: row.get(2)?,
        role: role(row.get(3)?)?,
        joined: row.get(4)?,
        disabled: row.get(5)?,
        devices: row.get(6)?,
    })
}

/// People who have, for every word asked for, a word that begins with it.
pub(super) fn find(db: &Connection, words: &[String], limit: usize) -> rusqlite::Result<Vec<Person>> {
    let mut words: Vec<&String> = words.iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let Some((first, rest)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let mut sql = String::from(
        "SELECT a.account, a.handle, a.display_name
         FROM (SELECT DISTINCT account FROM words WHERE word >= ?1 AND word < ?2 LIMIT ?3) w
         JOIN accounts a ON a.account = w.account WHERE a.disabled = 0",
    );
    let mut values: Vec<rusqlite::types::Value> = vec![
        (*first).clone().into(),
        end_of_prefix(first).into(),
        (CANDIDATES as i64).into(),
    ];
    for word in rest {
        let at = values.len();
        sql += &format!(
            " AND EXISTS (SELECT 1 FROM words x WHERE x.account = a.account AND x.word >= ?{} AND x.word < ?{})",
            at + 1,
            at + 2
        );
        values.extend([(*word).clone().into(), end_of_prefix(word).into()]);
    }
    sql += &format!(" ORDER BY a.handle LIMIT {limit}");
    db.prepare_cached(&sql)?
        .query_map(rusqlite::params_from_iter(values), |row| {
            Ok(Person {
                account: AccountId::new(row.get(0)?),
                handle: row.get(1)?,
                display_name: row.get(2)?,
            })
        })?
        .collect()
}

/// Entries from `from` on, at least one where there is one, at most about `bytes`.
pub(super) fn log_page(
    db: &Connection,
    account: &AccountId,
    from: u32,
    bytes: usize,
) -> rusqlite::Result<Option<LogPage>> {
    let Some(head) = log_head(db, account)? else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached(
        "SELECT entry FROM log_entries WHERE account = ?1 AND position >= ?2 AND position < ?3 ORDER BY position",
    )?;
    let mut rows = statement.query((account.as_bytes(), from, head.length))?;
    let mut entries = Vec::new();
    let mut held = 0;
    while let Some(row) = rows.next()? {
        let entry = row.get_ref(0)?.as_blob()?;
        held += entry.len();
        if held > bytes && !entries.is_empty() {
            break;
        }
        entries.push(Bytes::copy_from_slice(entry));
    }
    Ok(Some(LogPage { from, entries, head }))
}

/// How many entries somebody with this head shares with the log: all of theirs or, if theirs is another log, none.
pub(super) fn common_length(
    db: &Connection,
    account: &AccountId,
    theirs: Option<Head>,
) -> rusqlite::Result<u32> {
    let Some(Head { length, hash }) = theirs.filter(|head| head.length > 0) else {
        return Ok(0);
    };
    let ours: Option<[u8; 32]> = db
        .prepare_cached("SELECT hash FROM log_entries WHERE account = ?1 AND position = ?2")?
        .query_row((account.as_bytes(), length - 1), |row| row.get(0))
        .optional()?;
    Ok(if ours == Some(hash) { length } else { 0 })
}

pub(super) fn role(number: i64) -> rusqlite::Result<Role> {
    Role::from_number(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
}

/// The first text after everything that begins with `word`.
fn end_of_prefix(word: &str) -> String {
    format!("{word}{}", char::MAX)
}

/// The head of an account's log; `None` where there is no such account.
pub(super) fn log_head(db: &Connection, account: &AccountId) -> rusqlite::Result<Option<Head>> {
    db.prepare_cached("SELECT log_length, log_hash FROM accounts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| {
            Ok(Head {
                length: row.get(0)?,
                hash: row.get(1)?,
            })
        })
        .optional()
}
