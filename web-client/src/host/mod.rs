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
//! before it goes away. The owner alone opens the vault, runs the engine and talks to the relay; the others pass on what
//! their tab asks and what the owner tells ([`link`]).
//!
//! | module | holds |
//! |---|---|
//! | [`inbox`] | everything that can happen to a worker, in one bounded queue |
//! | [`election`] | the lock that makes an owner |
//! | [`link`] | what workers of different tabs say to each other |
//! | [`machine`] | what the host needs of an engine |
//! | [`owner`] | inputs in, one commit, effects out |
//! | [`effects`] | how each effect is carried out |
//! | [`follower`] | a tab without an engine of its own |
//! | [`asked`] | which intents still wait for their answer, and where it belongs |
//! | [`fatal`] | how a worker ends |

mod asked;
mod effects;
mod election;
mod fatal;
mod follower;
mod inbox;
mod link;
mod machine;
mod owner;

use wasm_bindgen_futures::spawn_local;

use crate::platform::channel::Channel;
use crate::platform::scope;
use crate::platform::tab::Tab;
use crate::port::{FatalKind, ToWorker};
use crate::vault::Canary;

pub use machine::Machine;

use asked::Asking;
use inbox::{Happening, Inbox};
use link::Build;

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
    /// Intents of the own tab that have no answer yet.
    asking: Asking,
}

/// Starts the worker: listens to the tab at once, and goes on in the background.
pub fn start<M: Machine>(new_machine: fn() -> M) {
    fatal::install_panic_hook();
    let inbox = Inbox::default();
    let told = inbox.clone();
    let tab = Tab::listen(move |message| {
        told.put(message.map_or(Happening::Broken, Happening::Tab));
    });
    let heard = inbox.clone();
    let build = Build::of(&scope().location().pathname());
    let channel = Channel::join(CHANNEL, move |bytes| {
        if let Some(link) = build.decode(&bytes) {
            heard.put(Happening::Link(link));
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
        asking: Asking::default(),
    };
    spawn_local(worker.run(new_machine));
}

impl Worker {
    async fn run<M: Machine>(mut self, new_machine: fn() -> M) {
        self.hear_start().await;
        loop {
            let lock = match follower::run(&mut self).await {
                Ok(lock) => lock,
                Err(kind) => return fatal::end(kind),
            };
            match owner::run(&mut self, lock, new_machine).await {
                // Another owner has the vault: stand behind it.
                owner::End::Fenced => {}
                owner::End::Fatal(kind) => return fatal::end(kind),
            }
        }
    }

    /// The tab's first word brings the canary.
    async fn hear_start(&mut self) {
        let first = self.inbox.next().await;
        if let Happening::Tab(ToWorker::Start { canary }) = first {
            self.canary = canary.as_deref().and_then(Canary::parse);
        } else {
            self.inbox.put_back(first);
        }
    }
}
