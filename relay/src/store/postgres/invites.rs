//! Invites: made, used up, revoked. Only the hash of a token is here.

use chopar_wire::ids::InviteId;
use tokio_postgres::Row;

use super::accounts::role;
use super::books::Books;
use super::link::{Fault, Link, column, number};
use crate::audit::record::{self, Actor};
use crate::store::{Invite, Registration, Role, TokenHash};

/// How long an expired or used invite is still known by name, so that a late guest hears why: 30 days.
const KNOWN_AFTER_MS: u64 = 30 * 24 * 3600 * 1000;

pub(super) async fn create(
    books: &mut Books,
    invite: &Invite,
    token: &TokenHash,
    first: bool,
    by: Actor,
) -> Result<(), Fault> {
    books
        .link()?
        .run(
            "INSERT INTO invites (id, token, role, uses_left, expires, created, first) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[
                &&invite.id.as_bytes()[..],
                &&token[..],
                &(invite.role as i16),
                &i64::from(invite.uses_left),
                &number(invite.expires),
                &number(invite.created),
                &first,
            ],
        )
        .await?;
    books.record(record::invite_created(by, invite));
    Ok(())
}

pub(super) async fn replace_first(
    books: &mut Books,
    invite: &Invite,
    token: &TokenHash,
) -> Result<bool, Fault> {
    let link = books.link()?;
    // Nodes that start together make one invite after the other, and the last one's counts.
    link.script("LOCK TABLE invites IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    let owned: bool = link
        .value(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE role = $1)",
            &[&(Role::Owner as i16)],
        )
        .await?;
    link.run("DELETE FROM invites WHERE first AND uses_left > 0", &[])
        .await?;
    if !owned {
        create(books, invite, token, true, Actor::Console).await?;
    }
    Ok(!owned)
}

pub(super) async fn revoke(books: &mut Books, id: &InviteId, by: Actor) -> Result<bool, Fault> {
    let deleted = books
        .link()?
        .run("DELETE FROM invites WHERE id = $1", &[&&id.as_bytes()[..]])
        .await?;
    if deleted > 0 {
        books.record(record::invite_revoked(by, *id));
    }
    Ok(deleted > 0)
}

/// The invite of a token, nobody else's until the commit, or the refusal that names what is wrong with it.
pub(super) async fn usable(
    link: &Link,
    token: &TokenHash,
    now: u64,
) -> Result<Result<Invite, Registration>, Fault> {
    let row = link
        .row(
            "SELECT id, role::bigint, uses_left, expires, created FROM invites WHERE token = $1 FOR UPDATE",
            &[&&token[..]],
        )
        .await?;
    let invite = row.map(|row| read(&row)).transpose()?;
    Ok(match invite {
        None => Err(Registration::InviteUnknown),
        Some(invite) if invite.uses_left == 0 => Err(Registration::InviteUsed),
        Some(invite) if invite.expires <= now => Err(Registration::InviteExpired),
        Some(invite) => Ok(invite),
    })
}

pub(super) async fn use_up(link: &Link, token: &TokenHash) -> Result<(), Fault> {
    link.run(
        "UPDATE invites SET uses_left = uses_left - 1 WHERE token = $1 AND uses_left > 0",
        &[&&token[..]],
    )
    .await
    .map(drop)
}

pub(super) async fn sweep(link: &Link, now: u64) -> Result<(), Fault> {
    link.run(
        "DELETE FROM invites WHERE expires <= $1",
        &[&number(now.saturating_sub(KNOWN_AFTER_MS))],
    )
    .await
    .map(drop)
}

pub(super) async fn invite(link: &Link, token: &TokenHash) -> Result<Option<Invite>, Fault> {
    let row = link
        .row(
            "SELECT id, role::bigint, uses_left, expires, created FROM invites WHERE token = $1",
            &[&&token[..]],
        )
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// All invites, newest first.
pub(super) async fn list(link: &Link) -> Result<Vec<Invite>, Fault> {
    let rows = link
        .rows(
            "SELECT id, role::bigint, uses_left, expires, created FROM invites ORDER BY created DESC LIMIT 1000",
            &[],
        )
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Invite, Fault> {
    Ok(Invite {
        id: InviteId::new(column(row, 0)?),
        role: role(row, 1)?,
        uses_left: column(row, 2)?,
        expires: column(row, 3)?,
        created: column(row, 4)?,
    })
}
