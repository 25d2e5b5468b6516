//! The address bar: where in the app a person is, and what leads elsewhere (docs/adr/0027).

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use crate::view_model::Place;

/// Where the person is. Every place has a path of its own, which can be opened directly; the browser's own ways back and forth work.
pub(crate) struct Address(ArcRwSignal<Place>);

impl Default for Address {
    fn default() -> Self {
        Self(ArcRwSignal::new(in_the_bar()))
    }
}

impl Address {
    /// Where the person is, tracked.
    pub(crate) fn place(&self) -> Place {
        self.0.get()
    }

    /// The same without tracking.
    pub(crate) fn place_untracked(&self) -> Place {
        self.0.get_untracked()
    }

    /// Goes somewhere. Back leads here again.
    pub(crate) fn go(&self, to: Place) {
        if to != self.place_untracked() {
            // A browser that refuses to write the address still shows the page.
            let _ = history()
                .and_then(|history| history.push_state_with_url(&JsValue::NULL, "", Some(&to.path())));
            self.0.set(to);
        }
    }

    /// Goes somewhere in the place of what is open: Back does not lead here any more.
    pub(crate) fn replace(&self, to: Place) {
        let _ = history()
            .and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&to.path())));
        self.show(to);
    }

    fn show(&self, place: Place) {
        if place != self.place_untracked() {
            self.0.set(place);
        }
    }

    /// Follows Back, Forward and links from now on, for as long as the page lives.
    pub(crate) fn follow(&'static self) {
        let _ = window_event_listener(ev::popstate, move |_| self.show(in_the_bar()));
        let _ = window_event_listener(ev::click, move |event| {
            if let Some(to) = link_of(&event).as_deref().and_then(place_of) {
                event.prevent_default();
                self.go(to);
            }
        });
    }
}

fn history() -> Result<web_sys::History, JsValue> {
    window().history()
}

/// What the browser's address bar says.
fn in_the_bar() -> Place {
    Place::parse(&window().location().pathname().unwrap_or_default())
}

/// Where a link leads that was pressed plainly: not to be opened elsewhere, and not for something else already.
fn link_of(event: &ev::MouseEvent) -> Option<String> {
    let plain = event.button() == 0
        && !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented();
    let pressed = event.target()?.dyn_into::<Element>().ok().filter(|_| plain)?;
    let link = pressed.closest("a[href]").ok()??;
    let elsewhere = link.has_attribute("target") || link.has_attribute("download");
    link.get_attribute("href").filter(|_| !elsewhere)
}

/// The place in the app that a link names. What is none the browser follows by itself.
fn place_of(link: &str) -> Option<Place> {
    Some(Place::parse(link)).filter(|place| *place != Place::Missing && link.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_places_are_followed_here_and_all_others_by_the_browser() {
        assert_eq!(place_of("/"), Some(Place::Chats));
        assert_eq!(place_of("/settings"), Some(Place::Settings));
        for other in [
            "",
            "#main",
            "//elsewhere.example",
            "/chopar-ca.crt",
            "blob:x",
            "/join#00",
            "/c/none",
        ] {
            assert_eq!(place_of(other), None, "{other}");
        }
    }
}
