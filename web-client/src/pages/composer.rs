//! Where a message is written: grows to six lines, keeps a draft, sends with Enter.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chopar_engine::view::{Conversation, Reference};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::{AccountId, MessageId};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::attaching::{attach_button, choose, pasted};
use super::composer_act::{Act, record, recorder};
use super::parts::FILES;
use super::quote::quoted_text;
use super::timer::TimerButton;
use crate::port::Sending;
use crate::state::{App, Attached, Attachments, Composing, Names, Talk, fresh_message_id, now, use_app};
use crate::ui::{Icon, failure_text, soon};
use crate::view_model::Draft;

/// How long typing must pause before the draft is written down.
const DRAFT_PAUSE: Duration = Duration::from_millis(500);
/// How often at most "is typing" is said, in milliseconds: well within the time the other side shows it.
const TYPING_EVERY_MS: u64 = 3_000;

/// A message being written.
struct Writing {
    app: App,
    peer: AccountId,
    talk: Arc<Talk>,
    text: ArcRwSignal<String>,
    problem: ArcRwSignal<Option<Failure>>,
    /// Counts edits, so that of many delayed savings only the last one saves.
    edits: AtomicU64,
    /// Whether the text differs from the draft that was saved.
    unsaved: AtomicBool,
    /// The draft on the device, as far as this box knows it.
    draft: Mutex<Draft>,
    /// When "is typing" was last said; zero when it was taken back.
    typing_said: AtomicU64,
    /// What the box is for.
    composing: ArcRwSignal<Composing>,
    /// What stood in the box before a message was edited in it.
    aside: Mutex<Option<String>>,
    /// The files that go along.
    attachments: Attachments,
    /// The box is not there any more: what is to be kept of it was saved then.
    gone: AtomicBool,
}

