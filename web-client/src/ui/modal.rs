//! A dialog: the browser keeps the focus inside and closes it with Esc.

use leptos::prelude::*;
use leptos::{ev, html};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::Icon;
use crate::state::use_app;

/// A modal dialog with a title and a close button. Closing gives the focus back to where it was.
#[component]
pub(crate) fn Modal(
    /// Its name.
    #[prop(into)]
    title: String,
    /// Further classes.
    #[prop(optional)]
    class: &'static str,
    /// Called when the person closes it.
    close: Callback<()>,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let texts = use_app().texts();
    let node = NodeRef::<html::Dialog>::new();
    let before = document()
        .active_element()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        .map(SendWrapper::new);
    Effect::new(move || {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            // Refused only where the dialog is open already.
            let _ = dialog.show_modal();
        }
    });
    on_cleanup(move || {
        // While the dialog is there nothing outside of it can take the focus.
        if let Some(before) = before {
            request_animation_frame(move || {
                let _ = before.focus();
            });
        }
    });
    let on_cancel = move |event: ev::Event| {
        event.prevent_default();
        close.run(());
    };
    // A press beside the dialog hits the dialog element itself: its content covers all of its inside.
    let on_press = move |event: ev::MouseEvent| {
        let outside = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok())
            .is_some();
        if outside {
            close.run(());
        }
    };
    view! {
        <dialog node_ref=node class=["modal ", class].concat() aria-labelledby="modal-title" on:cancel=on_cancel on:mousedown=on_press>
            <div class="modal-inside">
                <header class="modal-head">
                    <h2 id="modal-title">{title}</h2>
                    <button type="button" class="icon-button" aria-label=texts.close() on:click=move |_| close.run(())>
                        <Icon name="x"/>
                    </button>
                </header>
                {children()}
            </div>
        </dialog>
    }
}
