//! From a message to its file. Chunks are opened as they come and handed to the host, which says when it keeps them; only then the
//! next are fetched. The file counts when the last chunk came and its digest is that of the message. After a restart it begins
//! anew: nobody waits for it any more.

use chopar_e2ee::file::{FileDescriptor, FileOpener};
use chopar_wire::ids::FileId;
use chopar_wire::proto::content::File;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{FileGrant, OpenFile, Reason, Refused};
use chopar_wire::{AccountId, FileMark, Timestamp};

use crate::context::Context;
use crate::effect::{Effect, FileHome, Kept};
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

/// All of them. What a sender chose, an id above all, names none: two messages may say the same of different files.
pub(crate) type Fetches = Map<FileHome, Fetching>;

/// A file on its way here.
pub(crate) struct Fetching {
    /// Intents that wait for it.
    asked: Vec<u64>,
    file: FileId,
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
    Moving {
        capability: Vec<u8>,
    },
    /// The host is keeping what came.
    Keeping {
        capability: Vec<u8>,
        last: bool,
    },
}

/// What came of bytes.
enum Taken {
    Nothing,
    Some(Vec<u8>),
    All(Vec<u8>),
    NotIt,
}

impl Fetching {
    /// Opens whole chunks. One that is cut off is fetched again.
    fn take(&mut self, mut bytes: &[u8]) -> Taken {
        let before = self.at;
        let mut content = Vec::with_capacity(bytes.len());
        while let Some(wanted) = self.opener.wants() {
            let Some((chunk, rest)) = bytes.split_at_checked(wanted) else {
                return if self.at > before {
                    Taken::Some(content)
                } else {
                    Taken::Nothing
                };
            };
            let Ok(opened) = self.opener.open(chunk) else {
                return Taken::NotIt;
            };
            content.extend(opened);
            self.at += wanted as u64;
            bytes = rest;
        }
        if bytes.is_empty() && self.opener.finish().is_ok() {
            Taken::All(content)
        } else {
            Taken::NotIt
        }
    }
}

impl Engine {
    /// A person wants a file of a message whose line is at hand.
    pub(crate) fn fetch_file(
        &mut self,
        asked: u64,
        home: FileHome,
        file: Option<&File>,
        cx: &mut Context<'_>,
    ) {
        let Some(secret) = file.and_then(|file| Some(FileDescriptor::parse(file).ok()?.secret)) else {
            return cx.fail(asked, Failure::NotFound);
        };
        if let Some(fetching) = self.fetches.get_mut(&home) {
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
            file: *secret.id(),
            opener: FileOpener::new(&secret),
            size: secret.layout().stored(),
            at: 0,
            given: 0,
            way: Way::Idle,
            failures: 0,
            not_before: cx.now,
        };
        self.fetches.insert(home, fetching);
        // Before anything of it is kept, so that all of it goes with the line.
        self.opened_files.add(home.conversation, home.line, cx);
    }

    pub(crate) fn pump_fetches(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        let busy = |fetching: &&Fetching| !matches!(fetching.way, Way::Idle);
        let mut room = AT_ONCE.saturating_sub(self.fetches.values().filter(busy).count());
        for (home, fetching) in self.fetches.iter_mut() {
            if room == 0 {
                break;
            }
            if matches!(fetching.way, Way::Idle) && fetching.not_before <= cx.now {
                fetching.way = Way::Asked;
                room -= 1;
                let (id, what) = (fetching.file.into(), What::OpenFile { home: *home });
                self.requests.send(cx, what, Body::OpenFile(OpenFile { id }));
            }
        }
    }

