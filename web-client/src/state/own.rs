//! What the page itself remembers in localStorage: language and theme, which static/boot.js reads too, and the canary.

use leptos::prelude::{document, window};
use wasm_bindgen_futures::JsFuture;
use web_sys::Storage;

use crate::i18n::Language;
use crate::view_model::one_apostrophe;

const LANGUAGE: &str = "chopar.language";
const THEME: &str = "chopar.theme";
const CANARY: &str = "chopar.canary";

/// Light, dark, or whatever the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// The system decides.
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// What was chosen before.
    pub(crate) fn remembered() -> Self {
        match read(THEME).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// Applies and remembers it.
    pub(crate) fn choose(self) {
        let name = match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        };
        write(THEME, name);
        if let Some(root) = document().document_element() {
            let _ = match name {
                Some(name) => root.set_attribute("data-theme", name),
                None => root.remove_attribute("data-theme"),
            };
        }
    }
}

impl Language {
    /// The language that the page is in: static/boot.js has chosen it, remembered from before or the browser's.
    pub(crate) fn declared() -> Option<Self> {
        Self::of_tag(&document().document_element()?.get_attribute("lang")?)
    }

    /// Remembers it and tells the browser what language the page is in.
    pub(crate) fn remember(self) {
        write(LANGUAGE, Some(self.tag()));
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("lang", self.tag());
        }
    }
}

/// What the worker gave the page to keep, see [`crate::port::ToWorker::Start`].
pub(crate) fn canary() -> Option<String> {
    read(CANARY)
}

/// Keeps it.
pub(crate) fn keep_canary(canary: &str) {
    write(CANARY, Some(canary));
}

/// Forgets it: the vault is no more, or is about to be erased. In this order, so that a browser closed in between finds
/// either the whole vault or none.
pub(crate) fn forget_canary() {
    write(CANARY, None);
}

/// Asks the browser to keep the storage. The answer is seen where the worker asks whether it is kept.
pub(crate) async fn keep_storage() {
    if let Ok(asked) = window().navigator().storage().persist() {
        let _ = JsFuture::from(asked).await;
    }
}

/// What was typed with one sign for every apostrophe and in Unicode's normal form KC: every keyboard types the same passphrase.
pub(crate) fn normal_form(typed: &str) -> String {
    String::from(js_sys::JsString::from(one_apostrophe(typed)).normalize("NFKC"))
}

// A browser that refuses localStorage forgets the choice at the next visit; nothing else depends on it.
fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

fn write(key: &str, value: Option<&str>) {
    let Some(storage) = storage() else { return };
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}
