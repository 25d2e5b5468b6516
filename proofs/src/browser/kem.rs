//! ML-KEM-768 of the ratchet beside a third implementation: the browser's own, which the product does not use.

use anyhow::{Context, Result, anyhow, ensure};
use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::keys::{Crossing, cases, random, thrown};
use super::{Exception, scope};
use crate::kem::{Kem, Turns};
use crate::{Counts, Size};

const NAME: &str = "ML-KEM-768";

/// Keys of one seed are one key; what either encapsulates the other decapsulates, damaged or not, to the same secret.
pub(super) async fn third(size: Size) -> Result<Counts> {
    let mut rng = Crossing::open().await?.rng;
    let mut counts = Counts::default();
    for case in 0..cases(size) {
        let (seed, m): ([u8; 64], [u8; 32]) = (random(&mut rng), random(&mut rng));
        let key = Turns::key(&seed);
        let private = import("raw-seed", &seed, "decapsulateBits")
            .await
            .map_err(thrown)?;
        let public = import("raw-public", &key, "encapsulateBits")
            .await
            .map_err(thrown)?;

        let (mut ciphertext, shared) = Turns::encapsulate(&key, &m).context("an own key is refused")?;
        let theirs = decapsulated(&private, &ciphertext).await.map_err(thrown)?;
        ensure!(theirs == shared, "our ciphertext {case}");

        let made = call("encapsulateBits", &[NAME.into(), public])
            .await
            .map_err(thrown)?;
        let part = |name: &str| {
            Reflect::get(&made, &name.into())
                .map_err(Exception::from)
                .and_then(bytes)
        };
        let (theirs, secret) = (
            part("ciphertext").map_err(thrown)?,
            part("sharedKey").map_err(thrown)?,
        );
        let ours = Turns::decapsulate(&seed, &theirs).context("a ciphertext of another length")?;
        ensure!(secret == ours, "their ciphertext {case}");
        counts.add("exchanges");

        let at = case * 7 % ciphertext.len();
        ciphertext[at] ^= 1 << (case % 8);
        let theirs = decapsulated(&private, &ciphertext).await.map_err(thrown)?;
        let ours = Turns::decapsulate(&seed, &ciphertext).ok_or_else(|| anyhow!("the length is right"))?;
        ensure!(theirs == ours && ours != shared, "damaged ciphertext {case}");
        counts.add("damaged ciphertexts");
    }
    Ok(counts)
}

async fn import(format: &str, data: &[u8], usage: &str) -> Result<JsValue, Exception> {
    let usages: Array = [JsValue::from_str(usage)].into_iter().collect();
    let data = Uint8Array::from(data);
    call(
        "importKey",
        &[
            format.into(),
            data.into(),
            NAME.into(),
            false.into(),
            usages.into(),
        ],
    )
    .await
}

async fn decapsulated(key: &JsValue, ciphertext: &[u8]) -> Result<Vec<u8>, Exception> {
    let ciphertext = Uint8Array::from(ciphertext);
    bytes(call("decapsulateBits", &[NAME.into(), key.clone(), ciphertext.into()]).await?)
}

/// A method of `crypto.subtle` that the bindings do not know yet.
async fn call(method: &str, arguments: &[JsValue]) -> Result<JsValue, Exception> {
    let subtle: Object = scope().crypto()?.subtle().into();
    let method: Function = Reflect::get(&subtle, &method.into())?.dyn_into()?;
    let arguments: Array = arguments.iter().collect();
    let promise: Promise = method.apply(&subtle, &arguments)?.dyn_into()?;
    Ok(JsFuture::from(promise).await?)
}

fn bytes(buffer: JsValue) -> Result<Vec<u8>, Exception> {
    let buffer: JsValue = buffer.dyn_into::<ArrayBuffer>()?.into();
    Ok(Uint8Array::new(&buffer).to_vec())
}
