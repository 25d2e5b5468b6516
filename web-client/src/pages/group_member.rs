//! Somebody in a group: the row in its list, and what can be done about them.

use chopar_engine::intent::GroupChange;
use chopar_engine::view::{GroupMember, Trust};
use chopar_engine::{Answer, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;

use crate::state::{Asking, use_app};
use crate::ui::{Avatar, Icon, Modal, Problem, alarm_text};
use crate::view_model::Place;

/// A row; everybody's but the own one opens what can be done.
#[component]
pub(crate) fn MemberRow(
    /// Who.
    member: GroupMember,
    /// Opens their dialog.
    open: Callback<AccountId>,
) -> impl IntoView {
    let texts = use_app().texts();
    let account = member.account;
    let shield = match (member.alarm, member.trust) {
        _ if member.this => None,
        (Some(_), _) | (None, Trust::Changed) => Some(("attention", "shield-alert", texts.chats_attention())),
        (None, Trust::Verified) => Some(("verified", "shield-check", texts.talk_verified())),
        (None, Trust::Unverified) => None,
    };
    let shield = shield.map(|(class, icon, word)| {
        view! { <span class=class title=word><Icon name=icon/><span class="visually-hidden">{word}</span></span> }
    });
    let name = shown_name(&member, texts.group_somebody());
    let handle = (!member.handle.is_empty())
        .then(|| view! { <span class="muted"><span class="handle">{member.handle}</span></span> });
    let inside = view! {
        <Avatar account name=Signal::stored(name.clone()) size="small"/>
        <span class="row-text">
            <span class="name">{if member.this { texts.you().to_owned() } else { name }}</span>
            {shield}
            {member.admin.then(|| view! { <span class="tag">{texts.group_admin()}</span> })}
            {handle}
            {member.left_out.then(|| view! { <span class="muted">{texts.group_left_out()}</span> })}
        </span>
    };
    if member.this {
        return view! { <li class="row">{inside}</li> }.into_any();
    }
    view! {
        <li>
            <button type="button" class="row pressable" aria-haspopup="dialog" on:click=move |_| open.run(account)>
                {inside}
                <Icon name="chevron-right"/>
            </button>
        </li>
    }
    .into_any()
}

/// What can be done about a member.
#[component]
pub(crate) fn MemberDialog(
    /// Which group's conversation.
    group: AccountId,
    /// Who.
    member: GroupMember,
    /// Whether the own account may change the group.
    changes: bool,
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let account = member.account;
    let name = shown_name(&member, texts.group_somebody());
    let asking = Asking::new();
    let failure = asking.failure();
    let write = {
        let asking = asking.clone();
        let (handle, display_name) = (member.handle.clone(), name.clone());
        move |_| {
            let open = Intent::OpenConversation {
                peer: account,
                handle: handle.clone(),
                display_name: display_name.clone(),
            };
            asking.ask(app, open, move |answer| {
                let Answer::Conversation(conversation) = answer else {
                    return false;
                };
                app.chats.put(conversation);
                // Who has closed the dialog meanwhile wants to stay where they are.
                if close.try_run(()).is_some() {
                    app.address.go(Place::Talk(account));
                }
                true
            });
        }
    };
    let change = move |change: GroupChange| asking.change_and_close(app, group, change, close);
    let admin = member.admin;
    let rights = {
        let change = change.clone();
        move |_| {
            change(GroupChange::Role {
                account,
                admin: !admin,
            });
        }
    };
    let remove = move |_| change(GroupChange::Remove(vec![account]));
    let handle = (!member.handle.is_empty())
        .then(|| view! { <span class="handle">{member.handle.clone()}</span>" · " });
    let trust = match member.trust {
        Trust::Verified => texts.talk_verified(),
        Trust::Changed => texts.talk_changed(),
        Trust::Unverified => texts.talk_unverified(),
    };
    let alarm = member.alarm.map(|alarm| {
        view! { <p class="warning-box" role="alert"><Icon name="shield-alert"/><span>{alarm_text(texts, alarm, &name)}</span></p> }
    });
    let deeds = changes.then(|| {
        let word = if admin { texts.group_unmake_admin() } else { texts.group_make_admin() };
        view! {
            <button type="button" class="button" on:click=rights><Icon name="key-round"/>{word}</button>
            <button type="button" class="button danger" on:click=remove><Icon name="log-out"/>{texts.group_remove()}</button>
            <p class="hint">{texts.group_remove_hint()}</p>
        }
    });
    view! {
        <Modal title=name.clone() close>
            <p class="muted">{handle}{trust}</p>
            {alarm}
            <div class="keeping">
                <button type="button" class="button" on:click=write>
                    <Icon name="message-circle"/>{texts.group_write(&name)}
                </button>
                {deeds}
            </div>
            <Problem failure/>
        </Modal>
    }
}

/// The name somebody is shown under: their own, else their handle.
pub(crate) fn shown_name(member: &GroupMember, nobody: &str) -> String {
    [&member.name, &member.handle]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or_else(|| nobody.to_owned(), Clone::clone)
}
