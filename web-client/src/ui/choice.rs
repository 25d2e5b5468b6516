//! One of several.

use leptos::prelude::*;

/// A radio button of a group; several stand side by side. One in a language of its own has the language's tag as its id.
pub(crate) fn choice(
    group: &'static str,
    label: impl Into<String>,
    lang: Option<&'static str>,
    checked: Signal<bool>,
    choose: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <label class="choice" lang=lang>
            <input id=lang type="radio" name=group prop:checked=move || checked.get() on:change=move |_| choose()/>
            <span>{label.into()}</span>
        </label>
    }
}
