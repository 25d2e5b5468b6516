//! Logs that the relay cannot read: it verifies who writes and in which order, as every reader does again.

use std::sync::Arc;

use chopar_identity::{Ed25519Public, OpaqueAppend, OpaqueError, OpaqueHead};
use chopar_wire::ids::OpaqueLogId;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::{self, AppendOpaque, FetchOpaque, OpaqueLog, Reason, relay_frame::Body};
use prost::Message;

use super::answers::{Outcome, Refusal};
use super::session::Session;
use crate::core::Core;
use crate::policy::limits::Act;
use crate::store::{self, OpaqueAppended, OpaquePlace, StoreError};

/// Appends in one answer, in bytes: any frame's bound; the client asks again for the rest.
const PAGE_BYTES: usize = 64 * 1024;

pub(super) async fn fetch(core: &Arc<Core>, session: &Session, fetch: FetchOpaque) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let log = OpaqueLogId::try_from(fetch.log.as_ref())?;
    page(core, log, OpaquePlace::Position(fetch.from))
        .await
        .map(Body::OpaqueLog)
}

pub(super) async fn append(core: &Arc<Core>, session: &Session, append: AppendOpaque) -> Outcome {
    let signed = append
        .append
        .ok_or_else(|| Refusal::malformed("there is no append"))?;
    let parsed = OpaqueAppend::parse(&signed).map_err(|fault| refusal_of(&fault))?;
    if append.log.as_ref() != parsed.log.as_bytes() {
        return Err(Refusal::malformed("the append belongs to another log"));
    }
    let act = Act::AppendOpaque {
        bytes: signed.body.len(),
        begins: parsed.parent.is_none(),
    };
    core.limiter.account(&session.account, act, core.now())?;

    let known = core.store.opaque_head(parsed.log).await?;
    if known.is_none() && parsed.parent.is_some() {
        return Err(no_such_log());
    }
    let head = known.as_ref().map(verified_head).transpose()?;
    let next = match parsed.follow(&signed, head.as_ref()) {
        Ok(next) => next,
        Err(OpaqueError::NotNext) => return late(core, &parsed, &signed).await,
        Err(fault) => return Err(refusal_of(&fault)),
    };
    let appended = core
        .store
        .append_opaque(store::OpaqueAppend {
            log: parsed.log,
            parent: known,
            head: stored_head(&next),
            signed: signed.encode_to_vec().into(),
        })
        .await?;
    match appended {
        OpaqueAppended::Done => Ok(appended_as(&parsed, next.length)),
        OpaqueAppended::Conflict => late(core, &parsed, &signed).await,
        OpaqueAppended::Full => Err(Refusal::new(
            Reason::LogFull,
            "the log holds as much as a log may: begin another",
        )),
    }
}

/// Somebody else was first, or this very append was: whose answer was lost may ask again.
async fn late(core: &Arc<Core>, append: &OpaqueAppend, signed: &Signed) -> Outcome {
    let page = page(core, append.log, OpaquePlace::After(append.parent)).await?;
    let first = page.appends.first().cloned().map(Signed::decode);
    if matches!(first, Some(Ok(first)) if first.body == signed.body) {
        return Ok(appended_as(append, page.length));
    }
    Ok(Body::OpaqueLog(page))
}

async fn page(core: &Arc<Core>, log: OpaqueLogId, from: OpaquePlace) -> Result<OpaqueLog, Refusal> {
    let page = core.store.opaque_log(log, from, PAGE_BYTES).await?;
    let page = page.ok_or_else(no_such_log)?;
    Ok(OpaqueLog {
        log: log.into(),
        from: page.from,
        appends: page.appends,
        length: page.length,
        appended: false,
    })
}

fn appended_as(append: &OpaqueAppend, length: u32) -> Body {
    Body::OpaqueLog(relay::OpaqueLog {
        log: append.log.into(),
        from: length,
        appends: Vec::new(),
        length,
        appended: true,
    })
}

fn no_such_log() -> Refusal {
    Refusal::new(Reason::NoSuchLog, "there is no log of this id")
}

fn refusal_of(fault: &OpaqueError) -> Refusal {
    let reason = match fault {
        OpaqueError::TooLarge => Reason::TooLarge,
        OpaqueError::BadSignature => Reason::NotAllowed,
        _ => Reason::Malformed,
    };
    Refusal::new(reason, fault.to_string())
}

fn verified_head(stored: &store::OpaqueHead) -> Result<OpaqueHead, Refusal> {
    let write_key = Ed25519Public::parse(&stored.write_key).map_err(|_| {
        tracing::error!("a stored write key is none");
        Refusal::from(StoreError::Failed(String::new()))
    })?;
    Ok(OpaqueHead {
        length: stored.length,
        hash: stored.hash,
        write_key,
    })
}

fn stored_head(head: &OpaqueHead) -> store::OpaqueHead {
    store::OpaqueHead {
        length: head.length,
        hash: head.hash,
        write_key: *head.write_key.as_bytes(),
    }
}
