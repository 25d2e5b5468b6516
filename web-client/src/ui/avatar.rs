//! A group's picture, or initials on the colour of the account.

use chopar_wire::AccountId;
use leptos::prelude::*;

use crate::state::PictureUrl;
use crate::view_model::{hue, initials};

/// A round mark of a person. Silent: the name always stands beside it.
#[component]
pub(crate) fn Avatar(
    /// Whose.
    account: AccountId,
    /// Their name.
    #[prop(into)]
    name: Signal<String>,
    /// `small`, `medium` or `large`.
    #[prop(default = "medium")]
    size: &'static str,
    /// Their picture, where they have one.
    #[prop(optional_no_strip)]
    picture: Option<ArcRwSignal<Option<PictureUrl>>>,
) -> impl IntoView {
    let class = ["avatar ", size, " ", &hue(&account)].concat();
    let shown = move || {
        let address = picture
            .as_ref()
            .and_then(|picture| Some(picture.read().as_ref()?.as_str().to_owned()));
        match address {
            Some(address) => view! { <img class="avatar-picture" src=address alt=""/> }.into_any(),
            None => initials(&name.read()).into_any(),
        }
    };
    view! { <span class=class aria-hidden="true">{shown}</span> }
}
