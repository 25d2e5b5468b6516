//! One body for many mailboxes.

use std::sync::Arc;

use chopar_wire::GroupRecipient;
use chopar_wire::ids::{AccountId, GroupSubmissionId};
use chopar_wire::limits::MAX_ENVELOPE_BODY;
use chopar_wire::proto::relay::{GroupAccepted, GroupMismatch, SubmitGroup, relay_frame::Body};
use prost::bytes::Bytes;

use super::answers::Refusal;
use super::dispatch::{self, Pending};
use super::session::Session;
use crate::core::Core;
use crate::policy::limits::Act;
use crate::store::{GroupSubmission, GroupSubmitted};

/// Begins a group submission: it has its place in the writer's order when this returns.
pub(super) fn begin_submit(
    core: &Arc<Core>,
    session: &Session,
    submit: SubmitGroup,
) -> Result<Pending, Refusal> {
    let id = GroupSubmissionId::try_from(submit.id.as_ref())?;
    dispatch::check_body(&submit.body, MAX_ENVELOPE_BODY)?;
    let recipients =
        GroupRecipient::parse(&submit.recipients).map_err(|fault| Refusal::malformed(fault.to_string()))?;
    let act = Act::SubmitGroup {
        bytes: submit.body.len() + submit.recipients.len(),
        recipients: recipients.len(),
    };
    core.limiter.account(&session.account, act, core.now())?;
    let answer = core.store.submit_group(GroupSubmission {
        id,
        lifetime: dispatch::lifetime(submit.expiry()),
        body: submit.body,
        recipients,
        except: session.device,
    });
    Ok(Box::pin(async move {
        Ok(match answer.await? {
            GroupSubmitted::Accepted { time, full } => Body::GroupAccepted(GroupAccepted {
                time,
                full: named(full),
            }),
            GroupSubmitted::Mismatch { behind, gone } => Body::GroupMismatch(GroupMismatch {
                behind: named(behind),
                gone: named(gone),
            }),
        })
    }))
}

fn named(accounts: Vec<AccountId>) -> Vec<Bytes> {
    accounts.into_iter().map(Bytes::from).collect()
}
