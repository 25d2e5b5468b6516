//! A group's page: who is in it, how safe that is, and what its admins may change.

use chopar_engine::intent::{GroupChange, Invitee};
use chopar_engine::view::{GroupTrouble, GroupView, Trust};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::group_member::{MemberDialog, MemberRow};
use super::group_picture::GroupPicture;
use super::keeping::Keeping;
use super::new_group::NAME_MAX;
use super::people_picker::PeoplePicker;
use crate::state::{App, Asking, may_change, use_app};
use crate::ui::{Avatar, Field, Icon, Modal, PaneHead, Problem, focus_when_mounted};
use crate::view_model::Place;

/// What is open over the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Add,
    Rename,
    Leave,
    Member(AccountId),
}

/// Details beside the conversation.
#[component]
pub(crate) fn GroupPage(
    /// Which group's conversation.
    peer: AccountId,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let group = app.group(peer);
    let failure = ArcRwSignal::new(None::<Failure>);
    let look = {
        let failure = failure.clone();
        move || {
            let failure = failure.clone();
            spawn_local(async move { failure.set(app.look_at_group(peer).await) });
        }
    };
    // How safe its members are may have changed without a line in the conversation.
    look();
    let over = RwSignal::new(None::<Over>);
    let body = {
        let group = group.clone();
        move || match group.get() {
            Some(group) => details(app, group, over).into_any(),
            None => view! { <p class="muted" role="status">{texts.loading()}</p> }.into_any(),
        }
    };
    let again = move || {
        let look = look.clone();
        failure.get().map(move |reason| {
            view! {
                <Problem failure=ArcRwSignal::new(Some(reason))/>
                <button type="button" class="button" on:click=move |_| look()>{texts.retry()}</button>
            }
        })
    };
    let close = Callback::new(move |()| over.set(None));
    let dialog = move || {
        let over = over.get()?;
        let group = group.get_untracked()?;
        Some(match over {
            Over::Add => view! { <AddPeople group close/> }.into_any(),
            Over::Rename => view! { <Rename group close/> }.into_any(),
            Over::Leave => view! { <Leave group close/> }.into_any(),
            Over::Member(account) => {
                let changes = may_change(&group);
                let member = group
                    .members
                    .into_iter()
                    .find(|member| member.account == account)?;
                view! { <MemberDialog group=peer member changes close/> }.into_any()
            }
        })
    };
    view! {
        <aside class="details-pane" aria-labelledby="details-title">
            <PaneHead title=Signal::stored(texts.group_title().to_owned()) back=Place::Talk(peer) id="details-title"/>
            <div class="page">{again}{body}</div>
        </aside>
        {dialog}
    }
}

fn details(app: App, group: GroupView, over: RwSignal<Option<Over>>) -> impl IntoView {
    let texts = app.texts();
    let peer = group.conversation;
    let changes = may_change(&group);
    let keeping = app.chats.row(peer).map(|row| {
        view! {
            <section class="block">
                <h2>{texts.person_conversation()}</h2>
                <Keeping peer row/>
            </section>
        }
    });
    let trouble = match &group.trouble {
        Some(GroupTrouble::Forked { .. }) => Some(texts.group_forked_body()),
        Some(GroupTrouble::Withheld) => Some(texts.notice_group_withheld()),
        None => None,
    };
    let trouble = trouble.map(|text| {
        view! { <p class="warning-box" role="alert"><Icon name="shield-alert"/><span>{text}</span></p> }
    });
    let rows: Vec<_> = {
        let open = Callback::new(move |account| over.set(Some(Over::Member(account))));
        let members = group.members.iter().cloned();
        members.map(|member| view! { <MemberRow member open/> }).collect()
    };
    let admin_deeds = changes.then(|| {
        view! {
            <button type="button" class="button" on:click=move |_| over.set(Some(Over::Add))>
                <Icon name="user-plus"/>{texts.group_add()}
            </button>
        }
    });
    let settings = changes.then(|| {
        view! {
            <section class="block">
                <button type="button" class="button" on:click=move |_| over.set(Some(Over::Rename))>
                    <Icon name="pencil"/>{texts.group_rename()}
                </button>
                <GroupPicture peer has=!group.picture.is_empty()/>
                <AdminsOnly peer on=group.admins_only/>
            </section>
        }
    });
    let leave = (!group.over).then(|| {
        view! {
            <button type="button" class="button danger" on:click=move |_| over.set(Some(Over::Leave))>
                <Icon name="log-out"/>{texts.group_leave()}
            </button>
        }
    });
    view! {
        <div class="who">
            <Avatar account=peer name=Signal::stored(group.name.clone()) size="large" picture=Some(app.group_picture(peer))/>
            <p class="who-name">{group.name.clone()}</p>
            <p class="muted">{texts.group_members(group.members.len() as u64)}</p>
        </div>
        {trouble}
        {group.over.then(|| view! { <p class="muted">{texts.group_over()}</p> })}
        {keeping}
        <section class="block">
            <h2>{texts.admin_members()}</h2>
            <p class="muted with-icon"><Icon name="shield-check"/><span>{safety(app, &group)}</span></p>
            {admin_deeds}
            <ul class="rows" role="list">{rows}</ul>
        </section>
        {settings}
        {leave}
    }
}

