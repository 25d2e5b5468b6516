//! Ed25519 of WebCrypto beside that of wasm: signatures are deterministic, so they are the same bytes.

use anyhow::{Result, anyhow, ensure};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::Rng;

use super::keys::{Crossing, cases, random, thrown};
use super::webcrypto::Curve;
use crate::vectors::bytes;
use crate::vectors::ed25519::{RFC_8032, verifies};
use crate::{Counts, Size};

pub(super) async fn rfc() -> Result<Counts> {
    let mut crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    for [private, public, message, signature] in RFC_8032 {
        let message = hex::decode(message).map_err(|error| anyhow!("{error}"))?;
        let handle = crossing.into_webcrypto(Curve::Ed25519, &bytes(private)?).await?;
        let made = crossing.crypto.sign(&handle, &message).await.map_err(thrown)?;
        ensure!(made == bytes::<64>(signature)?, "the signature of {public}");
        counts.add("signatures");
    }
    Ok(counts)
}

/// Keys made by either, on both sides, over messages of every length up to some blocks; verified strictly, as always in wasm.
pub(super) async fn across(size: Size) -> Result<Counts> {
    let mut crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    for case in 0..cases(size) {
        let mut message = vec![0; case];
        crossing.rng.fill_bytes(&mut message);

        let pair = crossing.pair(Curve::Ed25519).await?;
        let public = pair.public;
        let (private, handle) = crossing.out_of_webcrypto(Curve::Ed25519, pair).await?;
        let key = SigningKey::from_bytes(&private);
        ensure!(key.verifying_key().to_bytes() == public, "key {case}");
        let theirs = crossing.crypto.sign(&handle, &message).await.map_err(thrown)?;
        ensure!(theirs == key.sign(&message).to_bytes(), "signature {case}");
        ensure!(
            verifies(&public, &message, &theirs),
            "signature {case} does not verify"
        );

        let private = random(&mut crossing.rng);
        let key = SigningKey::from_bytes(&private);
        let moved = crossing.into_webcrypto(Curve::Ed25519, &private).await?;
        let theirs = crossing.crypto.sign(&moved, &message).await.map_err(thrown)?;
        ensure!(
            theirs == key.sign(&message).to_bytes(),
            "signature {case} of a key that was moved"
        );
        counts.add("signatures");
    }
    Ok(counts)
}
