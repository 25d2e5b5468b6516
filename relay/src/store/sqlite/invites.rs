//! Invites: made, used up, revoked. Only the hash of a token is here.

use chopar_wire::ids::InviteId;
use rusqlite::{Connection, OptionalExtension, Row};

use super::accounts::role;
use super::books::Books;
use crate::audit::record::{self, Actor};
use crate::store::{Invite, Registration, Role, TokenHash};

/// How long an expired or used invite is still known by name, so that a late guest hears why: 30 days.
const KNOWN_AFTER_MS: u64 = 30 * 24 * 3600 * 1000;

const COLUMNS: &str = "id, role, uses_left, expires, created";

impl Books {
    pub(super) fn create_invite(
        &mut self,
        invite: &Invite,
        token: &TokenHash,
        first: bool,
        by: Actor,
    ) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO invites (id, token, role, uses_left, expires, created, first)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                invite.id.as_bytes(),
                token,
                invite.role as i64,
                invite.uses_left,
                invite.expires,
                invite.created,
                first,
            ))?;
        self.record(record::invite_created(by, invite))
    }

    pub(super) fn replace_first_invite(
        &mut self,
        invite: &Invite,
        token: &TokenHash,
    ) -> rusqlite::Result<bool> {
        let owned: bool = self.db.query_row(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE role = ?1)",
            [Role::Owner as i64],
            |row| row.get(0),
        )?;
        self.db
            .execute("DELETE FROM invites WHERE first = 1 AND uses_left > 0", [])?;
        if !owned {
            self.create_invite(invite, token, true, Actor::Console)?;
        }
        Ok(!owned)
    }

    pub(super) fn revoke_invite(&mut self, id: &InviteId, by: Actor) -> rusqlite::Result<bool> {
        let deleted = self
            .db
            .prepare_cached("DELETE FROM invites WHERE id = ?1")?
            .execute([id.as_bytes()])?;
        if deleted > 0 {
            self.record(record::invite_revoked(by, *id))?;
        }
        Ok(deleted > 0)
    }

    /// The invite of a token, or the refusal that names what is wrong with it.
    pub(super) fn usable_invite(&self, token: &TokenHash) -> rusqlite::Result<Result<Invite, Registration>> {
        Ok(match invite(&self.db, token)? {
            None => Err(Registration::InviteUnknown),
            Some(invite) if invite.uses_left == 0 => Err(Registration::InviteUsed),
            Some(invite) if invite.expires <= self.now() => Err(Registration::InviteExpired),
            Some(invite) => Ok(invite),
        })
    }

    pub(super) fn use_invite(&self, token: &TokenHash) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "UPDATE invites SET uses_left = uses_left - 1 WHERE token = ?1 AND uses_left > 0",
            )?
            .execute([token])
            .map(drop)
    }

    pub(super) fn sweep_invites(&self, now: u64) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("DELETE FROM invites WHERE expires <= ?1")?
            .execute([now.saturating_sub(KNOWN_AFTER_MS)])
            .map(drop)
    }
}

pub(super) fn invite(db: &Connection, token: &TokenHash) -> rusqlite::Result<Option<Invite>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM invites WHERE token = ?1"))?
        .query_row([token], read)
        .optional()
}

/// All invites, newest first.
pub(super) fn list(db: &Connection) -> rusqlite::Result<Vec<Invite>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM invites ORDER BY created DESC LIMIT 1000"
    ))?
    .query_map([], read)?
    .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Invite> {
    Ok(Invite {
        id: InviteId::new(row.get(0)?),
        role: role(row.get(1)?)?,
        uses_left: row.get(2)?,
        expires: row.get(3)?,
        created: row.get(4)?,
    })
}
