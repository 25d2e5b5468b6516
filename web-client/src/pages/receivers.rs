//! Who of a group has an own message, and who has read it.

use chopar_engine::view::{MemberState, SentState};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::{AccountId, MessageId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{Names, use_app};
use crate::ui::{Avatar, Modal, Problem, Ticks};
use crate::view_model::state_word;

/// The dialog.
#[component]
pub(crate) fn Receivers(
    /// Which group's conversation.
    peer: AccountId,
    /// Which message.
    id: MessageId,
    /// What people are called in it.
    names: Names,
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let states = ArcRwSignal::new(None::<Vec<MemberState>>);
    let failure = ArcRwSignal::new(None);
    spawn_local({
        let (states, failure) = (states.clone(), failure.clone());
        async move {
            let asked = Intent::MessageStates {
                conversation: peer,
                id,
            };
            match app.client.ask(asked).await {
                Answer::MessageStates(mut of_all) => {
                    // Who has read it first.
                    of_all.sort_by_key(|one| std::cmp::Reverse(one.state));
                    states.set(Some(of_all));
                }
                Answer::Failed(reason) => failure.set(Some(reason)),
                _ => failure.set(Some(Failure::Browser)),
            }
        }
    });
    let row = move |one: MemberState| {
        let name = Signal::derive(move || names.who(one.account));
        view! {
            <li class="row">
                <Avatar account=one.account name size="small"/>
                <span class="row-text"><span class="name">{move || name.get()}</span></span>
                <span class="muted">{(one.state > SentState::Waiting).then(|| view! { <Ticks state=one.state/> })}{state_word(texts, one.state)}</span>
            </li>
        }
    };
    view! {
        <Modal title=texts.menu_receivers() close>
            <ul class="rows" role="list">{move || states.get().map(|all| all.into_iter().map(row).collect::<Vec<_>>())}</ul>
            <Problem failure/>
        </Modal>
    }
}
