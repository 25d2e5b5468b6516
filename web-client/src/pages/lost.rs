//! Recovery: what was kept here cannot be opened by anybody. Why, what is not lost, and the ways on. Nothing happens by itself.

use leptos::prelude::*;

use super::languages::Languages;
use super::start_over::{StartOver, StartOverDialog};
use crate::port::FatalKind;
use crate::state::{load_anew, use_app};
use crate::ui::{Icon, fatal_text};

/// The page.
#[component]
pub(crate) fn Lost(
    /// Why.
    kind: FatalKind,
) -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <main class="sheet">
            <div class="card">
                <Icon name="circle-alert" class="large danger"/>
                <h1 id="pane-title" tabindex="-1">{texts.lost_title()}</h1>
                <p role="alert">{fatal_text(texts, kind)}</p>
                <p>{texts.lost_ways()}</p>
                <div class="actions">
                    <button type="button" class="button primary" on:click=|_| load_anew()>{texts.reload()}</button>
                    <StartOver class="button danger"/>
                </div>
                <Languages/>
            </div>
        </main>
        <StartOverDialog/>
    }
}
