//! HPKE of envelopes in handshake form: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

use anyhow::{Result, anyhow, ensure};
use hpke::aead::{Aead, AesGcm128, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR};

use super::bytes;
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 2] = [
    Proof {
        name: "hpke/rfc9180",
        least: &[("opened", 1), ("refused", 1)],
        run: rfc,
    },
    Proof {
        name: "hpke/openssl",
        least: &[("opened", 1), ("refused", 45)],
        run: openssl,
    },
];

/// Info and plaintext of RFC 9180, appendix A.
const INFO: &[u8] = b"Ode on a Grecian Urn";
const PLAINTEXT: &[u8] = b"Beauty is truth, truth beauty";
/// The recipient's private key of RFC 9180, appendix A.1.1.
const RECIPIENT: &str = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
/// Encapsulated key and ciphertext of the product's very suite, by OpenSSL 4 (PyPI cryptography 50.0.2).
const SEALED_BY_OPENSSL: &str = "d7dfe25cf419d82c95e2560c5fc456efc6fc8a7bef67573b5f25b82f3dbb7e08\
                                 8c3a89ff95769844a92781f481c60349b26d012df4ad49b96fde8d8c4b7295c8\
                                 f60ff57d25632895aec821af0b";

/// What the recipient reads; `None` where the envelope does not open.
fn opened<A: Aead>(encapsulated: &[u8], ciphertext: &[u8], associated: &[u8]) -> Result<Option<Vec<u8>>> {
    let named = |error| anyhow!("{error}");
    let secret =
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes::<32>(RECIPIENT)?).map_err(named)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(named)?;
    Ok(hpke::single_shot_open::<A, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        INFO,
        ciphertext,
        associated,
    )
    .ok())
}

/// Appendix A.1.1: the same KEM, derivation and mode with AES-128-GCM, the nearest that the RFC has.
fn rfc(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    let encapsulated: [u8; 32] = bytes("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")?;
    let ciphertext = bytes::<45>(
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    )?;
    let open = |associated: &[u8]| opened::<AesGcm128>(&encapsulated, &ciphertext, associated);
    ensure!(open(b"Count-0")?.as_deref() == Some(PLAINTEXT), "the vector");
    counts.add("opened");
    ensure!(open(b"Count-1")?.is_none(), "other associated data");
    counts.add("refused");
    Ok(counts)
}

fn openssl(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    let sealed = hex::decode(SEALED_BY_OPENSSL).map_err(|error| anyhow!("{error}"))?;
    let open = |sealed: &[u8]| opened::<AesGcm256>(&sealed[..32], &sealed[32..], &[]);
    ensure!(
        open(&sealed)?.as_deref() == Some(PLAINTEXT),
        "what OpenSSL sealed"
    );
    counts.add("opened");
    for at in 32..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        ensure!(open(&altered)?.is_none(), "byte {at} was altered");
        counts.add("refused");
    }
    Ok(counts)
}
