//! Account logs and prekeys: what is verified here is verified by clients again.

use std::sync::Arc;

use chopar_identity::{AccountLog, LogError, Signer, verify_base, verify_one_time};
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::limits::{MAX_LOG_ENTRY, MAX_ONE_TIME_PER_FRAME, ONE_TIME_LOW, ONE_TIME_POOL};
use chopar_wire::proto::identity::{Bundle, Entry, EntryBody, LogHead, Signed};
use chopar_wire::proto::relay::{
    AddOneTime, AppendLog, ClaimBundle, ClaimedBundle, FetchLog, Log, LogConflict, PublishBundle, Reason,
    relay_frame::Body,
};
use prost::Message;

use super::answers::{Outcome, Refusal, done};
use super::registration::{SEQUENCE_RULE, is_sequence};
use super::registry::Push;
use super::session::Session;
use crate::core::Core;
use crate::policy::devices;
use crate::policy::limits::Act;
use crate::store::{Append, Appended, Claim, LogPage, StoreError};
use chopar_wire::close::CloseCode;

/// Entries in one answer, in bytes: any frame's bound; the client asks again for the rest.
const PAGE_BYTES: usize = 64 * 1024;

pub(crate) async fn fetch_log(core: &Arc<Core>, session: &Session, fetch: FetchLog) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let account = AccountId::try_from(fetch.account.as_ref())?;
    part(core, account, fetch.from).await
}

/// As much of a log from a position on as one answer holds.
pub(super) async fn part(core: &Arc<Core>, account: AccountId, from: u32) -> Outcome {
    let page = core.store.log(account, from, PAGE_BYTES).await?;
    let page = page.ok_or_else(|| Refusal::new(Reason::NoSuchAccount, "no such account"))?;
    Ok(Body::Log(Log {
        account: account.into(),
        from: page.from,
        entries: entries(&page)?,
        head: Some(LogHead {
            length: page.head.length,
            hash: page.head.hash.to_vec().into(),
        }),
    }))
}

pub(crate) async fn append_log(core: &Arc<Core>, session: &Session, append: AppendLog) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let entry = append
        .entry
        .ok_or_else(|| Refusal::malformed("there is no entry"))?;
    append_entry(core, session.account, entry, |_| true).await
}

/// Verifies an entry against an account's log and appends it if it is by somebody who may, or says what came first.
pub(super) async fn append_entry(
    core: &Arc<Core>,
    account: AccountId,
    entry: Entry,
    may: fn(&Signer) -> bool,
) -> Outcome {
    let invalid = |fault: &str| Refusal::new(Reason::LogInvalid, fault);
    if entry.encoded_len() > MAX_LOG_ENTRY {
        return Err(Refusal::new(
            Reason::TooLarge,
            format!("an entry has at most {MAX_LOG_ENTRY} bytes"),
        ));
    }
    let body = EntryBody::decode(entry.body.clone()).map_err(|_| invalid("the entry is malformed"))?;
    if body.account.as_ref() != account.as_bytes() {
        return Err(Refusal::new(
            Reason::NotAllowed,
            "the entry belongs to another account",
        ));
    }
    let known = whole(core, account).await?;
    let known = known.ok_or_else(|| Refusal::new(Reason::NoSuchAccount, "no such account"))?;
    let judged = off_thread(move || {
        let mut log = verified(&account, &known)?;
        let parent = devices::head(&log);
        if body.parent.as_ref() != parent.hash || body.position != parent.length {
            let shared = log
                .prefix_hash(body.position)
                .is_some_and(|hash| hash == body.parent.as_ref());
            return Ok(Err(if shared { body.position } else { 0 }));
        }
        match log.extend(std::slice::from_ref(&entry)) {
            Ok(changes) if !changes.iter().all(|change| may(&change.by)) => Err(Refusal::new(
                Reason::NotAllowed,
                "the entry is not by the account key",
            )),
            Ok(changes) => {
                let (added, removed) = devices::effects(&changes);
                let entry = devices::log_entry(&entry);
                Ok(Ok(Append {
                    account,
                    parent,
                    entry,
                    added,
                    removed,
                }))
            }
            Err(LogError::TooLong { limit }) => Err(Refusal::new(
                Reason::LogFull,
                format!("the log has {limit} entries"),
            )),
            Err(fault) => Err(Refusal::new(Reason::LogInvalid, fault.to_string())),
        }
    })
    .await?;
    let append = match judged {
        Ok(append) => append,
        Err(from) => return conflict(core, account, from).await,
    };
    let (length, removed) = (append.parent.length, append.removed.clone());
    match core.store.append_log(append).await? {
        Appended::Conflict => conflict(core, account, length).await,
        Appended::DeviceExists => Err(Refusal::new(
            Reason::DeviceExists,
            "the device belongs to an account already",
        )),
        Appended::Done => {
            for device in removed {
                core.registry.push(&device, Push::Close(CloseCode::Revoked));
            }
            done()
        }
    }
}