/// The text box "Message" and the button "Send".
#[component]
pub(crate) fn Composer(
    /// To whom.
    peer: AccountId,
    /// The row of the list, for the draft.
    row: ArcRwSignal<Conversation>,
    /// The lines, whose unread line ends with an answer.
    talk: Arc<Talk>,
    /// What people are called in the conversation.
    names: Names,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let opened = row.read_untracked().draft.clone();
    let text = ArcRwSignal::new(opened.clone());
    let problem = ArcRwSignal::new(None);
    let writing = Arc::new(Writing {
        app,
        peer,
        composing: talk.composing(),
        attachments: talk.attachments(),
        talk,
        text: text.clone(),
        problem: problem.clone(),
        edits: AtomicU64::new(0),
        unsaved: AtomicBool::new(false),
        draft: Mutex::new(Draft::opened(opened)),
        typing_said: AtomicU64::new(0),
        aside: Mutex::new(None),
        gone: AtomicBool::new(false),
    });
    Effect::new({
        let writing = Arc::clone(&writing);
        move || writing.turn_to(&writing.composing.read())
    });
    on_cleanup({
        let writing = Arc::clone(&writing);
        move || {
            writing.leave();
            writing.gone.store(true, Ordering::Relaxed);
            writing.talk.leave_edit(writing.text.get_untracked());
        }
    });
    Effect::new({
        let writing = Arc::clone(&writing);
        move || {
            if !app.visible.get() {
                writing.leave();
            }
        }
    });
    let row_of_timer = row.clone();
    let composing = writing.composing.clone();
    let editing_attach = composing.clone();
    let act = Act::of(&writing.talk, &text);
    let recording = ArcRwSignal::new(false);
    let recorder = {
        let sender = Arc::clone(&writing);
        let send = Arc::new(move |note| sender.send_voice(note));
        recorder(Arc::clone(&writing.talk), send, &recording)
    };
    let row_hidden = recording.clone();
    let on_press = {
        let talk = Arc::clone(&writing.talk);
        move |event: ev::MouseEvent| {
            // The second press of a double click was meant for "Send".
            if act.get_untracked() == Act::Record && event.detail() < 2 {
                record(app, &talk, &recording);
            }
        }
    };
    let attachments = writing.attachments.clone();
    let attached = attachments.files.clone();
    let attach = {
        let talk = Arc::clone(&writing.talk);
        // Files are no part of an edit.
        move || {
            let edits = editing_attach.read().is_edit();
            (!edits).then(|| attach_button(app, Arc::clone(&talk)))
        }
    };
    let on_paste = {
        let talk = Arc::clone(&writing.talk);
        move |event: ev::ClipboardEvent| {
            let files = pasted(event.clipboard_data());
            // Files are no part of an edit.
            let edits = talk.composing().read_untracked().is_edit();
            if !files.is_empty() && !edits {
                event.prevent_default();
                choose(app, &talk, files);
            }
        }
    };
    // Nothing that draws them is loaded before there is one.
    let any = {
        let Attachments {
            files,
            preparing,
            sealing,
            ..
        } = attachments.clone();
        Memo::new(move |_| preparing.get() + sealing.get() > 0 || !files.read().is_empty())
    };
    let refused = attachments.problems.clone();
    let refused = move || {
        let said = refused.get().into_iter();
        said.map(|said| view! { <p class="problem" role="alert">{said}</p> })
            .collect::<Vec<_>>()
    };
    let (busy, still) = (attachments.clone(), attachments.clone());
    let chips = move || {
        let attachments = attachments.clone();
        any.get().then(|| {
            soon(
                &FILES,
                || ().into_any(),
                move |files| (files.chips)(attachments.clone()),
            )
        })
    };
    // Another tab may be writing the same draft.
    let told = Memo::new(move |_| row.read().draft.clone());
    Effect::new({
        let writing = Arc::clone(&writing);
        move || writing.follow(&told.read())
    });
    let on_input = {
        let writing = Arc::clone(&writing);
        move |event| writing.typed(event_target_value(&event))
    };
    let on_key = {
        let writing = Arc::clone(&writing);
        move |event: ev::KeyboardEvent| {
            if event.is_composing() {
                return;
            }
            match event.key().as_str() {
                "Enter" if !event.shift_key() => writing.send(),
                // The latest own message comes back to be edited.
                "ArrowUp" if writing.is_empty() && !event.alt_key() => {
                    if !writing.edit_last() {
                        return;
                    }
                }
                "Escape" if *writing.composing.read_untracked() != Composing::New => writing.cancel(),
                _ => return,
            }
            event.prevent_default();
        }
    };
    let on_blur = {
        let writing = Arc::clone(&writing);
        move |_| writing.leave()
    };
    let preview = {
        let writing = Arc::clone(&writing);
        move || {
            let writing = Arc::clone(&writing);
            let cancel = Callback::new(move |()| writing.cancel());
            composing_view(app, peer, &composing.get(), names, cancel)
        }
    };
    let label = move || act.get().label(texts);
    let icon = move || {
        let name = act.get().icon();
        view! { <Icon name/> }
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        writing.send();
    };
    // A trailing line break needs something behind it to take room in the mirror that sizes the box.
    let (mirror, value, blank) = (text.clone(), text.clone(), text);
    let mirror = move || [&mirror.read(), " "].concat();
    view! {
        <form class="composer" on:submit=on_submit>
            {move || problem.get().map(|failure| view! {
                <p class="problem" role="alert">{texts.talk_not_sent(&failure_text(texts, failure))}</p>
            })}
            {preview}
            {refused}
            {chips}
            {recorder}
            <div class="composer-row" hidden=move || row_hidden.get()>
                {attach}
                <TimerButton peer row=row_of_timer names/>
                <div class="grow" data-text=mirror>
                    <textarea
                        id="composer"
                        class="input"
                        rows="1"
                        dir="auto"
                        aria-label=texts.talk_message()
                        placeholder=texts.talk_placeholder()
                        autocomplete="off"
                        readonly=move || { still.sealing.get() > 0 }
                        enterkeyhint="send"
                        prop:value=move || value.get()
                        on:input=on_input
                        on:paste=on_paste
                        on:keydown=on_key
                        on:blur=on_blur
                    ></textarea>
                </div>
                <button
                    type=move || if act.get() == Act::Record { "button" } else { "submit" }
                    id="composer-act"
                    class="send"
                    class:records=move || act.get() == Act::Record
                    aria-label=label
                    title=label
                    aria-disabled=move || {
                        let empty = act.get() != Act::Record && blank.read().trim().is_empty() && attached.read().is_empty();
                        if empty || busy.preparing.get() + busy.sealing.get() > 0 { "true" } else { "false" }
                    }
                    on:mousedown=move |event| event.prevent_default()
                    on:click=on_press
                >
                    {icon}
                </button>
            </div>
        </form>
    }
}

/// What the box is for, where it is not simply for a message.
fn composing_view(
    app: App,
    peer: AccountId,
    composing: &Composing,
    names: Names,
    cancel: Callback<()>,
) -> Option<AnyView> {
    let texts = app.texts();
    let (icon, title, text) = match composing {
        Composing::New => return None,
        Composing::Reply(about) => {
            let me = app.my_account().unwrap_or(peer);
            let text = quoted_text(app, peer, *about);
            let to = if about.author == me {
                texts.compose_reply_own().to_owned()
            } else {
                texts.compose_reply(&names.who(about.author))
            };
            ("reply", to, (move || text()).into_any())
        }
        Composing::Edit { text, .. } => ("pencil", texts.compose_edit().to_owned(), text.clone().into_any()),
    };
    let name = title.clone();
    let view = view! {
        <div class="composing" role="group" aria-label=name>
            <Icon name=icon/>
            <span class="composing-text">
                <span class="quote-sender">{title}</span>
                <span class="quote-text" dir="auto">{text}</span>
            </span>
            <button type="button" class="icon-button" aria-label=texts.cancel() title=texts.cancel() on:click=move |_| cancel.run(())>
                <Icon name="x"/>
            </button>
        </div>
    };
    Some(view.into_any())
}

