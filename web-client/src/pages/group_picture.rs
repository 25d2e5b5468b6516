//! A group's picture: chosen by an admin, made small, and seen by its members alone.

use chopar_engine::intent::GroupChange;
use chopar_engine::{Answer, Intent};
use chopar_wire::AccountId;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::files::{NoPicture, group_picture};
use crate::state::{Asking, use_app};
use crate::ui::{Icon, Problem};

/// Chooses another picture, or takes it away.
#[component]
pub(crate) fn GroupPicture(
    /// Which group's conversation.
    peer: AccountId,
    /// Whether it has one.
    has: bool,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let input = NodeRef::<Input>::new();
    let asking = Asking::new();
    let (failure, busy, idle) = (asking.failure(), asking.clone(), asking.clone());
    let no_picture = RwSignal::new(None::<String>);
    let change = move |picture: Vec<u8>| {
        let asked = Intent::ChangeGroup {
            conversation: peer,
            change: GroupChange::Picture(picture),
        };
        asking.ask(app, asked, |answer| answer == Answer::Done);
    };
    let open = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let chosen = {
        let change = change.clone();
        move |_| {
            let Some(file) = input.get_untracked().and_then(|input| {
                let file = input.files()?.get(0);
                // So that the same one can be chosen again.
                input.set_value("");
                file
            }) else {
                return;
            };
            no_picture.set(None);
            let change = change.clone();
            spawn_local(async move {
                match group_picture(&file).await {
                    Ok(picture) => change(picture),
                    // Who has left the page meanwhile is told nothing.
                    Err(why) => drop(no_picture.try_set(Some(match why {
                        NoPicture::TooManyPixels => texts.group_picture_pixels().to_owned(),
                        NoPicture::Other | NoPicture::Broken => texts.group_picture_none().to_owned(),
                    }))),
                }
            });
        }
    };
    let remove = has.then(|| {
        let change = change.clone();
        view! {
            <button type="button" class="button" disabled=move || busy.is_busy() on:click=move |_| change(Vec::new())>
                <Icon name="x"/>{texts.group_picture_remove()}
            </button>
        }
    });
    view! {
        <input type="file" accept="image/*" class="visually-hidden" tabindex="-1" aria-hidden="true" node_ref=input on:change=chosen/>
        <div class="actions">
            <button type="button" class="button" disabled=move || idle.is_busy() on:click=open>
                <Icon name="image"/>{texts.group_picture_choose()}
            </button>
            {remove}
        </div>
        {move || no_picture.get().map(|said| view! { <p class="problem" role="alert">{said}</p> })}
        <Problem failure/>
    }
}
