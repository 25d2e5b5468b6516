//! How each effect is carried out. What takes time answers through the inbox.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use chopar_engine::{Effect, Event, Input, RecordKey, Token};
use chopar_wire::AccountId;
use wasm_bindgen_futures::spawn_local;

use super::asked::From;
use super::inbox::{Happening, Inbox};
use super::machine::Machine;
use super::owner::Owner;
use crate::platform::Exception;
use crate::platform::random::system_random;
use crate::platform::socket::{ABNORMAL, NotSent, Socket, SocketEvent};
use crate::platform::tab::Tab;
use crate::port::FromWorker;
use crate::vault::{Page, VaultError, Wanted};

/// Where the relay takes connections.
const CONNECT: &str = "/v1/connect";

impl<M: Machine> Owner<'_, M> {
    /// Carries out one effect. An error is one of a line to the tabs; whatever else fails is an input.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Result<(), Exception> {
        match effect {
            Effect::Connect => self.connect(),
            Effect::Disconnect => self.socket = None,
            Effect::Transmit(message) => self.transmit(&message),
            Effect::WakeAt(at) => {
                self.wake_at = Some(at);
                self.alarm.set(at)?;
            }
            Effect::MakeIdentity { token } => {
                let vault = self.vault.clone();
                self.later(token, async move {
                    let keys = vault.make_identity(&mut system_random()).await.ok()?;
                    Some(Input::IdentityMade { token, keys })
                });
            }
            Effect::Sign { token, inputs } => {
                let (vault, identity) = (self.vault.clone(), self.vault.identity());
                self.later(token, async move {
                    let signatures = identity?.sign(vault.crypto(), &inputs).await.ok()?;
                    Some(Input::Signed { token, signatures })
                });
            }
            Effect::Agree { token, with } => {
                let (vault, identity) = (self.vault.clone(), self.vault.identity());
                self.later(token, async move {
                    let shared = identity?.agree(vault.crypto(), &with).await.ok()?;
                    Some(Input::Agreed { token, shared })
                });
            }
            Effect::Load {
                token,
                conversation,
                before,
                limit,
            } => {
                self.load(token, conversation, before, limit);
            }
            Effect::Read { token, keys } => self.read(token, keys),
            Effect::Upload { .. }
            | Effect::Fetch { .. }
            | Effect::Keep { .. }
            | Effect::Discard(_)
            | Effect::Retain { .. } => self.carry_out_of_files(effect),
            Effect::Search {
                token,
                query,
                after,
                limit,
            } => {
                let wanted = Wanted { query, after, limit };
                self.searches.push((token, wanted));
            }
            Effect::Tell(event) => self.tell(event)?,
        }
        Ok(())
    }

    fn connect(&mut self) {
        // The old one closes first, and is not heard any more.
        self.socket = None;
        self.worker.sockets += 1;
        let number = self.worker.sockets;
        let inbox = self.worker.inbox.clone();
        let overflowed = Rc::new(Cell::new(false));
        let opened = Socket::open(CONNECT, move |event| {
            if overflowed.get() {
                return;
            }
            let event = if inbox.overflows() && matches!(event, SocketEvent::Message(_)) {
                overflowed.set(true);
                SocketEvent::Closed { code: ABNORMAL }
            } else {
                event
            };
            inbox.put(Happening::Socket(number, event));
        });
        match opened {
            Ok(socket) => self.socket = Some((number, socket)),
            Err(_) => self.done(Input::Disconnected { code: ABNORMAL }),
        }
    }

    fn transmit(&mut self, message: &[u8]) {
        let Some((number, socket)) = &self.socket else {
            return;
        };
        if socket.send(message) == Err(NotSent::Congested) {
            let closed = SocketEvent::Closed { code: ABNORMAL };
            self.worker.inbox.put(Happening::Socket(*number, closed));
        }
    }

    fn load(&self, token: Token, conversation: AccountId, before: Option<u64>, limit: u16) {
        let vault = self.vault.clone();
        self.loaded(
            token,
            async move { vault.page(&conversation, before, limit).await },
        );
    }

    fn read(&self, token: Token, keys: Vec<RecordKey>) {
        let vault = self.vault.clone();
        self.loaded(token, async move { vault.some(&keys).await });
    }

    /// What is read goes to the engine, what does not open is counted.
    fn loaded(&self, token: Token, page: impl Future<Output = Result<Page, VaultError>> + 'static) {
        let inbox = self.worker.inbox.clone();
        self.later(token, async move {
            let page = page.await.ok()?;
            if page.damaged > 0 {
                inbox.put(Happening::Damaged(page.damaged));
            }
            Some(Input::Loaded {
                token,
                records: page.records,
            })
        });
    }

    /// An answer goes where the intent came from, everything else to every tab.
    fn tell(&mut self, event: Event) -> Result<(), Exception> {
        let from = match &event {
            Event::Answered { id, .. } => self.taken.answered(*id),
            _ => None,
        };
        if let (Some(From::Here), Event::Answered { id, .. }) = (from, &event) {
            self.worker.answered(*id);
        } else if let Event::Answered { id, .. } = &event {
            self.worker.attached.forget(*id);
        }
        let message = FromWorker::Event(Box::new(event));
        match from {
            Some(From::Here) => Tab::tell(&message),
            Some(From::Elsewhere) => self.worker.tell_others(message),
            None => self.tell_all(message),
        }
    }

    /// Lets something go on in the background; `None` means that it failed.
    pub(super) fn later(&self, token: Token, answer: impl Future<Output = Option<Input>> + 'static) {
        answer_later(self.worker.inbox.clone(), self.life, token, Box::pin(answer));
    }

    pub(super) fn done(&self, input: Input) {
        self.worker.inbox.put(Happening::Done(self.life, input));
    }
}

/// One function for all of them, whatever they wait for: the code of each would otherwise be there twice.
fn answer_later(inbox: Inbox, life: u64, token: Token, answer: Pin<Box<dyn Future<Output = Option<Input>>>>) {
    spawn_local(async move {
        let input = answer.await.unwrap_or(Input::Failed { token });
        inbox.put(Happening::Done(life, input));
    });
}