impl Writing {
    fn typed(self: &Arc<Self>, text: String) {
        self.say_typing(!text.is_empty());
        self.text.set(text);
        if self.is_editing() {
            // The text of a message is no draft: it would stay where the message is deleted.
            return;
        }
        self.unsaved.store(true, Ordering::Relaxed);
        let edit = self.edits.fetch_add(1, Ordering::Relaxed) + 1;
        let later = Arc::clone(self);
        set_timeout(
            move || {
                if later.edits.load(Ordering::Relaxed) == edit {
                    later.save_draft();
                }
            },
            DRAFT_PAUSE,
        );
    }

    fn send(self: &Arc<Self>) {
        let text = self.text.get_untracked();
        let trimmed = text.trim().to_owned();
        let composing = self.composing.get_untracked();
        let editing = composing.is_edit();
        // Files that are still being prepared go along, and what is being encrypted goes first.
        if !editing
            && self.attachments.preparing.get_untracked() + self.attachments.sealing.get_untracked() > 0
        {
            return;
        }
        let files = match editing {
            true => Vec::new(),
            false => self.attachments.files.get_untracked(),
        };
        if trimmed.is_empty() && files.is_empty() {
            return;
        }
        let reply_to = match composing {
            Composing::Edit { id, .. } => return self.save_edit(id, trimmed),
            Composing::Reply(about) => Some(about),
            Composing::New => None,
        };
        if !files.is_empty() {
            return self.send_files(trimmed, reply_to, files);
        }
        self.composing.set(Composing::New);
        let (conversation, id, text) = (self.peer, fresh_message_id(), trimmed.clone());
        self.talk.say(id);
        self.text.set(String::new());
        self.attachments.forget();
        self.problem.set(None);
        self.edits.fetch_add(1, Ordering::Relaxed);
        self.typing_said.store(0, Ordering::Relaxed);
        self.talk.set_unread_line(None);
        let writing = Arc::clone(self);
        spawn_local(async move {
            let client = &writing.app.client;
            let intent = Intent::Send {
                conversation,
                id,
                text,
                reply_to,
                forwarded: false,
            };
            let answer = client.ask(intent).await;
            let failure = match answer {
                Answer::Done => None,
                Answer::Failed(failure) => Some(failure),
                _ => Some(Failure::Browser),
            };
            if failure.is_some() {
                // What could not be sent comes back, in front of what was typed meanwhile.
                writing.text.update(|text| {
                    let between = if text.is_empty() || trimmed.is_empty() {
                        ""
                    } else {
                        "\n"
                    };
                    *text = [&trimmed, between, text].concat();
                });
                writing.problem.set(failure);
                if let Some(about) = reply_to
                    && writing.composing.get_untracked() == Composing::New
                {
                    writing.composing.set(Composing::Reply(about));
                }
            }
            // The draft of this conversation is now what stands in the box: nothing, or what came back. Where another box stands in
            // its place, and nothing came back, the engine has emptied the draft in the same step.
            if failure.is_some() || !writing.gone.load(Ordering::Relaxed) {
                writing.unsaved.store(true, Ordering::Relaxed);
                writing.save_draft();
            }
        });
    }

    /// A voice message is a message of its own, whatever stands in the box meanwhile.
    fn send_voice(self: &Arc<Self>, note: Attached) {
        let reply_to = match self.composing.get_untracked() {
            Composing::Reply(about) => Some(about),
            Composing::New | Composing::Edit { .. } => None,
        };
        self.send_files(String::new(), reply_to, vec![note]);
    }

    /// Encrypting files takes a while: until they are with the engine text and files stay where they are, and are no less kept than
    /// before.
    fn send_files(self: &Arc<Self>, text: String, reply_to: Option<Reference>, files: Vec<Attached>) {
        let sending = Sending {
            conversation: self.peer,
            message: fresh_message_id(),
            text: text.clone(),
            reply_to,
            files: files.iter().map(|file| file.described.clone()).collect(),
        };
        self.problem.set(None);
        self.attachments.problems.set(Vec::new());
        self.attachments.sealing.update(|count| *count += 1);
        self.talk.say(sending.message);
        self.talk.set_unread_line(None);
        let writing = Arc::clone(self);
        spawn_local(async move {
            let blobs: Vec<_> = files.iter().map(|file| (*file.blob).clone()).collect();
            let answer = writing.app.client.send_files(sending, &blobs).await;
            writing.attachments.sealing.update(|count| *count -= 1);
            match answer {
                Answer::Done => writing.sent(&text, reply_to, &files),
                Answer::Failed(Failure::NotFound) => {
                    let gone = writing.app.texts().file_gone();
                    writing.attachments.problems.set(vec![gone.to_owned()]);
                }
                Answer::Failed(failure) => writing.problem.set(Some(failure)),
                _ => writing.problem.set(Some(Failure::Browser)),
            }
        });
    }

