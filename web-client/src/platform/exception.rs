//! What JavaScript throws.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// A JavaScript exception, by its name (`QuotaExceededError`, `OperationError`, …). Its message is left behind: messages
/// are for people and may hold data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}")]
pub struct Exception {
    name: String,
}

impl Exception {
    /// An exception of our own making, for what JavaScript answered without throwing.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    /// Whether it has this name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

impl From<JsValue> for Exception {
    fn from(value: JsValue) -> Self {
        let name = Reflect::get(&value, &JsValue::from_str("name"))
            .ok()
            .and_then(|name| name.as_string());
        Self {
            name: name.unwrap_or_else(|| "UnknownError".to_owned()),
        }
    }
}