/// A stored log as it verifies, or `None` without such an account.
pub(super) async fn log_of(core: &Arc<Core>, account: AccountId) -> Result<Option<AccountLog>, Refusal> {
    match whole(core, account).await? {
        Some(known) => off_thread(move || verified(&account, &known)).await.map(Some),
        None => Ok(None),
    }
}

async fn whole(core: &Arc<Core>, account: AccountId) -> Result<Option<Vec<Entry>>, Refusal> {
    let page = core.store.log(account, 0, usize::MAX).await?;
    page.map(|page| entries(&page)).transpose()
}

/// Up to 256 entries of three signatures: tens of milliseconds that no other connection waits for, so never on the runtime's
/// own threads.
fn verified(account: &AccountId, known: &[Entry]) -> Result<AccountLog, Refusal> {
    AccountLog::verify(account, known).map_err(|fault| {
        tracing::error!(%fault, "a stored log does not verify");
        Refusal::from(StoreError::Failed(String::new()))
    })
}

/// Somebody else was first: here is what the client does not know yet.
async fn conflict(core: &Arc<Core>, account: AccountId, from: u32) -> Outcome {
    let page = core.store.log(account, from, PAGE_BYTES).await?;
    let page = page.ok_or_else(|| Refusal::new(Reason::NoSuchAccount, "no such account"))?;
    Ok(Body::LogConflict(LogConflict {
        from: page.from,
        entries: entries(&page)?,
    }))
}

pub(crate) async fn publish_bundle(core: &Arc<Core>, session: &Session, publish: PublishBundle) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let invalid = |fault: String| Refusal::new(Reason::BundleInvalid, fault);
    let signed = publish
        .bundle
        .ok_or_else(|| invalid("there is no bundle".to_owned()))?;
    let keys = devices::keys(&session.keys).map_err(|fault| invalid(fault.to_string()))?;
    let base = verify_base(&session.account, &keys, &signed).map_err(|fault| invalid(fault.to_string()))?;
    if !is_sequence(base.sequence) {
        return Err(invalid(SEQUENCE_RULE.to_owned()));
    }
    let risen = core
        .store
        .publish_bundle(session.device, base.sequence, signed.encode_to_vec().into())
        .await?;
    if risen {
        done()
    } else {
        Err(invalid("the sequence number does not rise".to_owned()))
    }
}

pub(crate) async fn add_one_time(core: &Arc<Core>, session: &Session, add: AddOneTime) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    if add.one_time.len() > MAX_ONE_TIME_PER_FRAME {
        let detail = format!("at most {MAX_ONE_TIME_PER_FRAME} pairs come in one frame");
        return Err(Refusal::new(Reason::TooLarge, detail));
    }
    let publics = session.keys;
    let pairs = off_thread(move || {
        let invalid = |fault: String| Refusal::new(Reason::BundleInvalid, fault);
        let keys = devices::keys(&publics).map_err(|fault| invalid(fault.to_string()))?;
        let verified = |signed: &Signed| {
            let pair = verify_one_time(&keys, signed).map_err(|fault| invalid(fault.to_string()))?;
            Ok((pair.id, signed.encode_to_vec().into()))
        };
        add.one_time
            .iter()
            .map(verified)
            .collect::<Result<Vec<_>, Refusal>>()
    })
    .await?;
    match core.store.add_one_time(session.device, pairs).await? {
        Some(_) => done(),
        None => Err(Refusal::new(
            Reason::PoolFull,
            format!("a pool holds at most {ONE_TIME_POOL} pairs"),
        )),
    }
}

pub(crate) async fn claim_bundle(core: &Arc<Core>, session: &Session, claim: ClaimBundle) -> Outcome {
    let account = AccountId::try_from(claim.account.as_ref())?;
    let device = DeviceId::try_from(claim.device.as_ref())?;
    core.limiter.claim(&session.account, &device, core.now())?;
    match core.store.claim(account, device).await? {
        Claim::NoDevice => Err(Refusal::new(Reason::NoSuchDevice, "no such active device")),
        Claim::NoBundle => Err(Refusal::new(
            Reason::NoBundle,
            "the device has published no bundle",
        )),
        Claim::Bundle { base, one_time, left } => {
            if left < ONE_TIME_LOW {
                core.registry.push(&device, Push::OneTimeLow(left));
            }
            let bundle = Bundle {
                base: Some(decoded(base)?),
                one_time: one_time.map(decoded).transpose()?,
            };
            Ok(Body::ClaimedBundle(ClaimedBundle {
                device: claim.device,
                bundle: Some(bundle),
            }))
        }
    }
}

/// A page's entries as they travel.
pub(crate) fn entries(page: &LogPage) -> Result<Vec<Entry>, Refusal> {
    page.entries.iter().cloned().map(decoded).collect()
}

fn decoded<M: Message + Default>(bytes: prost::bytes::Bytes) -> Result<M, Refusal> {
    M::decode(bytes).map_err(|_| {
        tracing::error!("a stored record does not decode");
        Refusal::from(StoreError::Failed(String::new()))
    })
}

/// Runs what takes long beside the runtime's own threads.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Refusal::from(StoreError::Failed("a worker stopped".to_owned()))))
}
