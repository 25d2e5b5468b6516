//! One body for many mailboxes: kept apart, with the number of those that reference it.

use chopar_identity::group_envelope_id;

use super::books::Books;
use super::queue::{Letter, Room};
use crate::store::{GroupSubmission, GroupSubmitted};

impl Books {
    pub(super) fn submit_group(&mut self, submission: &GroupSubmission) -> rusqlite::Result<GroupSubmitted> {
        let (mut behind, mut gone) = (Vec::new(), Vec::new());
        let mut addressees = Vec::with_capacity(submission.recipients.len());
        for recipient in &submission.recipients {
            match self.addressee(recipient.account)? {
                None => gone.push(recipient.account),
                Some(known) if known.disabled => gone.push(recipient.account),
                Some(known) if !known.head.hash.starts_with(&recipient.head) => {
                    behind.push(recipient.account)
                }
                Some(known) => addressees.push((recipient.account, known)),
            }
        }
        if !behind.is_empty() || !gone.is_empty() {
            return Ok(GroupSubmitted::Mismatch { behind, gone });
        }

        let (mut fresh, mut full) = (Vec::with_capacity(addressees.len()), Vec::new());
        for (account, addressee) in addressees {
            let before = fresh.len();
            for device in addressee
                .devices
                .iter()
                .filter(|device| **device != submission.except)
            {
                let id = group_envelope_id(&submission.id, device);
                match self.room(*device, &id, submission.body.len())? {
                    Room::There => fresh.push((*device, id)),
                    Room::Known => {}
                    Room::Full => {
                        fresh.truncate(before);
                        full.push(account);
                        break;
                    }
                }
            }
        }
        let time = self.now();
        if fresh.is_empty() {
            return Ok(GroupSubmitted::Accepted { time, full });
        }
        let shared = self.keep_body(&submission.body, fresh.len())?;
        for (device, id) in fresh {
            self.put(Letter {
                device,
                id,
                body: &submission.body,
                shared: Some(shared),
                accepted: time,
                lifetime: submission.lifetime,
            })?;
        }
        Ok(GroupSubmitted::Accepted { time, full })
    }

    /// Keeps a body that `waiting` mailboxes reference, and gives its number.
    fn keep_body(&mut self, body: &[u8], waiting: usize) -> rusqlite::Result<i64> {
        self.db
            .prepare_cached("INSERT INTO bodies (body) VALUES (?1)")?
            .execute([body])?;
        let number = self.db.last_insert_rowid();
        self.db
            .prepare_cached("INSERT INTO body_references (number, waiting) VALUES (?1, ?2)")?
            .execute((number, waiting))?;
        Ok(number)
    }

    /// Notes that mailboxes reference a body no more; the commit counts.
    pub(super) fn release(&mut self, body: i64, count: u64) {
        *self.released.entry(body).or_insert(0) += count;
    }

    /// Takes what was released off the counts and deletes bodies that nobody waits for.
    pub(super) fn settle_released(&mut self) -> rusqlite::Result<()> {
        for (body, count) in std::mem::take(&mut self.released) {
            let waiting: i64 = self
                .db
                .prepare_cached(
                    "UPDATE body_references SET waiting = waiting - ?2 WHERE number = ?1 RETURNING waiting",
                )?
                .query_row((body, count), |row| row.get(0))?;
            if waiting <= 0 {
                for sql in [
                    "DELETE FROM body_references WHERE number = ?1",
                    "DELETE FROM bodies WHERE number = ?1",
                ] {
                    self.db.prepare_cached(sql)?.execute([body])?;
                }
            }
        }
        Ok(())
    }
}
