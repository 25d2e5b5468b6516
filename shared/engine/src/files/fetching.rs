//! From a message to its file. Chunks are opened as they come and handed to the host one after the other; the file counts when
//! the last one came and its digest is that of the message. After a restart it begins anew: nobody waits for it any more.

use chopar_e2ee::file::{FileDescriptor, FileOpener};
use chopar_wire::Timestamp;
use chopar_wire::ids::FileId;
use chopar_wire::proto::content::File;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{FileGrant, OpenFile, Reason, Refused};

use crate::context::Context;
use crate::effect::{Effect, Kept};
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::input::Moved;
use crate::map::Map;
use crate::requests::What;
use crate::submitted::{REFUSED_CAP_MS, REFUSED_MS};
use crate::tokens::Waiting;

/// Bytes of one request: sixteen chunks.
const PART: u64 = 16 * 65_552;
/// Files that are fetched or wait for it, at most.
const MAX_FETCHES: usize = 64;
/// Files that are fetched at one time.
const AT_ONCE: usize = 2;
/// Attempts in a row that bring nothing, until it is given up: a few minutes.
const MAX_FAILURES: u32 = 8;

/// All of them.
pub(crate) type Fetches = Map<FileId, Fetching>;

/// A file on its way here.
pub(crate) struct Fetching {
    /// Intents that wait for it.
    asked: Vec<u64>,
    opener: FileOpener,
    /// As it lies at the relay.
    size: u64,
    /// Bytes of it that were opened.
    at: u64,
    /// Bytes of the file that were handed to the host.
    given: u64,
    way: Way,
    failures: u32,
    not_before: Timestamp,
}

enum Way {
    Idle,
    Asked,
    Moving { capability: Vec<u8> },
}

/// What came of bytes.
enum Taken {
    Nothing,
    Some,
    All,
    NotIt,
}

impl Fetching {
    /// Opens whole chunks; each becomes a part of the file. A chunk that is cut off is fetched again.
    fn take(&mut self, mut bytes: &[u8], keep: &mut Vec<(u64, Vec<u8>)>) -> Taken {
        let before = self.at;
        while let Some(wanted) = self.opener.wants() {
            let Some((chunk, rest)) = bytes.split_at_checked(wanted) else {
                return if self.at > before {
                    Taken::Some
                } else {
                    Taken::Nothing
                };
            };
            let Ok(content) = self.opener.open(chunk) else {
                return Taken::NotIt;
            };
            let length = content.len() as u64;
            // The first is told of even if the file is empty.
            if length > 0 || self.at == 0 {
                keep.push((self.given, content));
            }
            self.given += length;
            self.at += wanted as u64;
            bytes = rest;
        }
        if bytes.is_empty() {
            Taken::All
        } else {
            Taken::NotIt
        }
    }
}

impl Engine {
    /// A person wants a file of a message whose line is at hand.
    pub(crate) fn fetch_file(&mut self, asked: u64, file: Option<&File>, cx: &mut Context<'_>) {
        let Some(secret) = file.and_then(|file| Some(FileDescriptor::parse(file).ok()?.secret)) else {
            return cx.fail(asked, Failure::NotFound);
        };
        if let Some(fetching) = self.fetches.get_mut(secret.id()) {
            fetching.asked.push(asked);
            return;
        }
        if self.link.hopeless() {
            return cx.fail(asked, Failure::Offline);
        }
        if self.fetches.len() >= MAX_FETCHES {
            return cx.fail(asked, Failure::RateLimited);
        }
        let fetching = Fetching {
            asked: vec![asked],
            opener: FileOpener::new(&secret),
            size: secret.layout().stored(),
            at: 0,
            given: 0,
            way: Way::Idle,
            failures: 0,
            not_before: cx.now,
        };
        self.fetches.insert(*secret.id(), fetching);
    }

    pub(crate) fn pump_fetches(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        let busy = |fetching: &&Fetching| !matches!(fetching.way, Way::Idle);
        let mut room = AT_ONCE.saturating_sub(self.fetches.values().filter(busy).count());
        for (file, fetching) in self.fetches.iter_mut() {
            if room == 0 {
                break;
            }
            if matches!(fetching.way, Way::Idle) && fetching.not_before <= cx.now {
                fetching.way = Way::Asked;
                room -= 1;
                let (id, what) = ((*file).into(), What::OpenFile { file: *file });
                self.requests.send(cx, what, Body::OpenFile(OpenFile { id }));
            }
        }
    }

