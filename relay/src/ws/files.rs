//! Files: room for them, capabilities, deletion. Their bytes go over HTTP (`crate::files`).

use std::sync::Arc;

use chopar_wire::ids::FileId;
use chopar_wire::limits::{FILE_GRANT_LIFETIME_MS, MIN_STORED_FILE};
use chopar_wire::proto::relay::{BeginFile, DeleteFile, FileGrant, OpenFile, Reason, relay_frame::Body};

use super::answers::{Outcome, Refusal, done};
use super::session::Session;
use crate::core::Core;
use crate::files::capability::{Capability, May};
use crate::files::upkeep;
use crate::files::upload::UNFINISHED_MS;
use crate::policy::limits::Act;
use crate::store::{Begun, FileFacts, FileRoom, NewFile, StoreError};

/// Unfinished uploads of one device: what somebody attaches at once, with room for some that were given up.
const UNFINISHED_MAX: u64 = 32;

pub(super) async fn begin(core: &Arc<Core>, session: &Session, begin: BeginFile) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let file = FileId::try_from(begin.id.as_ref())?;
    let limits = &core.config.files;
    if begin.size < MIN_STORED_FILE {
        return Err(Refusal::malformed(format!(
            "an encrypted file has at least {MIN_STORED_FILE} bytes"
        )));
    }
    if begin.size > limits.bytes_max {
        return Err(Refusal::new(
            Reason::TooLarge,
            format!("a file here has at most {} bytes", limits.bytes_max),
        ));
    }
    let new = NewFile {
        file,
        account: session.account,
        device: session.device,
        size: begin.size,
        expires: core.now().saturating_add(UNFINISHED_MS),
        room: FileRoom {
            of_account: limits.bytes_of_member,
            in_total: limits.bytes_in_total,
            unfinished: UNFINISHED_MAX,
        },
    };
    let mut begun = core.store.begin_file(new).await?;
    if begun == Begun::Ended {
        upkeep::delete(core, file).await?;
        begun = core.store.begin_file(new).await?;
    }
    let full = |detail: &str| Err(Refusal::new(Reason::FilesFull, detail));
    match begun {
        Begun::Ready(facts) => Ok(grant(core, session, file, May::Upload, &facts)),
        Begun::Taken => Err(Refusal::new(
            Reason::FileExists,
            "this id is another file's: draw a fresh one",
        )),
        Begun::Ended => Err(Refusal::from(StoreError::Busy)),
        Begun::TooManyUnfinished => {
            full("too many uploads of this device are unfinished: finish or delete some")
        }
        Begun::AccountFull => {
            full("this member's room for files is used up: delete some, or wait until some expire")
        }
        Begun::Full => {
            tracing::warn!("there is no room for more files");
            Err(Refusal::from(StoreError::Full))
        }
    }
}

pub(super) async fn open(core: &Arc<Core>, session: &Session, open: OpenFile) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let file = FileId::try_from(open.id.as_ref())?;
    match core.store.file(file).await? {
        Some(facts) if facts.is_whole() => Ok(grant(core, session, file, May::Fetch, &facts)),
        _ => Err(Refusal::new(
            Reason::NoSuchFile,
            "there is no such file, or none any more",
        )),
    }
}

/// Of another account's file nothing is said: whoever knows its id may fetch it, and that is all.
pub(super) async fn delete(core: &Arc<Core>, session: &Session, delete: DeleteFile) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let file = FileId::try_from(delete.id.as_ref())?;
    if core.store.end_file(file, session.account).await?
        && let Err(fault) = upkeep::delete(core, file).await
    {
        tracing::warn!(%fault, "a file's bytes could not be deleted; it is tried again");
    }
    done()
}

fn grant(core: &Core, session: &Session, file: FileId, may: May, facts: &FileFacts) -> Body {
    let expires = core.now().saturating_add(FILE_GRANT_LIFETIME_MS);
    let capability = Capability {
        may,
        file,
        account: session.account,
        device: session.device,
        expires,
    };
    Body::FileGrant(FileGrant {
        id: file.into(),
        capability: core.vault.key.seal(&capability).into(),
        expires,
        size: facts.size,
        received: facts.received,
        kept_until: facts.expires,
    })
}
