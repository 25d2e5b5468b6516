//! Published vectors, one file for each primitive.

pub(crate) mod aead;
pub(crate) mod ed25519;
mod fips203;
mod hkdf;
mod hmac;
mod hpke;
mod ml_kem;
mod x25519;

use anyhow::{Result, anyhow};

use crate::Proof;

/// Every set.
pub(crate) fn proofs() -> Vec<Proof> {
    [
        &x25519::PROOFS[..],
        &ed25519::PROOFS,
        &hpke::PROOFS,
        &aead::PROOFS,
        &hkdf::PROOFS,
        &hmac::PROOFS,
        &ml_kem::PROOFS,
        &fips203::PROOFS,
    ]
    .concat()
}

/// A set that cannot be read is a failure of its proof.
pub(crate) fn loaded<T, E: core::fmt::Debug>(set: core::result::Result<T, E>) -> Result<T> {
    set.map_err(|error| anyhow!("the set cannot be read: {error:?}"))
}

/// Hexadecimal digits of a known number of bytes.
pub(crate) fn bytes<const N: usize>(text: &str) -> Result<[u8; N]> {
    let bytes = hex::decode(text).map_err(|error| anyhow!("{error}"))?;
    bytes.try_into().map_err(|_| anyhow!("not {N} bytes: {text}"))
}
