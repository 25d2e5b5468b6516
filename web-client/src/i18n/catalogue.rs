//! The catalogues: files of a text a line that `cargo xtask` makes (`build/catalogue.rs`), and that static/boot.js loads and compares
//! with their digests. It brings the first one along with the wasm, the others when somebody chooses their language.

use std::sync::OnceLock;

use js_sys::{JsString, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{LINES, Language};

#[wasm_bindgen]
extern "C" {
    /// The catalogue of the language in `<html lang>`.
    #[wasm_bindgen(js_namespace = chopar, js_name = firstCatalogue)]
    fn first_catalogue() -> JsString;

    /// The catalogue of a language.
    #[wasm_bindgen(js_namespace = chopar, js_name = catalogue, catch)]
    async fn fetch_catalogue(tag: &str) -> Result<JsValue, JsValue>;
}

/// Why a catalogue, or another part of the client, was not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLoaded {
    /// The server was not reached.
    Unreachable,
    /// What the server sent is not what was built.
    Altered,
}

impl NotLoaded {
    /// static/boot.js throws an error whose `key` is that of one of its own texts.
    pub(crate) fn of(thrown: &JsValue) -> Self {
        let key = Reflect::get(thrown, &JsValue::from_str("key"));
        match key.ok().and_then(|key| key.as_string()).as_deref() {
            Some("altered") => Self::Altered,
            _ => Self::Unreachable,
        }
    }
}

/// What was loaded, kept for as long as the page lives.
static LOADED: [OnceLock<Vec<&'static str>>; 4] = [const { OnceLock::new() }; 4];

impl Language {
    /// Takes the catalogue that came along with the wasm. An error where it is not of this build.
    pub(crate) fn load_first(self) -> Result<(), NotLoaded> {
        self.keep(first_catalogue().into())
    }

    /// Fetches the catalogue unless it is there.
    pub(crate) async fn load(self) -> Result<(), NotLoaded> {
        if LOADED[self as usize].get().is_some() {
            return Ok(());
        }
        match fetch_catalogue(self.tag()).await {
            Ok(text) => self.keep(text.as_string().unwrap_or_default()),
            Err(thrown) => Err(NotLoaded::of(&thrown)),
        }
    }

    fn keep(self, text: String) -> Result<(), NotLoaded> {
        if text.lines().count() != LINES {
            return Err(NotLoaded::Altered);
        }
        // Four at most; every text is handed out for the page's life.
        let text: &'static str = Box::leak(text.into_boxed_str());
        LOADED[self as usize].get_or_init(|| text.lines().collect());
        Ok(())
    }
}

/// The text in a line; empty where the catalogue was not loaded, which that of a chosen language always is.
pub(super) fn text(language: Language, line: usize) -> &'static str {
    #[cfg(test)]
    tests::load(language);
    let lines = LOADED[language as usize].get();
    lines
        .and_then(|lines| lines.get(line))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 4] = [
        include_str!(concat!(env!("OUT_DIR"), "/en.txt")),
        include_str!(concat!(env!("OUT_DIR"), "/uz.txt")),
        include_str!(concat!(env!("OUT_DIR"), "/uz-Cyrl.txt")),
        include_str!(concat!(env!("OUT_DIR"), "/ru.txt")),
    ];

    pub(super) fn load(language: Language) {
        language.keep(FILES[language as usize].to_owned()).unwrap();
    }

    #[test]
    fn a_catalogue_of_another_build_is_refused() {
        let file = FILES[0];
        assert_eq!(
            Language::En.keep(format!("{file}one more\n")),
            Err(NotLoaded::Altered)
        );
        assert_eq!(Language::En.keep(String::new()), Err(NotLoaded::Altered));
        assert_eq!(Language::En.keep(file.to_owned()), Ok(()));
    }
}
