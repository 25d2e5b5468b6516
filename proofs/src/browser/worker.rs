//! Answers the page by which the module is driven.

use anyhow::{Result, anyhow};
use js_sys::{Reflect, global};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::future_to_promise;

use super::PROOFS;
use crate::{Size, proofs};

/// Says under the name `module` what can be asked: `names`, or a proof, whose counts come back in words.
pub fn start() {
    let answer = Closure::<dyn Fn(String, String) -> js_sys::Promise>::new(|asked: String, size: String| {
        future_to_promise(async move {
            let answer = answer(&asked, if size == "full" { Size::Full } else { Size::Bounded }).await;
            let said = answer.map_err(|error| JsValue::from_str(&format!("{error:#}")))?;
            Ok(JsValue::from_str(&said))
        })
    });
    // Defining a property of the global object does not throw.
    let _ = Reflect::set(&global(), &"module".into(), &answer.into_js_value());
}

async fn answer(asked: &str, size: Size) -> Result<String> {
    if asked == "names" {
        let here = PROOFS.iter().map(|proof| proof.name);
        let names: Vec<_> = proofs().iter().map(|proof| proof.name).chain(here).collect();
        return Ok(serde_json::to_string(&names)?);
    }
    if let Some(proof) = proofs().iter().find(|proof| proof.name == asked) {
        return Ok(proof.check(size)?.to_string());
    }
    let proof = PROOFS.iter().find(|proof| proof.name == asked);
    let proof = proof.ok_or_else(|| anyhow!("there is no proof {asked}"))?;
    Ok(proof.check(size).await?.to_string())
}
