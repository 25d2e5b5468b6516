//! Administration: invites and members. Never content.

use leptos::prelude::*;

use super::invites::{Invites, NewInvite};
use super::members::Members;
use crate::state::use_app;
use crate::ui::PaneHead;
use crate::view_model::Place;

/// The page, for owners.
#[component]
pub(crate) fn Admin() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let owner = Memo::new(move |_| app.is_owner());
    // Counts invites made here, so that the list is asked for again.
    let made = RwSignal::new(0u32);
    view! {
        <PaneHead title=Signal::stored(texts.admin_title().to_owned()) back=Place::Chats/>
        <div class="page">
            {move || if owner.get() {
                view! { <NewInvite made/><Invites made/><Members/> }.into_any()
            } else {
                view! { <p class="problem">{texts.admin_not_allowed()}</p> }.into_any()
            }}
        </div>
    }
}
