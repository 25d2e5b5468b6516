//! A QR code as one SVG path.

use leptos::prelude::*;

use crate::view_model::qr_path;

/// Dark on light in every theme, because cameras expect that. Nothing for a payload that does not fit.
#[component]
pub(crate) fn Qr(
    /// The bytes.
    payload: Vec<u8>,
    /// Its name.
    label: &'static str,
) -> impl IntoView {
    qr_path(&payload).map(|(side, path)| {
        let side = side.to_string();
        let view_box = ["0 0 ", &side, " ", &side].concat();
        view! {
            <svg class="qr" viewBox=view_box role="img" aria-label=label shape-rendering="crispEdges">
                <path d=path></path>
            </svg>
        }
    })
}
