//! Who belongs to the organisation, as the relay knows it.

use chopar_engine::view::MemberView;
use chopar_engine::{Answer, Failure, Intent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::use_app;
use crate::ui::{Avatar, Problem, role_text};

/// The members, page by page.
#[component]
pub(crate) fn Members() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let members: ArcRwSignal<Vec<MemberView>> = ArcRwSignal::new(Vec::new());
    let more = ArcRwSignal::new(false);
    let failure = ArcRwSignal::new(None);
    let load = {
        let (members, more, failure) = (members.clone(), more.clone(), failure.clone());
        Callback::new(move |()| {
            let (members, more, failure) = (members.clone(), more.clone(), failure.clone());
            let after_handle = members
                .read_untracked()
                .last()
                .map(|last| last.handle.clone())
                .unwrap_or_default();
            spawn_local(async move {
                match app.client.ask(Intent::Members { after_handle }).await {
                    Answer::Members {
                        members: page,
                        more: further,
                    } => {
                        members.update(|all| {
                            for member in page {
                                // Two presses of "more" bring the same page twice.
                                if !all.iter().any(|known| known.account == member.account) {
                                    all.push(member);
                                }
                            }
                        });
                        more.set(further);
                        failure.set(None);
                    }
                    Answer::Failed(reason) => failure.set(Some(reason)),
                    _ => failure.set(Some(Failure::Browser)),
                }
            });
        })
    };
    load.run(());
    let failed = failure.clone();
    view! {
        <section class="block">
            <h2>{texts.admin_members()}</h2>
            <ul class="rows" role="list">
                <For each=move || members.get() key=|member| member.account let:member>
                    <MemberRow member/>
                </For>
            </ul>
            <Problem failure/>
            {move || (more.get() || failed.get().is_some()).then(|| view! {
                <button type="button" class="button" on:click=move |_| load.run(())>{texts.admin_more()}</button>
            })}
        </section>
    }
}

#[component]
fn MemberRow(member: MemberView) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let devices = texts.admin_member_devices(u64::from(member.devices));
    let joined = texts.admin_joined(&app.clock().date(member.joined));
    view! {
        <li class="row">
            <Avatar account=member.account name=Signal::stored(member.display_name.clone()) size="small"/>
            <span class="row-text">
                <span class="name">{member.display_name}</span>" "<span class="handle">{member.handle}</span>
                {member.disabled.then(|| view! { <span class="tag danger">{texts.admin_disabled()}</span> })}
                <span class="muted">{role_text(texts, member.role)}" · "{devices}" · "{joined}</span>
            </span>
        </li>
    }
}
