//! From a signed-in device's frame to its answer. Messages are here; `groups`, `opaque`, `files`, `records` and
//! `administration` hold the rest.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chopar_wire::ids::{AccountId, DeviceId, EnvelopeId, QueueSeq};
use chopar_wire::limits::{MAX_ACK, MAX_DEVICES, MAX_ENVELOPE_BODY, MAX_QUEUE_AGE_MS, MAX_SIGNAL_BODY};
use chopar_wire::proto::identity::LogHead;
use chopar_wire::proto::relay::{
    Accepted, DeviceMismatch, Envelope, ExpiryClass, Pong, Reason, Submit, SubmitSignal, client_frame,
    relay_frame::Body,
};

use super::answers::{Outcome, Refusal, done};
use super::session::Session;
use super::{administration, files, groups, opaque, oversight, records};
use crate::core::Core;
use crate::policy::limits::{Act, Wait};
use crate::store::{Head, Parcel, Submission, Submitted};

/// An answer in the making.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Begins to handle a frame. What changes a queue takes its place in the writer's order before this returns, so that
/// messages of one connection keep their order however their answers are awaited.
pub(crate) fn handle(core: &Arc<Core>, session: &Session, body: client_frame::Body) -> Pending {
    use client_frame::Body as Frame;
    let (owned, session) = (Arc::clone(core), *session);
    match body {
        Frame::Submit(submit) => begin_submit(core, &session, submit).unwrap_or_else(at_once),
        Frame::Ack(ack) => acknowledge(core, &session, ack.seqs),
        Frame::SubmitSignal(signal) => match submit_signal(core, &session, signal) {
            // The same whether anybody was there: presence is nobody's business.
            Ok(()) => Box::pin(std::future::ready(done())),
            Err(refusal) => at_once(refusal),
        },
        Frame::Ping(_) => Box::pin(std::future::ready(ping(core, &session))),
        Frame::FetchLog(fetch) => Box::pin(async move { records::fetch_log(&owned, &session, fetch).await }),
        Frame::AppendLog(append) => {
            Box::pin(async move { records::append_log(&owned, &session, append).await })
        }
        Frame::PublishBundle(publish) => {
            Box::pin(async move { records::publish_bundle(&owned, &session, publish).await })
        }
        Frame::AddOneTime(add) => Box::pin(async move { records::add_one_time(&owned, &session, add).await }),
        Frame::ClaimBundle(claim) => {
            Box::pin(async move { records::claim_bundle(&owned, &session, claim).await })
        }
        Frame::Find(find) => Box::pin(async move { administration::find(&owned, &session, find).await }),
        Frame::SetProfile(set) => {
            Box::pin(async move { administration::set_profile(&owned, &session, set).await })
        }
        Frame::CreateInvite(create) => {
            Box::pin(async move { administration::create_invite(&owned, &session, create).await })
        }
        Frame::ListInvites(_) => {
            Box::pin(async move { administration::list_invites(&owned, &session).await })
        }
        Frame::RevokeInvite(revoke) => {
            Box::pin(async move { administration::revoke_invite(&owned, &session, revoke).await })
        }
        Frame::ListMembers(list) => {
            Box::pin(async move { administration::list_members(&owned, &session, list).await })
        }
        Frame::SetMember(set) => Box::pin(async move { oversight::set_member(&owned, &session, set).await }),
        Frame::SetDevice(set) => Box::pin(async move { oversight::set_device(&owned, &session, set).await }),
        Frame::ListDevices(list) => {
            Box::pin(async move { oversight::list_devices(&owned, &session, list).await })
        }
        Frame::FetchAudit(fetch) => {
            Box::pin(async move { oversight::fetch_audit(&owned, &session, fetch).await })
        }
        Frame::SubmitGroup(submit) => groups::begin_submit(core, &session, submit).unwrap_or_else(at_once),
        Frame::AppendOpaque(append) => {
            Box::pin(async move { opaque::append(&owned, &session, append).await })
        }
        Frame::FetchOpaque(fetch) => Box::pin(async move { opaque::fetch(&owned, &session, fetch).await }),
        Frame::BeginFile(begin) => Box::pin(async move { files::begin(&owned, &session, begin).await }),
        Frame::OpenFile(open) => Box::pin(async move { files::open(&owned, &session, open).await }),
        Frame::DeleteFile(delete) => Box::pin(async move { files::delete(&owned, &session, delete).await }),
        Frame::SignIn(_)
        | Frame::Register(_)
        | Frame::CheckInvite(_)
        | Frame::Recover(_)
        | Frame::AdmitDevice(_) => at_once(Refusal::new(Reason::NotAllowed, "this connection is signed in")),
    }
}

fn at_once(refusal: Refusal) -> Pending {
    Box::pin(std::future::ready(Err(refusal)))
}

