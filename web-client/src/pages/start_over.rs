//! Starting over where the account is of no use any more: everything this browser holds is erased, once a person confirmed it.

use std::time::Duration;

use chopar_engine::Failure;
use leptos::prelude::*;

use super::parts::MENUS;
use crate::state::{Dialog, use_app};
use crate::ui::{Frame, Modal, Problem, later};

/// How long the erasing may take until it is said that it did not happen: a transaction takes far less than a second, and
/// another tab that was about to hand its part over has done so.
const PATIENCE: Duration = Duration::from_secs(10);

/// The button that asks for it.
#[component]
pub(crate) fn StartOver(
    /// How it looks.
    class: &'static str,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    view! {
        <button type="button" class=class on:click=move |_| app.dialog.set(Some(Dialog::StartOver))>
            {texts.start_over_open()}
        </button>
    }
}

/// The question where no other dialog opens: before the vault is.
#[component]
pub(crate) fn StartOverDialog() -> impl IntoView {
    let app = use_app();
    let dialog = app.dialog.clone();
    move || {
        (dialog.get() == Some(Dialog::StartOver)).then(|| {
            let close = Callback::new(move |()| app.dialog.set(None));
            confirm_start_over(close)
        })
    }
}

/// The question, once its part is there.
pub(crate) fn confirm_start_over(close: Callback<()>) -> AnyView {
    let title = use_app().texts().start_over_title().to_owned();
    later(&MENUS, Frame::Dialog { title, close }, move |menus| {
        (menus.start_over)(close)
    })
}

/// The question. The page is loaded anew once everything is erased.
#[component]
pub(crate) fn ConfirmStartOver(
    /// Called when the person closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let failure = ArcRwSignal::new(None);
    let busy = ArcRwSignal::new(false);
    let erase = {
        let (failure, busy) = (failure.clone(), busy.clone());
        move |_| {
            failure.set(None);
            busy.set(true);
            app.start_over();
            let (failure, busy) = (failure.clone(), busy.clone());
            set_timeout(
                move || {
                    busy.set(false);
                    failure.set(Some(Failure::Browser));
                },
                PATIENCE,
            );
        }
    };
    view! {
        <Modal title=texts.start_over_title() close>
            <p>{texts.start_over_body()}</p>
            <p>{texts.start_over_wait()}</p>
            <Problem failure/>
            <div class="actions">
                <button type="button" class="button" on:click=move |_| close.run(())>{texts.cancel()}</button>
                <button type="button" class="button danger" disabled=move || busy.get() on:click=erase>
                    {texts.start_over_confirm()}
                </button>
            </div>
        </Modal>
    }
}
