//! The way to the engine worker: intents out, answers back to whoever asked, everything else to one listener.

use std::rc::Rc;

use chopar_engine::{Answer, Asked, Failure, FileHome, Intent};
use chopar_wire::MessageId;
use leptos::prelude::document;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Blob, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};
use zeroize::Zeroizing;

use super::own;
use super::waits::Waits;
use crate::platform::parcel::Parcel;
use crate::port::{FatalKind, FromWorker, LockAnswer, LockChange, Secret, Sending, ToWorker};

/// Bytes that are set aside for a message before it is encoded: those with a secret are shorter, and so leave no copy behind where
/// the room grew.
const ROOM: usize = 8 * 1024;

/// The page's end of the port.
pub(crate) struct Client {
    // Browser objects belong to this thread, and there is no other.
    worker: SendWrapper<Worker>,
    asked: Waits<Answer>,
    taking: Waits<Option<SendWrapper<Blob>>>,
    locking: Waits<LockAnswer>,
}

impl Client {
    /// Starts the engine worker named by the page, with the page's own compiled module.
    ///
    /// # Errors
    /// What the browser threw, or that the page names no worker.
    pub(crate) fn start() -> Result<Self, JsValue> {
        let path = document()
            .query_selector("meta[name='chopar-worker']")?
            .and_then(|meta| meta.get_attribute("content"))
            .ok_or("the page names no worker")?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("chopar-engine");
        let worker = Worker::new_with_options(&path, &options)?;
        // The worker's script waits for it: nothing is loaded or compiled twice.
        worker.post_message(&wasm_bindgen::module())?;
        let client = Self {
            worker: SendWrapper::new(worker),
            asked: Waits::default(),
            taking: Waits::default(),
            locking: Waits::default(),
        };
        client.post(&ToWorker::Start {
            canary: own::canary(),
        });
        Ok(client)
    }

    /// Hears the worker for as long as the page lives, and the blob beside what it says.
    pub(crate) fn listen(&self, heard: impl Fn(FromWorker, Option<Blob>) + 'static) {
        let heard = Rc::new(heard);
        let on_message = {
            let heard = Rc::clone(&heard);
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let parcel = Parcel::unpack(event.data());
                let message = parcel
                    .as_ref()
                    .and_then(|parcel| postcard::from_bytes(&parcel.bytes).ok());
                let blob = parcel.and_then(|parcel| parcel.blobs.into_iter().next());
                heard(message.unwrap_or(FromWorker::Fatal(FatalKind::Crashed)), blob);
            })
        };
        // A worker that cannot start says why in the message of its error event; the keys stand in static/boot.js.
        let on_error = Closure::<dyn Fn(ErrorEvent)>::new(move |event: ErrorEvent| {
            let message = event.message();
            let kind = match message.rsplit(' ').next() {
                Some("old") => FatalKind::BrowserTooOld,
                Some("unreachable") => FatalKind::Unreachable,
                _ => FatalKind::Crashed,
            };
            heard(FromWorker::Fatal(kind), None);
        });
        self.worker
            .set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        self.worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        on_message.forget();
        on_error.forget();
    }

    /// Asks, and waits for the answer. A worker that is gone answers that the browser could not.
    pub(crate) async fn ask(&self, intent: Intent) -> Answer {
        let (id, answer) = self.asked.begin();
        if !self.post(&ToWorker::Asked(Asked { id, intent })) {
            return Answer::Failed(Failure::Browser);
        }
        answer.await.unwrap_or(Answer::Failed(Failure::Browser))
    }

    /// Sends files with what is said of them, and waits for the answer as with an intent.
    pub(crate) async fn send_files(&self, sending: Sending, blobs: &[Blob]) -> Answer {
        let (id, answer) = self.asked.begin();
        let sending = Box::new(sending);
        if !self.post_with(&ToWorker::SendFiles { id, sending }, blobs) {
            return Answer::Failed(Failure::Browser);
        }
        answer.await.unwrap_or(Answer::Failed(Failure::Browser))
    }

    /// A file that is kept in this browser; `None` where it is not, or not all of it.
    pub(crate) async fn take_file(&self, file: FileHome) -> Option<Blob> {
        let (id, blob) = self.taking.begin();
        if !self.post(&ToWorker::TakeFile { id, file }) {
            return None;
        }
        blob.await.ok().flatten().map(SendWrapper::take)
    }

    /// Hands a file to whoever asked for it.
    pub(crate) fn file_taken(&self, id: u64, blob: Option<Blob>) {
        self.taking.answered(id, blob.map(SendWrapper::new));
    }

    /// Says whether somebody is looking at this tab.
    pub(crate) fn visible(&self, visible: bool) {
        self.post(&ToWorker::Visible(visible));
    }

    /// Has the vault erased.
    pub(crate) fn start_over(&self) {
        self.post(&ToWorker::StartOver);
    }

    /// Says that somebody uses this tab.
    pub(crate) fn active(&self) {
        self.post(&ToWorker::Active);
    }

    /// Locks every tab.
    pub(crate) fn lock_now(&self) {
        self.post(&ToWorker::LockNow);
    }

    /// Tries to open the lock, and waits for what comes of it.
    pub(crate) async fn unlock(&self, secret: Secret) -> LockAnswer {
        self.ask_lock(|id| ToWorker::Unlock { id, secret }).await
    }

    /// Changes the lock, and waits for what comes of it.
    pub(crate) async fn change_lock(&self, change: LockChange) -> LockAnswer {
        let change = Box::new(change);
        self.ask_lock(|id| ToWorker::ChangeLock { id, change }).await
    }

    async fn ask_lock(&self, message: impl FnOnce(u64) -> ToWorker) -> LockAnswer {
        let (id, answer) = self.locking.begin();
        if !self.post(&message(id)) {
            return LockAnswer::Failed;
        }
        answer.await.unwrap_or(LockAnswer::Interrupted)
    }

    /// Hands on what the lock answered.
    pub(crate) fn lock_answered(&self, id: u64, answer: LockAnswer) {
        self.locking.answered(id, answer);
    }

    /// Hands an answer to whoever asked.
    pub(crate) fn answered(&self, id: u64, answer: Answer) {
        self.asked.answered(id, answer);
        // What answers that nothing came of it does so for files, too.
        self.taking.answered(id, None);
    }

    /// Ends every wait: nothing more will come.
    pub(crate) fn give_up(&self) {
        self.asked.end();
        self.taking.end();
        self.interrupt_lock();
    }

    /// Ends every wait for the lock: whoever was asked is gone, and whether it was done is not known.
    pub(crate) fn interrupt_lock(&self) {
        self.locking.end();
    }

    fn post(&self, message: &ToWorker) -> bool {
        self.post_with(message, &[])
    }

    fn post_with(&self, message: &ToWorker, blobs: &[Blob]) -> bool {
        // Erased: it may hold a secret.
        let room = Vec::with_capacity(ROOM);
        let Ok(bytes) = postcard::to_extend(message, room).map(Zeroizing::new) else {
            return false;
        };
        self.worker.post_message(&Parcel::pack(&bytes, blobs)).is_ok()
    }
}

/// A message id of this tab's choosing: 128 random bits.
pub(crate) fn fresh_message_id() -> MessageId {
    MessageId::new(random())
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // boot.js does not start the app where `crypto` is missing, and these lengths are always granted.
    if let Ok(crypto) = leptos::prelude::window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}