    /// The engine has a message with files, and has emptied the draft in the same step.
    fn sent(self: &Arc<Self>, text: &str, reply_to: Option<Reference>, files: &[Attached]) {
        let went = |one: &Attached| files.iter().any(|file| file.key == one.key);
        self.attachments.files.update(|all| all.retain(|one| !went(one)));
        if reply_to.is_some_and(|about| *self.composing.read_untracked() == Composing::Reply(about)) {
            self.composing.set(Composing::New);
        }
        self.typing_said.store(0, Ordering::Relaxed);
        if self.gone.load(Ordering::Relaxed) {
            return;
        }
        self.edits.fetch_add(1, Ordering::Relaxed);
        if self.text.read_untracked().trim() == text {
            self.text.set(String::new());
        }
        self.unsaved.store(true, Ordering::Relaxed);
        self.save_draft();
    }

    fn is_empty(&self) -> bool {
        self.text.read_untracked().is_empty()
    }

    fn is_editing(&self) -> bool {
        self.composing.read_untracked().is_edit()
    }

    /// The box now is for something else: what is edited stands in it, what stood there is kept aside.
    fn turn_to(&self, composing: &Composing) {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        match composing {
            Composing::Edit { id, text } => {
                let before = self.text.get_untracked();
                aside.get_or_insert(before);
                self.text
                    .set(self.talk.left_edit(id).unwrap_or_else(|| text.clone()));
            }
            Composing::New | Composing::Reply(_) => {
                if let Some(before) = aside.take() {
                    self.text.set(before);
                }
            }
        }
    }

    fn cancel(&self) {
        self.problem.set(None);
        self.composing.set(Composing::New);
    }

    /// Whether there is a message to edit.
    fn edit_last(&self) -> bool {
        match self.talk.last_own() {
            Some((id, text)) => {
                self.composing.set(Composing::Edit { id, text });
                true
            }
            None => false,
        }
    }

    fn save_edit(self: &Arc<Self>, id: MessageId, text: String) {
        self.problem.set(None);
        let writing = Arc::clone(self);
        let conversation = self.peer;
        spawn_local(async move {
            let edit = Intent::Edit {
                conversation,
                id,
                text,
            };
            match writing.app.client.ask(edit).await {
                Answer::Done => writing.cancel(),
                // What was typed stays in the box.
                Answer::Failed(failure) => writing.problem.set(Some(failure)),
                _ => writing.problem.set(Some(Failure::Browser)),
            }
        });
    }

    /// The person turns away: the draft is written down at once, and they are not typing.
    fn leave(self: &Arc<Self>) {
        self.save_draft();
        self.say_typing(false);
    }

    fn save_draft(self: &Arc<Self>) {
        if !self.unsaved.swap(false, Ordering::Relaxed) {
            return;
        }
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (conversation, text) = (self.peer, aside.unwrap_or_else(|| self.text.get_untracked()));
        self.draft().write(text.clone());
        let writing = Arc::clone(self);
        spawn_local(async move {
            // A draft that cannot be saved still stands in the box.
            let _ = writing
                .app
                .client
                .ask(Intent::SaveDraft { conversation, text })
                .await;
            writing.draft().written();
        });
    }

    /// The draft on the device is `told` now.
    fn follow(&self, told: &str) {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let typed = aside.clone().unwrap_or_else(|| self.text.get_untracked());
        if !self.draft().follow(told, &typed) {
            return;
        }
        match &mut *aside {
            Some(aside) => told.clone_into(aside),
            None => self.text.set(told.to_owned()),
        }
    }

    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_typing(&self, typing: bool) {
        let (app, conversation, moment) = (self.app, self.peer, now().0);
        let said = self.typing_said.load(Ordering::Relaxed);
        let due = if typing {
            moment.saturating_sub(said) >= TYPING_EVERY_MS
        } else {
            said != 0
        };
        if !due || !app.preferences.get_untracked().typing {
            return;
        }
        self.typing_said
            .store(if typing { moment } else { 0 }, Ordering::Relaxed);
        spawn_local(async move {
            // Nobody misses a notice of typing.
            let _ = app
                .client
                .ask(Intent::Typing {
                    conversation,
                    stopped: !typing,
                })
                .await;
        });
    }
}
