//! A labelled text box with a hint, and the line that says what went wrong.

use chopar_engine::Failure;
use leptos::prelude::*;

use super::failure_text;
use crate::state::use_app;

/// A labelled text box. Its accessible name is the label alone; the hint describes it.
#[component]
pub(crate) fn Field(
    /// Unique on the page.
    id: &'static str,
    /// Its name.
    #[prop(into)]
    label: String,
    /// What it says below, if anything.
    #[prop(optional)]
    hint: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// Longest text, in UTF-16 units.
    max: usize,
    /// `autocomplete`, "off" unless a browser should help.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// "password" for what nobody shall read over a shoulder.
    #[prop(default = "text")]
    kind: &'static str,
    /// Further classes of the box.
    #[prop(optional)]
    class: &'static str,
    /// Whether what is typed was refused.
    #[prop(optional, into)]
    wrong: Signal<bool>,
) -> impl IntoView {
    let hint_id = [id, "-hint"].concat();
    let described = (!hint.is_empty()).then(|| hint_id.clone());
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                class=["input ", class].concat()
                type=kind
                maxlength=max.to_string()
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                aria-describedby=described
                aria-invalid=move || wrong.get().then_some("true")
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// Says why something was not done; an alert, so it is heard at once. Takes no room while all is well.
#[component]
pub(crate) fn Problem(
    /// What went wrong, if anything did.
    failure: ArcRwSignal<Option<Failure>>,
) -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <div role="alert" class="problem-place">
            {move || failure.get().map(|failure| view! { <p class="problem">{failure_text(texts, failure)}</p> })}
        </div>
    }
}
