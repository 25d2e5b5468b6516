//! What is done with a conversation: how it is kept (pinned, muted, archived, blocked), and the way to a day of it. In the list a dialog,
//! on the person's page buttons.

use chopar_engine::view::{Conversation, Setting};
use chopar_engine::{Answer, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;

use crate::i18n::Texts;
use crate::state::{App, Asking, Dialog, now, use_app};
use crate::ui::{Icon, Modal, Problem};

/// All of them, in the order of the buttons.
const ALL: [Setting; 4] = [
    Setting::Pinned,
    Setting::Muted,
    Setting::Archived,
    Setting::Blocked,
];

/// Buttons that change it, each named by what it does.
#[component]
pub(crate) fn Keeping(
    /// Whose conversation.
    peer: AccountId,
    /// Its row.
    row: ArcRwSignal<Conversation>,
    /// Called when something was changed.
    #[prop(optional)]
    done: Option<Callback<()>>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let asking = Asking::new();
    let failure = asking.failure();
    // Whoever wants nothing of a group any more leaves it.
    let group = row.read_untracked().group;
    let buttons: Vec<_> = ALL
        .into_iter()
        .filter(|setting| !group || *setting != Setting::Blocked)
        .map(|setting| {
            let (row, asking) = (row.clone(), asking.clone());
            let on = Memo::new(move |_| is(&row.read(), setting));
            let change = move |_| {
                let keep = Intent::Keep {
                    conversation: peer,
                    setting,
                    on: !on.get_untracked(),
                };
                asking.ask(app, keep, move |answer| {
                    let granted = answer == Answer::Done;
                    // The row may have moved meanwhile, and with it what stands over it.
                    if let Some(done) = done.filter(|_| granted) {
                        done.try_run(());
                    }
                    granted
                });
            };
            let icon = move || view! { <Icon name=icon(setting, on.get())/> };
            view! {
                <button type="button" class="button" class:danger={setting == Setting::Blocked} on:click=change>
                    {icon}{move || word(texts, setting, on.get())}
                </button>
            }
        })
        .collect();
    let jump = move |_| {
        // Where this is a dialog it closes first, and gives the keyboard back.
        if let Some(done) = done {
            done.run(());
        }
        let ask = move || app.dialog.set(Some(Dialog::Date(peer, now())));
        request_animation_frame(move || request_animation_frame(ask));
    };
    view! {
        <div class="keeping">
            {buttons}
            <button type="button" class="button" on:click=jump><Icon name="calendar"/>{texts.jump_title()}</button>
        </div>
        <Problem failure/>
    }
}

/// The same in a dialog, named by the person.
#[component]
pub(crate) fn KeepingDialog(
    /// Whose conversation.
    peer: AccountId,
    /// Its row.
    row: ArcRwSignal<Conversation>,
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let title = row.read_untracked().name.clone();
    view! {
        <Modal title close>
            <Keeping peer row done=close/>
        </Modal>
    }
}

/// The signs of a row in the list.
pub(crate) fn signs(app: App, row: &Conversation) -> impl IntoView + use<> {
    let texts = app.texts();
    let shown: Vec<_> = ALL
        .into_iter()
        .filter(|setting| *setting != Setting::Archived && is(row, *setting))
        .map(|setting| {
            let word = state_word(texts, setting);
            view! { <span class="sign" title=word><Icon name=icon(setting, false)/><span class="visually-hidden">{word}</span></span> }
        })
        .collect();
    shown
}

const fn is(row: &Conversation, setting: Setting) -> bool {
    match setting {
        Setting::Pinned => row.pinned,
        Setting::Muted => row.muted,
        Setting::Archived => row.archived,
        Setting::Blocked => row.blocked,
    }
}

/// The icon of what a press does.
const fn icon(setting: Setting, on: bool) -> &'static str {
    match (setting, on) {
        (Setting::Pinned, false) => "pin",
        (Setting::Pinned, true) => "pin-off",
        (Setting::Muted, false) => "bell-off",
        (Setting::Muted, true) => "bell",
        (Setting::Archived, false) => "archive",
        (Setting::Archived, true) => "archive-restore",
        (Setting::Blocked, _) => "ban",
    }
}

fn word(texts: Texts, setting: Setting, on: bool) -> &'static str {
    match (setting, on) {
        (Setting::Pinned, false) => texts.keep_pin(),
        (Setting::Pinned, true) => texts.keep_unpin(),
        (Setting::Muted, false) => texts.keep_mute(),
        (Setting::Muted, true) => texts.keep_unmute(),
        (Setting::Archived, false) => texts.keep_archive(),
        (Setting::Archived, true) => texts.keep_unarchive(),
        (Setting::Blocked, false) => texts.keep_block(),
        (Setting::Blocked, true) => texts.keep_unblock(),
    }
}

fn state_word(texts: Texts, setting: Setting) -> &'static str {
    match setting {
        Setting::Pinned => texts.keep_pinned(),
        Setting::Muted => texts.keep_muted(),
        Setting::Archived => texts.keep_archived(),
        Setting::Blocked => texts.keep_blocked(),
    }
}
