//! Initials on the colour of the account.

use chopar_wire::AccountId;
use leptos::prelude::*;

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
) -> impl IntoView {
    let class = ["avatar ", size, " ", &hue(&account)].concat();
    view! { <span class=class aria-hidden="true">{move || initials(&name.read())}</span> }
}
