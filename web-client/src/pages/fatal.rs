//! Nothing can go on: why, and what can be done.

use leptos::prelude::*;

use crate::port::FatalKind;
use crate::state::{load_anew, use_app};
use crate::ui::{Icon, fatal_text};

/// Covers everything.
#[component]
pub(crate) fn Fatal(
    /// Why.
    kind: FatalKind,
) -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <main class="sheet">
            <div class="card" role="alert">
                <Icon name="circle-alert" class="large danger"/>
                <h1 id="pane-title" tabindex="-1">{texts.fatal_title()}</h1>
                <p>{fatal_text(texts, kind)}</p>
                <div class="actions">
                    <button type="button" class="button primary" on:click=|_| load_anew()>{texts.reload()}</button>
                </div>
            </div>
        </main>
    }
}