    pub(crate) fn on_fetch_granted(&mut self, file: FileId, grant: &FileGrant, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&file) else {
            return;
        };
        if grant.size != fetching.size || grant.id.as_ref() != file.as_bytes() {
            return self.give_fetch_up(file, Failure::RelayMisbehaved, cx);
        }
        self.fetch_on(file, grant.capability.to_vec(), cx);
    }

    fn fetch_on(&mut self, file: FileId, capability: Vec<u8>, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&file) else {
            return;
        };
        let (offset, length) = (fetching.at, PART.min(fetching.size - fetching.at));
        fetching.way = Way::Moving {
            capability: capability.clone(),
        };
        let token = self.tokens.wait(Waiting::Fetch { file });
        cx.effect(Effect::Fetch {
            token,
            file,
            offset,
            length,
            capability,
        });
    }

    pub(crate) fn on_fetch_moved(&mut self, file: FileId, outcome: &Moved, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&file) else {
            return;
        };
        let way = core::mem::replace(&mut fetching.way, Way::Idle);
        let bytes = match outcome {
            Moved::Came(bytes) => bytes,
            Moved::Refused(404) => return self.give_fetch_up(file, Failure::NotFound, cx),
            _ => return self.fetch_put_off(file, Failure::Offline, cx),
        };
        let mut keep = Vec::new();
        let taken = fetching.take(bytes, &mut keep);
        for (offset, bytes) in keep {
            cx.effect(Effect::Keep { file, offset, bytes });
        }
        match (taken, way) {
            (Taken::Some, Way::Moving { capability }) => {
                fetching.failures = 0;
                self.fetch_on(file, capability, cx);
            }
            (Taken::All, _) => self.fetched(file, cx),
            (Taken::NotIt, _) => self.give_fetch_up(file, Failure::RelayMisbehaved, cx),
            (Taken::Nothing | Taken::Some, _) => self.fetch_put_off(file, Failure::RelayMisbehaved, cx),
        }
    }

    fn fetched(&mut self, file: FileId, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.remove(&file) else {
            return;
        };
        match fetching.opener.finish() {
            Ok(()) => {
                for asked in fetching.asked {
                    cx.answer(asked, Answer::Done);
                }
            }
            Err(_) => discard(file, fetching.asked, Failure::RelayMisbehaved, cx),
        }
    }

    pub(crate) fn on_fetch_refused(&mut self, file: FileId, refused: &Refused, cx: &mut Context<'_>) {
        match refused.reason() {
            Reason::NoSuchFile => self.give_fetch_up(file, Failure::NotFound, cx),
            _ => self.fetch_put_off(file, Failure::RateLimited, cx),
        }
    }

    /// Later, longer each time; `failure` is what is told when it is given up.
    pub(crate) fn fetch_put_off(&mut self, file: FileId, failure: Failure, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&file) else {
            return;
        };
        fetching.way = Way::Idle;
        fetching.failures += 1;
        if fetching.failures >= MAX_FAILURES {
            return self.give_fetch_up(file, failure, cx);
        }
        let wait = REFUSED_MS.saturating_mul(1 << fetching.failures);
        fetching.not_before = cx.now.plus_ms(wait.min(REFUSED_CAP_MS));
    }

    /// Nothing of it is kept, and whoever waits is told.
    pub(crate) fn give_fetch_up(&mut self, file: FileId, failure: Failure, cx: &mut Context<'_>) {
        if let Some(fetching) = self.fetches.remove(&file) {
            discard(file, fetching.asked, failure, cx);
        }
    }

    /// The connection on which it was asked is gone: it is asked again on the next.
    pub(crate) fn fetch_grounded(&mut self, file: FileId) {
        if let Some(fetching) = self.fetches.get_mut(&file)
            && matches!(fetching.way, Way::Asked)
        {
            fetching.way = Way::Idle;
        }
    }

    /// When a fetch is tried next.
    pub(crate) fn fetches_due(&self, now: Timestamp) -> Option<Timestamp> {
        let idle = |one: &&Fetching| matches!(one.way, Way::Idle) && one.not_before > now;
        self.fetches.values().filter(idle).map(|one| one.not_before).min()
    }
}

fn discard(file: FileId, asked: Vec<u64>, failure: Failure, cx: &mut Context<'_>) {
    let kept = Kept::Fetched;
    cx.effect(Effect::Discard { file, kept });
    for asked in asked {
        cx.fail(asked, failure);
    }
}
