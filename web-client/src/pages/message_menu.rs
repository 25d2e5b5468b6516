//! What can be done with a message: a sheet at the foot of a small screen, a menu beside the message on a large one.

use chopar_engine::view::{LineBody, Reference};
use chopar_engine::{Answer, EDIT_MS, Failure, Intent};
use chopar_wire::{AccountId, MessageId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::line::drawn;
use super::quote::go_to;
use super::reactions::{OFFERED, react};
use super::stop_bar::Stop;
use crate::state::{Composing, Row, now, reference, use_app};
use crate::ui::{Icon, Problem, copy_text, focus_id, rove};

/// The menu of one message.
#[component]
pub(crate) fn MessageMenu(
    /// Whose conversation.
    peer: AccountId,
    /// Which line.
    row: Row,
    /// Called when it is over.
    close: Callback<()>,
    /// Called with the text to be passed on.
    forward: Callback<String>,
    /// Called with the own message of a group of which one wants to know who has it.
    receivers: Callback<MessageId>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let me = app.my_account().unwrap_or(peer);
    let line = row.line.get_untracked();
    let Some(about) = reference(&line, me, peer) else {
        return ().into_any();
    };
    let (own, text, extra) = match line.body {
        LineBody::Own { text, extra, .. } => (true, text, extra),
        LineBody::Theirs { text, extra, .. } => (false, text, extra),
        LineBody::Notice(_) => return ().into_any(),
    };
    let node = NodeRef::<html::Dialog>::new();
    let before = document()
        .active_element()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        .map(SendWrapper::new);
    let sequence = row.sequence;
    Effect::new(move || {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            // Refused only where it is open already.
            let _ = dialog.show_modal();
            place_beside(&dialog, sequence, own);
            focus_id("menu-first");
        }
    });
    let before = StoredValue::new(before);
    let lands = StoredValue::new(Lands::Back);
    on_cleanup(move || {
        let lands = lands.try_get_value().unwrap_or(Lands::Back);
        let before = before.try_get_value().flatten();
        request_animation_frame(move || match lands {
            Lands::Back => give_back(before.as_deref(), sequence),
            Lands::Elsewhere => {}
            Lands::Line(line) => match line.and_then(drawn) {
                Some(line) => {
                    let _ = line.focus();
                }
                None => focus_id("composer"),
            },
        });
    });
    // Before another dialog comes up: closing it will give the keyboard back to where it finds it.
    let make_way = move || {
        lands.set_value(Lands::Elsewhere);
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
        before.with_value(|before| give_back(before.as_deref(), sequence));
        close.run(());
    };
    let failure = ArcRwSignal::new(None::<Failure>);
    let ask = {
        let failure = failure.clone();
        move |intent: Intent, done: Lands| {
            let failure = failure.clone();
            spawn_local(async move {
                match app.client.ask(intent).await {
                    Answer::Done => {
                        lands.try_set_value(done);
                        close.try_run(());
                    }
                    Answer::Failed(reason) => failure.set(Some(reason)),
                    _ => failure.set(Some(Failure::Browser)),
                }
            });
        }
    };
    // Where nothing can be written nothing is offered that would be: the bar in place of the composer says why.
    let stop = untrack(|| app.chats.row(peer).and_then(|row| Stop::of_row(app, &row)));
    let mute = stop.is_some();
    // Where only admins write, words can still be taken back.
    let takes_back = matches!(stop, None | Some(Stop::AdminsOnly));
    let chosen = extra
        .reactions
        .iter()
        .find(|r| r.by.contains(&me))
        .map(|r| r.emoji.clone());
    let bar = (!extra.deleted && !mute).then(|| {
        // Whatever somebody chose is there to join in.
        let others = extra.reactions.iter().map(|reaction| reaction.emoji.as_str());
        let others = others.filter(|emoji| !OFFERED.contains(emoji));
        let emojis: Vec<_> = OFFERED
            .into_iter()
            .chain(others)
            .map(|emoji| {
                let own = chosen.as_deref() == Some(emoji);
                let (label, emoji) = (texts.menu_react(emoji), emoji.to_owned());
                let shown = emoji.clone();
                let pick = move |_| {
                    react(app, peer, about, if own { String::new() } else { emoji.clone() });
                    close.run(());
                };
                let pressed = if own { "true" } else { "false" };
                view! {
                    <button type="button" class="reaction" class:own=own aria-pressed=pressed aria-label=label on:click=pick>
                        <span aria-hidden="true">{shown}</span>
                    </button>
                }
            })
            .collect();
        view! { <div class="reaction-bar" role="group" aria-label=texts.talk_reactions()>{emojis}</div> }
    });
    let compose = move |composing: Composing| {
        app.talk(peer).composing().set(composing);
        lands.set_value(Lands::Elsewhere);
        close.run(());
        request_animation_frame(|| focus_id("composer"));
    };
    let mut items: Vec<AnyView> = Vec::new();
    let mut add = |icon: &'static str, label: &'static str, danger: bool, act: Box<dyn Fn()>| {
        let id = items.is_empty().then_some("menu-first");
        let act = SendWrapper::new(act);
        let item = view! {
            <button type="button" role="menuitem" id=id class="menu-item" class:danger=danger tabindex="-1" on:click=move |_| act()>
                <Icon name=icon/>{label}
            </button>
        };
        items.push(item.into_any());
    };
    if !extra.deleted {
        if !mute {
            add(
                "reply",
                texts.menu_reply(),
                false,
                Box::new(move || compose(Composing::Reply(about))),
            );
        }
        if own && !mute && !text.is_empty() && now().ms_since(line.time) <= EDIT_MS {
            let text = text.clone();
            let edit = move || {
                compose(Composing::Edit {
                    id: about.id,
                    text: text.clone(),
                })
            };
            add("pencil", texts.menu_edit(), false, Box::new(edit));
        }
        // What is copied and passed on is a text.
        if !text.is_empty() {
            let copied = text.clone();
            let copy = move || {
                let copied = copied.clone();
                spawn_local(async move { app.announce(copy_text(app, &copied).await.to_owned()) });
                close.run(());
            };
            add("copy", texts.menu_copy(), false, Box::new(copy));
            let pass = move || {
                make_way();
                forward.run(text.clone());
            };
            add("forward", texts.menu_forward(), false, Box::new(pass));
        }
    }
    if let Some(quoted) = extra.reply_to.filter(|_| !extra.deleted) {
        let go = move || {
            lands.set_value(Lands::Elsewhere);
            close.run(());
            go_to(app, peer, quoted);
        };
        add("arrow-up", texts.menu_go(), false, Box::new(go));
    }
    let group = app.chats.row(peer).is_some_and(|row| row.read_untracked().group);
    if own && group && !extra.deleted {
        let ask = move || {
            make_way();
            receivers.run(about.id);
        };
        add("check-check", texts.menu_receivers(), false, Box::new(ask));
    }
    for everyone in [false, true] {
        if everyone && (!own || extra.deleted || !takes_back) {
            continue;
        }
        let ask = ask.clone();
        // The line stays where it is deleted for everyone; else the one beside it takes its place.
        let then = move || match everyone {
            true => Lands::Line(Some(sequence)),
            false => Lands::Line(app.talk(peer).beside(sequence)),
        };
        let label = if everyone {
            texts.menu_delete_everyone()
        } else {
            texts.menu_delete_me()
        };
        add(
            "trash-2",
            label,
            true,
            Box::new(move || ask(delete(peer, about, everyone), then())),
        );
    }
    let list = NodeRef::<html::Div>::new();
    let on_key = move |event: ev::KeyboardEvent| {
        if let Some(list) = list.get_untracked() {
            rove(&event, &list, "[role=menuitem]");
        }
    };
    let on_cancel = move |event: ev::Event| {
        event.prevent_default();
        close.run(());
    };
    let on_press = move |event: ev::MouseEvent| {
        let beside = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if beside.is_some() {
            close.run(());
        }
    };
    view! {
        <dialog node_ref=node class="menu" aria-label=texts.menu_title() on:cancel=on_cancel on:mousedown=on_press>
            <div class="menu-inside">
                {bar}
                <div role="menu" aria-label=texts.menu_title() node_ref=list on:keydown=on_key>{items}</div>
                <Problem failure/>
            </div>
        </dialog>
    }
    .into_any()
}

