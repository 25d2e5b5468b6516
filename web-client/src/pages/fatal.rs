//! Nothing can go on: why, and what can be done.

use leptos::prelude::*;

use crate::port::FatalKind;
use crate::state::use_app;
use crate::ui::{Icon, fatal_text};

/// Covers everything.
#[component]
pub(crate) fn Fatal(
    /// Why.
    kind: FatalKind,
) -> impl IntoView {
    let texts = use_app().texts();
    let reload = move |_| {
        // Where a page may not load itself again, the person still can.
        let _ = window().location().reload();
    };
    view! {
        <main class="sheet">
            <div class="card" role="alert">
                <Icon name="circle-alert" class="large danger"/>
                <h1 id="pane-title" tabindex="-1">{texts.fatal_title()}</h1>
                <p>{fatal_text(texts, kind)}</p>
                <div class="actions">
                    <button type="button" class="button primary" on:click=reload>{texts.reload()}</button>
                </div>
            </div>
        </main>
    }
}