fn begin_submit(core: &Arc<Core>, session: &Session, submit: Submit) -> Result<Pending, Refusal> {
    let account = AccountId::try_from(submit.account.as_ref())?;
    let parcels = parcels(submit.envelopes, MAX_ENVELOPE_BODY)?;
    let bytes = parcels.iter().map(|parcel| parcel.body.len()).sum();
    core.limiter
        .account(&session.account, Act::Submit { bytes }, core.now())?;
    let submission = Submission {
        account,
        head: submit.log_head.as_ref().and_then(head),
        except: (account == session.account).then_some(session.device),
        parcels,
    };
    let answer = core.store.submit(submission);
    Ok(Box::pin(async move {
        match answer.await? {
            Submitted::Accepted(time) => Ok(Body::Accepted(Accepted { time })),
            Submitted::Mismatch(page) => Ok(Body::DeviceMismatch(DeviceMismatch {
                account: account.into(),
                entries: records::entries(&page)?,
                from: page.from,
            })),
            Submitted::NoAccount => Err(Refusal::new(Reason::NoSuchAccount, "no such account")),
            Submitted::QueueFull => Err(Refusal::new(
                Reason::QueueFull,
                "too much waits for a device already",
            )),
        }
    }))
}

fn ping(core: &Arc<Core>, session: &Session) -> Outcome {
    core.limiter.account(&session.account, Act::Ping, core.now())?;
    Ok(Body::Pong(Pong {}))
}

/// Deletes what a device has; the answer comes when it is durable. An account that acknowledges too fast is not refused
/// but waits its turn: a refusal would leave what was delivered in the queue until the next connection, and a waiting
/// frame counts among those of its connection, so that the sender feels it.
fn acknowledge(core: &Arc<Core>, session: &Session, seqs: Vec<u64>) -> Pending {
    if seqs.len() > MAX_ACK {
        return at_once(Refusal::malformed(format!(
            "at most {MAX_ACK} numbers are acknowledged at once"
        )));
    }
    let (core, session) = (Arc::clone(core), *session);
    Box::pin(async move {
        let act = Act::Ack { count: seqs.len() };
        while let Err(Wait(millis)) = core.limiter.account(&session.account, act, core.now()) {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if !seqs.is_empty() {
            let seqs = seqs.into_iter().map(QueueSeq).collect();
            core.store.acknowledge(session.device, seqs).await?;
        }
        done()
    })
}

fn submit_signal(core: &Arc<Core>, session: &Session, signal: SubmitSignal) -> Result<(), Refusal> {
    let account = AccountId::try_from(signal.account.as_ref())?;
    let parcels = parcels(signal.envelopes, MAX_SIGNAL_BODY)?;
    core.limiter.account(&session.account, Act::Signal, core.now())?;
    for parcel in parcels {
        core.registry.signal(&account, &parcel.device, parcel.body);
    }
    Ok(())
}

fn parcels(envelopes: Vec<Envelope>, body_max: usize) -> Result<Vec<Parcel>, Refusal> {
    if envelopes.len() > MAX_DEVICES {
        return Err(Refusal::malformed(format!(
            "an account has at most {MAX_DEVICES} devices"
        )));
    }
    let parcels: Vec<Parcel> = envelopes
        .into_iter()
        .map(|envelope| parcel(envelope, body_max))
        .collect::<Result<_, _>>()?;
    let twice = |i: usize| parcels[..i].iter().any(|other| other.device == parcels[i].device);
    if (1..parcels.len()).any(twice) {
        return Err(Refusal::malformed("a device is named twice"));
    }
    Ok(parcels)
}

fn parcel(envelope: Envelope, body_max: usize) -> Result<Parcel, Refusal> {
    check_body(&envelope.body, body_max)?;
    Ok(Parcel {
        device: DeviceId::try_from(envelope.device.as_ref())?,
        id: EnvelopeId::try_from(envelope.id.as_ref())?,
        lifetime: lifetime(envelope.expiry()),
        body: envelope.body,
    })
}

/// How long an envelope of a class waits at most, in milliseconds.
pub(super) const fn lifetime(expiry: ExpiryClass) -> u64 {
    match expiry {
        ExpiryClass::ExpiryDay => DAY_MS,
        ExpiryClass::ExpiryWeek => 7 * DAY_MS,
        ExpiryClass::ExpiryMonth | ExpiryClass::ExpiryUnspecified => MAX_QUEUE_AGE_MS,
    }
}

/// Refuses an envelope's body that is empty or longer than `max` bytes.
pub(super) fn check_body(body: &[u8], max: usize) -> Result<(), Refusal> {
    match body.len() {
        0 => Err(Refusal::malformed("an envelope is empty")),
        size if size > max => Err(Refusal::new(
            Reason::TooLarge,
            format!("an envelope holds at most {max} bytes"),
        )),
        _ => Ok(()),
    }
}

fn head(head: &LogHead) -> Option<Head> {
    Some(Head {
        length: head.length,
        hash: head.hash.as_ref().try_into().ok()?,
    })
}
