//! The host: runs the engine in this worker, and stands for it where another tab's worker runs it.
//!
//! ```text
//!   own tab     --\                              /--> vault (one transaction)
//!   other tabs  ---+--> inbox --> [ owner ] -----+--> then: relay, WebCrypto, alarm, page reads, tabs
//!   relay, alarm -/         \
//!                            \--> [ follower ] ------> other tabs' owner, own tab
//! ```
//!
//! Everything that happens goes through one [`inbox`], and one loop takes it from there. A worker begins as a follower
//! and becomes the owner when it is granted the Web Lock ([`election`]): at once in the first tab, later when the tab
//! before it goes away or is frozen. The owner alone opens the vault, runs the engine and talks to the relay; the others pass on what
//! their tab asks and what the owner tells ([`link`]).
//!
//! | module | holds |
//! |---|---|
//! | [`inbox`] | everything that can happen to a worker, in one bounded queue |
//! | [`election`] | the lock that makes an owner |
//! | [`link`] | what workers of different tabs say to each other |
//! | [`machine`] | what the host needs of an engine |
//! | [`owner`] | inputs in, one commit, effects out |
//! | [`told`] | what tabs say to an owner beside asking |
//! | [`effects`] | how each effect is carried out |
//! | [`indexing`] | searching the index of lines, and building it |
//! | [`follower`] | a tab without an engine of its own |
//! | [`asked`], [`attached`] | which intents still wait for their answer, and where it belongs; files that came with them |
//! | [`sealing`], [`moving`] | files: encrypted for a message; their way up and down, and what is kept of them |
//! | [`locked`], [`lost`] | before a vault that needs a secret, or that nobody can open |
//! | [`busy`] | for how long a worker that computes does not answer |
//! | [`relock`], [`idle`] | another lock, and when it locks itself |
//! | [`fatal`] | how a worker ends |

mod asked;
mod attached;
mod busy;
mod effects;
mod election;
mod fatal;
mod follower;
mod idle;
mod inbox;
mod indexing;
mod link;
mod locked;
mod lost;
mod machine;
mod moving;
mod owner;
mod relock;
mod sealing;
mod told;

use std::cell::Cell;
use std::rc::Rc;

use chopar_wire::Timestamp;
use wasm_bindgen_futures::spawn_local;

use crate::platform::channel::Channel;
use crate::platform::tab::Tab;
use crate::platform::{clock, scope};
use crate::port::{FatalKind, FromWorker, ToWorker};
use crate::vault::{Canary, SharedKey};

pub use machine::Machine;

use asked::Asking;
use attached::Attached;
use busy::Busy;
use election::Temper;
use follower::Leave;
use inbox::{Happening, Inbox};
use link::{Build, Heard, Link};

/// Where the workers of one browser profile meet.
const CHANNEL: &str = "chopar-tabs";

/// Everything one worker has, whichever part it plays.
struct Worker {
    inbox: Inbox,
    channel: Channel,
    build: Build,
    _tab: Tab,
    /// What localStorage had when the tab started.
    canary: Option<Canary>,
    /// The data key of a lock that was opened, here or in another tab.
    key: Option<SharedKey>,
    /// Intents of the own tab that have no answer yet.
    asking: Asking,
    /// The files that came with what was asked.
    attached: Attached,
    /// Which part this worker plays, as those who knock are told.
    part: Rc<Cell<Part>>,
    /// For how long it will not answer, as they are told too.
    busy: Busy,
    /// When somebody last used a tab, as far as this worker has heard.
    used_at: Timestamp,
    /// That it is to lock, and is not done: what goes wrong meanwhile does not undo it.
    locking: Option<Locking>,
    temper: Temper,
    /// How many engines have lived in this worker.
    lives: u64,
    /// Numbers sockets, over all those lives: what an earlier one still said is not heard.
    sockets: u64,
}

/// Which part a worker plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Stands in line.
    Follows,
    /// Has the lock, and has not opened the vault.
    Opens,
    /// Owns the vault, in this epoch.
    Owns(u64),
}