    pub(crate) fn on_fetch_granted(&mut self, home: FileHome, grant: &FileGrant, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&home) else {
            return;
        };
        if grant.size != fetching.size || grant.id.as_ref() != fetching.file.as_bytes() {
            return self.give_fetch_up(home, Failure::FileDamaged, cx);
        }
        self.fetch_on(home, grant.capability.to_vec(), cx);
    }

    fn fetch_on(&mut self, home: FileHome, capability: Vec<u8>, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&home) else {
            return;
        };
        let (file, offset) = (fetching.file, fetching.at);
        let length = PART.min(fetching.size - offset);
        fetching.way = Way::Moving {
            capability: capability.clone(),
        };
        let token = self.tokens.wait(Waiting::Fetch { home });
        cx.effect(Effect::Fetch {
            token,
            file,
            offset,
            length,
            capability,
        });
    }

    pub(crate) fn on_fetch_moved(&mut self, home: FileHome, outcome: &Moved, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&home) else {
            return;
        };
        let Way::Moving { capability } = core::mem::replace(&mut fetching.way, Way::Idle) else {
            return;
        };
        let bytes = match outcome {
            Moved::Came(bytes) => bytes,
            Moved::Refused(404) => return self.give_fetch_up(home, Failure::NotFound, cx),
            _ => return self.fetch_put_off(home, Failure::Offline, cx),
        };
        let (bytes, last) = match fetching.take(bytes) {
            Taken::Some(bytes) => (bytes, false),
            Taken::All(bytes) => (bytes, true),
            Taken::Nothing => return self.fetch_put_off(home, Failure::RelayMisbehaved, cx),
            // The relay exchanged something, or the sender uploaded what is not the file of the message: nobody can tell.
            Taken::NotIt => return self.give_fetch_up(home, Failure::FileDamaged, cx),
        };
        let offset = fetching.given;
        fetching.given += bytes.len() as u64;
        fetching.failures = 0;
        fetching.way = Way::Keeping { capability, last };
        let token = self.tokens.wait(Waiting::Keep { home });
        cx.effect(Effect::Keep {
            token,
            home,
            offset,
            bytes,
            last,
        });
    }

    /// The host keeps what it was given: on with the next, or that was all.
    pub(crate) fn on_file_kept(&mut self, home: FileHome, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&home) else {
            return;
        };
        match core::mem::replace(&mut fetching.way, Way::Idle) {
            Way::Keeping { last: true, .. } => {
                for asked in self.fetches.remove(&home).into_iter().flat_map(|one| one.asked) {
                    cx.answer(asked, Answer::Done);
                }
            }
            Way::Keeping { capability, .. } => self.fetch_on(home, capability, cx),
            way => fetching.way = way,
        }
    }

    pub(crate) fn on_fetch_refused(&mut self, home: FileHome, refused: &Refused, cx: &mut Context<'_>) {
        match refused.reason() {
            Reason::NoSuchFile => self.give_fetch_up(home, Failure::NotFound, cx),
            _ => self.fetch_put_off(home, Failure::RateLimited, cx),
        }
    }

    /// Later, longer each time; `failure` is what is told when it is given up.
    pub(crate) fn fetch_put_off(&mut self, home: FileHome, failure: Failure, cx: &mut Context<'_>) {
        let Some(fetching) = self.fetches.get_mut(&home) else {
            return;
        };
        fetching.way = Way::Idle;
        fetching.failures += 1;
        if fetching.failures >= MAX_FAILURES {
            return self.give_fetch_up(home, failure, cx);
        }
        let wait = REFUSED_MS.saturating_mul(1 << fetching.failures);
        fetching.not_before = cx.now.plus_ms(wait.min(REFUSED_CAP_MS));
    }

    /// A person does not want a file any more.
    pub(crate) fn stop_fetch(
        &mut self,
        asked: u64,
        conversation: AccountId,
        file: FileMark,
        cx: &mut Context<'_>,
    ) {
        let it = |home: &FileHome| home.conversation == conversation && home.file == file;
        self.give_fetches_up(it, Failure::Stopped, cx);
        cx.answer(asked, Answer::Done);
    }

    /// The same for all of these.
    pub(super) fn give_fetches_up(
        &mut self,
        which: impl Fn(&FileHome) -> bool,
        failure: Failure,
        cx: &mut Context<'_>,
    ) {
        let homes: Vec<FileHome> = self.fetches.keys().copied().filter(which).collect();
        for home in homes {
            self.give_fetch_up(home, failure, cx);
        }
    }

    /// Nothing of it is kept, and whoever waits is told.
    pub(crate) fn give_fetch_up(&mut self, home: FileHome, failure: Failure, cx: &mut Context<'_>) {
        if let Some(fetching) = self.fetches.remove(&home) {
            cx.effect(Effect::Discard(Kept::Fetched(home)));
            for asked in fetching.asked {
                cx.fail(asked, failure);
            }
        }
    }

    /// The connection on which it was asked is gone: it is asked again on the next.
    pub(crate) fn fetch_grounded(&mut self, home: FileHome) {
        if let Some(fetching) = self.fetches.get_mut(&home)
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
