//! Submissions and acknowledgements, many in the statements of one.
//!
//! ```text
//!   one journey ─> BEGIN · lock the mailboxes · delete what is acknowledged · read heads, devices, known ids
//!   with groups, one more ─> which of their devices know the message
//!   here           who may be written to, what is new, which number it gets
//!   one journey ─> insert · new counts of the mailboxes and of shared bodies · COMMIT
//! ```
//! In one part acknowledgements come first: one that stands behind a submission only makes room earlier. The locks make
//! what is read after them the truth until the commit, whatever other nodes do.

use std::sync::Arc;

use chopar_wire::ids::{DeviceId, QueueSeq};
use futures_util::future;
use tokio::sync::oneshot;

use self::findings::{Findings, find};
use self::letters::Letters;
use super::bodies;
use super::books::Books;
use super::link::{Fault, Link};
use crate::store::{GroupSubmission, GroupSubmitted, StoreError, Submission, Submitted};

mod findings;
mod group;
mod letters;
mod submit;

/// A wish that is done together with others.
pub(super) enum Request {
    Submit {
        submission: Submission,
        outcome: Option<Submitted>,
        reply: oneshot::Sender<Result<Submitted, StoreError>>,
    },
    SubmitGroup {
        submission: GroupSubmission,
        outcome: Option<GroupSubmitted>,
        reply: oneshot::Sender<Result<GroupSubmitted, StoreError>>,
    },
    Acknowledge {
        device: DeviceId,
        seqs: Vec<QueueSeq>,
        /// `false` gives up the memory of ids, for a store without room for it.
        remember: bool,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
}

impl Request {
    /// Whoever asked may be gone; what was done stays done.
    pub(super) fn answer(self, done: Result<(), StoreError>) {
        match self {
            Self::Submit { outcome, reply, .. } => {
                drop(reply.send(done.and_then(|()| outcome.ok_or(StoreError::Closed))));
            }
            Self::SubmitGroup { outcome, reply, .. } => {
                drop(reply.send(done.and_then(|()| outcome.ok_or(StoreError::Closed))));
            }
            Self::Acknowledge { reply, .. } => drop(reply.send(done)),
        }
    }

    /// Rows of queues that it writes or deletes, as far as is known before: of a group its accounts.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Submit { submission, .. } => submission.parcels.len(),
            Self::SubmitGroup { submission, .. } => submission.recipients.len(),
            Self::Acknowledge { seqs, .. } => seqs.len(),
        }
    }
}

/// What is sent without waiting for the answer before.
pub(super) fn statements() -> impl Iterator<Item = &'static str> {
    let all: [&[&'static str]; 3] = [&findings::STATEMENTS, &letters::STATEMENTS, &bodies::STATEMENTS];
    all.into_iter().flatten().copied()
}

/// Takes the mailboxes of all requests.
pub(super) async fn lock(books: &Books, requests: &[&mut Request]) -> Result<(), Fault> {
    findings::lock(&*books.link()?, requests).await.map(drop)
}

/// Takes mailboxes until the commit.
pub(super) async fn take(link: &Link, devices: &[&[u8]]) -> Result<(), Fault> {
    link.rows(findings::LOCK, &[&devices]).await.map(drop)
}

/// A whole transaction of requests.
pub(super) async fn alone(books: &mut Books, requests: &mut [&mut Request]) -> Result<(), Fault> {
    let link = books.link()?;
    let (begun, found) = future::join(link.script("BEGIN"), find(&link, requests, books.now())).await;
    begun?;
    write(books, &link, requests, found?, true).await
}

/// Requests in a transaction that goes on.
pub(super) async fn part(books: &mut Books, requests: &mut [&mut Request]) -> Result<(), Fault> {
    let link = books.link()?;
    let found = find(&link, requests, books.now()).await?;
    write(books, &link, requests, found, false).await
}

/// Decides on what was found, and writes it.
async fn write(
    books: &mut Books,
    link: &Arc<Link>,
    requests: &mut [&mut Request],
    mut findings: Findings,
    commit: bool,
) -> Result<(), Fault> {
    books.release(&findings.released);
    let accepted = books.now();
    let mut letters = Letters::new(accepted);
    for request in requests.iter_mut() {
        match &mut **request {
            Request::Submit {
                submission, outcome, ..
            } => *outcome = Some(submit::decide(link, submission, &mut findings, &mut letters).await?),
            Request::SubmitGroup {
                submission, outcome, ..
            } => *outcome = Some(group::decide(submission, &mut findings, &mut letters)?),
            Request::Acknowledge { .. } => {}
        }
    }
    // What is told belongs to the commit, so it is noted before anything of it can have taken place.
    letters.announce(books);
    let released = if commit {
        books.take_released()
    } else {
        bodies::Released::default()
    };
    let (written, settled, committed) = future::join3(
        letters.write(link, &findings.mailboxes),
        bodies::settle(link, &released),
        async {
            match commit {
                true => link.script("COMMIT").await,
                false => Ok(()),
            }
        },
    )
    .await;
    written?;
    settled?;
    committed
}

async fn unless<T>(skipped: bool, work: impl Future<Output = Result<T, Fault>>) -> Result<Option<T>, Fault> {
    if skipped { Ok(None) } else { work.await.map(Some) }
}
