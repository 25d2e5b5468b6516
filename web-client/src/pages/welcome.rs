//! The first visit without an invite.

use leptos::prelude::*;

use super::languages::Languages;
use crate::state::use_app;
use crate::ui::Icon;
use crate::view_model::Place;

/// Says what is needed to begin, and who cannot read along.
#[component]
pub(crate) fn Welcome() -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <main class="sheet">
            <div class="card">
                <Icon name="chopar" class="mark"/>
                <h1 id="pane-title" tabindex="-1">{texts.welcome_title()}</h1>
                <p>{texts.welcome_body()}</p>
                <div class="actions">
                    <a class="button" href=Place::Recover.path()><Icon name="key-round"/>{texts.recover_open()}</a>
                </div>
                <p class="assurance"><Icon name="lock"/><span>{texts.welcome_privacy()}</span></p>
                <Languages/>
            </div>
        </main>
    }
}
