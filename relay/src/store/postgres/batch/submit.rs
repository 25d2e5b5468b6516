//! Envelopes for all devices of one account.

use super::super::accounts;
use super::super::link::{Fault, Link};
use super::findings::Findings;
use super::letters::{Letter, Letters, Room};
use crate::store::{Submission, Submitted};

/// Log bytes that a mismatch carries: fits any frame; the rest is fetched.
const MISMATCH_BYTES: usize = 64 * 1024;

/// Nothing of a submission that is refused is put anywhere.
pub(super) async fn decide(
    link: &Link,
    submission: &Submission,
    findings: &mut Findings,
    letters: &mut Letters,
) -> Result<Submitted, Fault> {
    if let Some(refused) = mismatch(link, submission, findings).await? {
        return Ok(refused);
    }
    let mut fresh = Vec::with_capacity(submission.parcels.len());
    for parcel in &submission.parcels {
        // Its owner's contacts cannot know that it is suspended, and are not to be kept from the other devices.
        if findings.suspended.contains(&parcel.device) {
            continue;
        }
        match findings.room(parcel.device, parcel.id, parcel.body.len())? {
            Room::There => fresh.push(parcel),
            Room::Known => letters.again(findings, parcel.device, parcel.id),
            Room::Full => return Ok(Submitted::QueueFull),
        }
    }
    for parcel in fresh {
        letters.put(
            findings,
            Letter {
                device: parcel.device,
                id: parcel.id,
                body: parcel.body.clone(),
                shared: None,
                lifetime: parcel.lifetime,
            },
        )?;
    }
    Ok(Submitted::Accepted(letters.accepted))
}

/// What is said to somebody who does not know the account as it is.
async fn mismatch(
    link: &Link,
    submission: &Submission,
    findings: &Findings,
) -> Result<Option<Submitted>, Fault> {
    let Some(head) = findings.heads.get(&submission.account) else {
        return Ok(Some(Submitted::NoAccount));
    };
    let mut named: Vec<_> = submission.parcels.iter().map(|parcel| parcel.device).collect();
    named.sort_unstable();
    let active = findings.active(&submission.account);
    let expected = active.iter().filter(|device| Some(**device) != submission.except);
    if submission.head == Some(*head) && named.iter().eq(expected) {
        return Ok(None);
    }
    let from = accounts::common_length(link, &submission.account, submission.head).await?;
    let page = accounts::log_page(link, &submission.account, from, MISMATCH_BYTES).await?;
    Ok(Some(page.map_or(Submitted::NoAccount, Submitted::Mismatch)))
}
