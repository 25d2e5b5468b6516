//! The wasm side: answers the page by which it is driven.

use js_sys::{Reflect, global};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use crate::chopar::{BENCH, OPERATIONS};

/// Says under the name `module` what can be asked: `names`, or an operation, whose lines come back as JSON.
pub(crate) fn start() {
    let answer = Closure::<dyn Fn(String) -> Result<String, JsValue>>::new(|asked: String| {
        answer(&asked).map_err(|error| JsValue::from_str(&format!("{error:#}")))
    });
    // Defining a property of the global object does not throw.
    let _ = Reflect::set(&global(), &"module".into(), &answer.into_js_value());
}

fn answer(asked: &str) -> anyhow::Result<String> {
    if asked == "names" {
        return Ok(serde_json::to_string(&OPERATIONS.map(|(name, _)| name))?);
    }
    let operation = OPERATIONS.iter().find(|(name, _)| *name == asked);
    let (_, run) = operation.ok_or_else(|| anyhow::anyhow!("there is no operation {asked}"))?;
    Ok(serde_json::to_string(&run(&BENCH)?)?)
}
