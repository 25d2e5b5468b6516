//! Every proof, natively. The same proofs run as wasm in a browser: `cargo xtask test`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use chopar_proofs::{Size, proofs};

/// One test for each proof, so that each has its name and its time, and [`TESTED`] with the names of all.
macro_rules! tests {
    ($($test:ident: $name:literal,)*) => {
        const TESTED: &[&str] = &[$($name),*];
        $(#[test]
        fn $test() {
            check($name);
        })*
    };
}

tests! {
    x25519_wycheproof: "x25519/wycheproof",
    x25519_rfc_7748: "x25519/rfc7748",
    ed25519_wycheproof: "ed25519/wycheproof",
    ed25519_rfc_8032: "ed25519/rfc8032",
    hpke_rfc_9180: "hpke/rfc9180",
    hpke_by_hand: "hpke/by-hand",
    hpke_openssl: "hpke/openssl",
    aes_256_gcm_wycheproof: "aes-256-gcm/wycheproof",
    hkdf_wycheproof: "hkdf-sha256/wycheproof",
    hkdf_rfc_5869: "hkdf-sha256/rfc5869",
    hmac_wycheproof: "hmac-sha256/wycheproof",
    hmac_chain: "hmac-sha256/chain",
    ml_kem_768_wycheproof: "ml-kem-768/wycheproof",
    ml_kem_1024_wycheproof: "ml-kem-1024/wycheproof",
    ml_kem_nist: "ml-kem/nist",
    ml_kem_accumulated: "ml-kem/accumulated",
    ml_kem_768_rustcrypto: "ml-kem-768/rustcrypto",
    ml_kem_1024_rustcrypto: "ml-kem-1024/rustcrypto",
    transcripts_handshake: "transcripts/handshake",
    transcripts_ratchet: "transcripts/ratchet",
}

#[test]
fn no_proof_is_left_out() {
    let all: BTreeSet<_> = proofs().iter().map(|proof| proof.name).collect();
    assert_eq!(all, TESTED.iter().copied().collect());
    assert_eq!(all.len(), proofs().len());
}

fn check(name: &str) {
    let size = match std::env::var_os("CHOPAR_FULL") {
        Some(_) => Size::Full,
        None => Size::Bounded,
    };
    let proof = proofs().into_iter().find(|proof| proof.name == name).unwrap();
    match proof.check(size) {
        Ok(counts) => println!("{name}: {counts}"),
        Err(error) => panic!("{error:#}"),
    }
}