/// Where the keyboard goes when the menu is gone.
#[derive(Clone, Copy)]
enum Lands {
    /// Where it was.
    Back,
    /// What was chosen has seen to it.
    Elsewhere,
    /// On a line; without one on the composer.
    Line(Option<u64>),
}

/// Gives the keyboard back to what had it before the menu. That may be gone, or nothing: then the message has it.
fn give_back(before: Option<&HtmlElement>, sequence: u64) {
    let nothing = document().body();
    let before = before.filter(|before| before.is_connected() && nothing.as_ref() != Some(*before));
    if let Some(element) = before.cloned().or_else(|| drawn(sequence)) {
        let _ = element.focus();
    }
}

fn delete(conversation: AccountId, message: Reference, everyone: bool) -> Intent {
    Intent::Delete {
        conversation,
        message,
        everyone,
    }
}

/// On a wide screen the menu stands by its message; where it says nothing the style puts it at the foot.
fn place_beside(dialog: &web_sys::HtmlDialogElement, sequence: u64, own: bool) {
    let selector = ["[data-sequence='", &sequence.to_string(), "'] .bubble"].concat();
    let Some(bubble) = document().query_selector(&selector).ok().flatten() else {
        return;
    };
    let at = bubble.get_bounding_client_rect();
    let menu = dialog.get_bounding_client_rect();
    let height = window()
        .inner_height()
        .ok()
        .and_then(|h| h.as_f64())
        .unwrap_or(at.bottom());
    // Below the message, above it where there is no room.
    let below = at.bottom() + 4.0;
    let top = if below + menu.height() + 8.0 <= height {
        below
    } else {
        (at.top() - menu.height() - 4.0).max(8.0)
    };
    let left = if own { at.right() - menu.width() } else { at.left() };
    let style = HtmlElement::style(dialog);
    let _ = style.set_property("--menu-top", &[&top.to_string(), "px"].concat());
    let _ = style.set_property("--menu-left", &[&left.max(8.0).to_string(), "px"].concat());
}
