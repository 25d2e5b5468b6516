//! One body for many mailboxes: kept apart, with the number of those that reference it.

use chopar_identity::group_envelope_id;

use super::super::link::Fault;
use super::findings::Findings;
use super::letters::{Letter, Letters, Room};
use crate::store::{GroupSubmission, GroupSubmitted};

pub(super) fn decide(
    submission: &GroupSubmission,
    findings: &mut Findings,
    letters: &mut Letters,
) -> Result<GroupSubmitted, Fault> {
    let shared = findings.numbers.pop().ok_or(Fault::Data("a number is missing"))?;
    let (mut behind, mut gone) = (Vec::new(), Vec::new());
    for recipient in &submission.recipients {
        match findings.heads.get(&recipient.account) {
            None => gone.push(recipient.account),
            Some(head) if !head.hash.starts_with(&recipient.head) => behind.push(recipient.account),
            Some(_) => {}
        }
    }
    if !behind.is_empty() || !gone.is_empty() {
        return Ok(GroupSubmitted::Mismatch { behind, gone });
    }

    let (mut fresh, mut full) = (Vec::with_capacity(submission.recipients.len()), Vec::new());
    for recipient in &submission.recipients {
        let before = fresh.len();
        for device in findings.open(&recipient.account, submission.except) {
            let id = group_envelope_id(&submission.id, &device);
            match findings.room(device, id, submission.body.len())? {
                Room::There => fresh.push((device, id)),
                Room::Known => letters.again(findings, device, id),
                Room::Full => {
                    fresh.truncate(before);
                    full.push(recipient.account);
                    break;
                }
            }
        }
    }
    if !fresh.is_empty() {
        letters.keep(shared, fresh.len(), &submission.body);
    }
    for (device, id) in fresh {
        letters.put(
            findings,
            Letter {
                device,
                id,
                body: submission.body.clone(),
                shared: Some(shared),
                lifetime: submission.lifetime,
            },
        )?;
    }
    Ok(GroupSubmitted::Accepted {
        time: letters.accepted,
        full,
    })
}