/// Why it is to lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locking {
    /// A person wants it.
    Wanted,
    /// Nobody was there for long enough.
    Idle,
}

impl Part {
    /// The epoch, 0 where there is none.
    const fn epoch(self) -> u64 {
        match self {
            Self::Follows | Self::Opens => 0,
            Self::Owns(epoch) => epoch,
        }
    }
}

/// Starts the worker: listens to the tab at once, and goes on in the background.
pub fn start<M: Machine>(new_machine: fn() -> M) {
    fatal::install_panic_hook();
    let inbox = Inbox::default();
    let told = inbox.clone();
    let attached = Attached::default();
    let (own, others) = (attached.clone(), attached.clone());
    let tab = Tab::listen(move |message| {
        told.put(match message {
            Some((message, blobs)) => {
                if let Some(id) = message.waits() {
                    own.put(id, blobs);
                }
                Happening::Tab(message)
            }
            None => Happening::Broken,
        });
    });
    let heard = inbox.clone();
    let build = Build::of(&scope().location().pathname());
    let part = Rc::new(Cell::new(Part::Follows));
    let (playing, busy) = (part.clone(), Busy::default());
    let computing = busy.clone();
    let channel = Channel::join(CHANNEL, move |bytes, blobs| match build.decode(bytes)? {
        // Here and not in the loop: what is asked is whether this worker runs at all.
        Heard::Ours(Link::Knock) => match playing.get() {
            Part::Follows => None,
            part => build.encode(&Link::Alive {
                epoch: part.epoch(),
                busy_ms: computing.left_ms(clock::now()),
            }),
        },
        Heard::Ours(Link::Told {
            message: FromWorker::FileTaken { id },
            ..
        }) => {
            heard.put(Happening::FileHanded(id, blobs.into_iter().next()));
            None
        }
        link => {
            if let Heard::Ours(Link::Passed(asked)) = &link
                && let Some(id) = asked.waits()
                && playing.get() != Part::Follows
            {
                others.put(id, blobs);
            }
            heard.put(Happening::Link(link));
            None
        }
    });
    let Ok(channel) = channel else {
        return fatal::end(FatalKind::BrowserTooOld);
    };
    let worker = Worker {
        inbox,
        channel,
        build,
        _tab: tab,
        canary: None,
        key: None,
        asking: Asking::default(),
        attached,
        part,
        busy,
        used_at: clock::now(),
        locking: None,
        temper: Temper::default(),
        lives: 0,
        sockets: 0,
    };
    spawn_local(worker.run(new_machine));
}

impl Worker {
    async fn run<M: Machine>(mut self, new_machine: fn() -> M) {
        self.hear_start().await;
        let mut before = None;
        loop {
            let lock = match follower::run(&mut self, before).await {
                Ok(lock) => lock,
                Err(Leave::Fatal(kind)) => return fatal::end(kind),
                Err(Leave::Locked) => return fatal::lock(),
            };
            match owner::run(&mut self, lock, new_machine).await {
                // Another owner has the vault: stand behind it.
                owner::End::Fenced => before = Some(self.part.get().epoch()),
                owner::End::Fatal(kind) => return fatal::end(kind),
                owner::End::Locked => return fatal::lock(),
            }
        }
    }

    /// The tab's first word brings the canary. What other tabs say before it keeps its order.
    async fn hear_start(&mut self) {
        let mut others = Vec::new();
        loop {
            match self.inbox.next().await {
                Happening::Tab(ToWorker::Start { canary }) => {
                    self.canary = canary.as_deref().and_then(Canary::parse);
                    break;
                }
                // A tab that says something else is not of this build: the next to listen says so.
                broken @ Happening::Broken => {
                    others.push(broken);
                    break;
                }
                other => others.push(other),
            }
        }
        for other in others.into_iter().rev() {
            self.inbox.put_back(other);
        }
    }
}
