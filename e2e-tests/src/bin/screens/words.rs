//! The names of things in a language other than English, from the same files the client is built with.

use anyhow::{Context, Result};
use serde_json::Value;

/// A language's texts.
#[derive(Clone)]
pub(crate) struct Words {
    /// The tag as the browser says it.
    pub(crate) language: &'static str,
    texts: Value,
}

impl Words {
    pub(crate) fn english() -> Result<Self> {
        Self::read("en", include_str!("../../../../static/locales/en.json"))
    }

    pub(crate) fn uzbek() -> Result<Self> {
        Self::read("uz", include_str!("../../../../static/locales/uz.json"))
    }

    /// The text of a key.
    pub(crate) fn say(&self, key: &str) -> Result<&str> {
        self.texts[key]
            .as_str()
            .with_context(|| format!("{} has no text {key}", self.language))
    }

    /// A text with a number in it.
    pub(crate) fn numbered(&self, key: &str, number: usize) -> Result<String> {
        Ok(self.say(key)?.replace("{number}", &number.to_string()))
    }

    fn read(language: &'static str, json: &str) -> Result<Self> {
        Ok(Self {
            language,
            texts: serde_json::from_str(json)?,
        })
    }
}
