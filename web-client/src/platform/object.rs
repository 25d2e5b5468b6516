//! Plain objects of JavaScript, as the browser takes its options.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// An object of these properties.
pub(crate) fn object(properties: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of a fresh plain object does not throw.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}