/// How many safety numbers were compared, at a glance.
fn safety(app: App, group: &GroupView) -> String {
    let others = group.members.iter().filter(|member| !member.this);
    let verified = others
        .clone()
        .filter(|member| member.trust == Trust::Verified)
        .count();
    let texts = app.texts();
    texts.group_compared(&verified.to_string(), &others.count().to_string())
}

/// Only admins write, or everybody.
#[component]
fn AdminsOnly(peer: AccountId, on: bool) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    let shown = {
        let failure = asking.failure();
        // What was refused stands as it was.
        move || {
            failure.track();
            on
        }
    };
    let change = move |_| {
        let asked = Intent::ChangeGroup {
            conversation: peer,
            change: GroupChange::AdminsOnly(!on),
        };
        asking.ask(app, asked, |answer| answer == Answer::Done);
    };
    view! {
        <div class="switch-row">
            <input
                id="admins-only"
                class="switch"
                type="checkbox"
                role="switch"
                aria-describedby="admins-only-hint"
                prop:checked=shown
                disabled=move || busy.is_busy()
                on:change=change
            />
            <div>
                <label for="admins-only">{texts.group_admins_only()}</label>
                <p class="hint" id="admins-only-hint">{texts.group_admins_only_hint()}</p>
            </div>
        </div>
        <Problem failure/>
    }
}

#[component]
fn AddPeople(group: GroupView, close: Callback<()>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let people = RwSignal::new(Vec::<Invitee>::new());
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    let peer = group.conversation;
    let without: Vec<AccountId> = group.members.iter().map(|member| member.account).collect();
    let add = move |_| {
        let change = GroupChange::Add(people.get_untracked());
        asking.change_and_close(app, peer, change, close);
    };
    view! {
        <Modal title=texts.group_add() close>
            <PeoplePicker chosen=people without first=true/>
            <p class="hint">{texts.group_add_hint()}</p>
            <Problem failure/>
            <div class="actions">
                <button type="button" class="button primary" disabled=move || busy.is_busy() || people.read().is_empty() on:click=add>
                    {texts.group_add()}
                </button>
            </div>
        </Modal>
    }
}

#[component]
fn Rename(group: GroupView, close: Callback<()>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let name = RwSignal::new(group.name);
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    let peer = group.conversation;
    focus_when_mounted("group-name");
    let rename = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_owned();
        asking.change_and_close(app, peer, GroupChange::Name(name), close);
    };
    view! {
        <Modal title=texts.group_rename() close>
            <form class="form" on:submit=rename>
                <Field id="group-name" label=texts.group_name() hint=texts.group_name_hint() value=name max=NAME_MAX/>
                <Problem failure/>
                <div class="actions">
                    <button type="submit" class="button primary" disabled=move || busy.is_busy()>{texts.settings_save()}</button>
                </div>
            </form>
        </Modal>
    }
}

#[component]
fn Leave(group: GroupView, close: Callback<()>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    let peer = group.conversation;
    let leave = move |_| asking.change_and_close(app, peer, GroupChange::Leave, close);
    view! {
        <Modal title=texts.group_leave_title(&group.name) close>
            <p>{texts.group_leave_body()}</p>
            <Problem failure/>
            <div class="actions">
                <button type="button" class="button" on:click=move |_| close.run(())>{texts.cancel()}</button>
                <button type="button" class="button danger" disabled=move || busy.is_busy() on:click=leave>{texts.group_leave()}</button>
            </div>
        </Modal>
    }
}
