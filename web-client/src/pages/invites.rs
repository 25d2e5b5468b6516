//! Making, listing and withdrawing invites.

use chopar_engine::view::{InviteView, Role};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::Timestamp;
use chopar_wire::limits::INVITE_MAX_USES;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::Texts;
use crate::state::{Asking, use_app};
use crate::ui::{CopyButton, Icon, Problem, role_text};

const HOUR: u64 = 3600;
/// Lifetimes on offer, in seconds. The longest is what the relay allows.
const LIFETIMES: [u64; 5] = [HOUR, 24 * HOUR, 3 * 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR];
/// The one chosen at first: long enough for a weekend.
const USUAL: usize = 2;
const ROLES: [Role; 3] = [Role::Member, Role::Auditor, Role::Owner];

fn lifetime_text(texts: Texts, seconds: u64) -> String {
    let hours = seconds / HOUR;
    if hours < 24 {
        texts.admin_hours(hours)
    } else {
        texts.admin_days(hours / 24)
    }
}

/// The form, and the link it made.
#[component]
pub(crate) fn NewInvite(
    /// Raised by one with every invite made.
    made: RwSignal<u32>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let role = RwSignal::new(0usize);
    let lifetime = RwSignal::new(USUAL);
    let uses = RwSignal::new(String::from("1"));
    let link: ArcRwSignal<Option<(String, Timestamp)>> = ArcRwSignal::new(None);
    let asking = Asking::new();
    let failure = asking.failure();
    let busy = asking.clone();
    let submit = {
        let link = link.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            let intent = Intent::CreateInvite {
                role: ROLES[role.get_untracked()],
                // The number box keeps to its bounds; what is no number at all means one person.
                uses: uses
                    .get_untracked()
                    .trim()
                    .parse()
                    .unwrap_or(1)
                    .clamp(1, INVITE_MAX_USES),
                lifetime_seconds: LIFETIMES[lifetime.get_untracked()],
            };
            let link = link.clone();
            asking.ask(app, intent, move |answer| {
                let Answer::InviteCreated { token, expires } = answer else {
                    return false;
                };
                let origin = window().location().origin().unwrap_or_default();
                link.set(Some(([&origin, "/join#", &token].concat(), expires)));
                let _ = made.try_update(|made| *made += 1);
                true
            });
        }
    };
    let pick = |signal: RwSignal<usize>, most: usize| {
        move |event: ev::Event| {
            signal.set(event_target_value(&event).parse().unwrap_or(0).min(most));
        }
    };
    let roles: Vec<_> = ROLES
        .iter()
        .enumerate()
        .map(|(index, role)| view! { <option value=index.to_string()>{role_text(texts, *role)}</option> })
        .collect();
    let lifetimes: Vec<_> = LIFETIMES
        .iter()
        .enumerate()
        .map(|(index, seconds)| {
            view! { <option value=index.to_string() selected={index == USUAL}>{lifetime_text(texts, *seconds)}</option> }
        })
        .collect();
    let shown = move || {
        link.get().map(|(link, expires)| {
            let until = app.clock().full(expires);
            view! {
                <div class="made">
                    <p class="made-link" role="group" aria-label=texts.admin_link()>{link.clone()}</p>
                    <p class="hint">{texts.admin_link_hint(&until)}</p>
                    <CopyButton label=texts.admin_copy() text=Signal::stored(link)/>
                </div>
            }
        })
    };
    view! {
        <section class="block">
            <h2>{texts.admin_invite()}</h2>
            <form class="form" on:submit=submit>
                <div class="triple">
                    <div class="field">
                        <label for="invite-role">{texts.admin_role()}</label>
                        <select id="invite-role" class="input" on:change=pick(role, ROLES.len() - 1)>{roles}</select>
                    </div>
                    <div class="field">
                        <label for="invite-uses">{texts.admin_uses()}</label>
                        <input
                            id="invite-uses"
                            class="input"
                            type="number"
                            min="1"
                            max=INVITE_MAX_USES.to_string()
                            prop:value=move || uses.get()
                            on:input=move |event| uses.set(event_target_value(&event))
                        />
                    </div>
                    <div class="field">
                        <label for="invite-lifetime">{texts.admin_lifetime()}</label>
                        <select id="invite-lifetime" class="input" on:change=pick(lifetime, LIFETIMES.len() - 1)>{lifetimes}</select>
                    </div>
                </div>
                <Problem failure/>
                <div class="actions">
                    <button type="submit" class="button primary" disabled=move || busy.is_busy()>
                        <Icon name="link"/>{texts.admin_create()}
                    </button>
                </div>
            </form>
            <div aria-live="polite">{shown}</div>
        </section>
    }
}

/// The open invites.
#[component]
pub(crate) fn Invites(
    /// Asked for again whenever this changes.
    made: RwSignal<u32>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let invites: ArcRwSignal<Option<Result<Vec<InviteView>, Failure>>> = ArcRwSignal::new(None);
    let problem = ArcRwSignal::new(None);
    Effect::new({
        let invites = invites.clone();
        move || {
            made.track();
            let invites = invites.clone();
            spawn_local(async move {
                invites.set(Some(match app.client.ask(Intent::Invites).await {
                    Answer::Invites(list) => Ok(list),
                    Answer::Failed(failure) => Err(failure),
                    _ => Err(Failure::Browser),
                }));
            });
        }
    });
    let withdraw = {
        let problem = problem.clone();
        Callback::new(move |invite| {
            let problem = problem.clone();
            spawn_local(async move {
                problem.set(match app.client.ask(Intent::RevokeInvite { invite }).await {
                    Answer::Done => None,
                    Answer::Failed(failure) => Some(failure),
                    _ => Some(Failure::Browser),
                });
                let _ = made.try_update(|made| *made += 1);
            });
        })
    };
    let list = move || {
        match invites.get() {
        None => view! { <p class="muted" role="status">{texts.loading()}</p> }.into_any(),
        Some(Err(failure)) => view! {
            <Problem failure=ArcRwSignal::new(Some(failure))/>
            <button type="button" class="button" on:click=move |_| made.update(|made| *made += 1)>{texts.retry()}</button>
        }
        .into_any(),
        Some(Ok(list)) if list.is_empty() => view! { <p class="muted">{texts.admin_no_invites()}</p> }.into_any(),
        Some(Ok(list)) => {
            let rows: Vec<_> = list.into_iter().map(|invite| view! { <InviteRow invite withdraw/> }).collect();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
    }
    };
    view! {
        <section class="block">
            <h2>{texts.admin_invites()}</h2>
            {list}
            <Problem failure=problem/>
        </section>
    }
}

#[component]
fn InviteRow(invite: InviteView, withdraw: Callback<chopar_wire::ids::InviteId>) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let id = ["invite-", &invite.id.to_string()].concat();
    let described = id.clone();
    let left = texts.admin_uses_left(u64::from(invite.uses_left));
    let until = texts.admin_expires(&app.clock().full(invite.expires));
    view! {
        <li class="row">
            <Icon name="link"/>
            <span class="row-text" id=id>
                <span class="name">{role_text(texts, invite.role)}</span>" "
                <span class="muted">{left}" · "{until}</span>
            </span>
            <button type="button" class="button" aria-describedby=described on:click=move |_| withdraw.run(invite.id)>
                {texts.admin_withdraw()}
            </button>
        </li>
    }
}
