//! HPKE of envelopes in handshake form: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

mod by_hand;

use anyhow::{Result, anyhow, ensure};
use hpke::aead::{Aead, AesGcm128, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR};

use super::bytes;
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 3] = [
    Proof {
        name: "hpke/rfc9180",
        least: &[("opened", 2), ("refused", 6)],
        run: rfc,
    },
    Proof {
        name: "hpke/by-hand",
        least: &[("vector", 1), ("opened by the product", 1), ("opened by hand", 1)],
        run: by_hand::run,
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

/// The product's very suite in the vectors published with RFC 9180 (mode 0, KEM 0x0020, KDF 0x0001, AEAD 0x0002): private keys
/// of both sides, encapsulated key, and what comes first under the key schedule.
struct Vector {
    recipient: &'static str,
    ephemeral: &'static str,
    encapsulated: &'static str,
    key: &'static str,
    nonce: &'static str,
    ciphertext: &'static str,
}

const SUITE: Vector = Vector {
    recipient: "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
    ephemeral: "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
    encapsulated: "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
    key: "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f",
    nonce: "151d9929e2449747889bc923",
    ciphertext: "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
};

/// What the recipient reads; `None` where the envelope does not open.
fn opened<A: Aead>(
    recipient: &str,
    encapsulated: &[u8],
    ciphertext: &[u8],
    associated: &[u8],
) -> Result<Option<Vec<u8>>> {
    let named = |error| anyhow!("{error}");
    let secret =
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes::<32>(recipient)?).map_err(named)?;
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

/// The product's suite, and appendix A.1.1, which has the same with AES-128-GCM.
fn rfc(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    let (encapsulated, ciphertext) = (bytes::<32>(SUITE.encapsulated)?, bytes::<45>(SUITE.ciphertext)?);
    for altered in [None, Some(0), Some(44)] {
        let mut ciphertext = ciphertext;
        altered.into_iter().for_each(|at: usize| ciphertext[at] ^= 1);
        for associated in [b"Count-0", b"Count-1"] {
            let open = opened::<AesGcm256>(SUITE.recipient, &encapsulated, &ciphertext, associated)?;
            match (altered, associated) {
                (None, b"Count-0") => {
                    ensure!(open.as_deref() == Some(PLAINTEXT), "the vector of the suite");
                    counts.add("opened");
                }
                _ => {
                    ensure!(open.is_none(), "{altered:?} {associated:?}");
                    counts.add("refused");
                }
            }
        }
    }
    let encapsulated: [u8; 32] = bytes("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")?;
    let ciphertext = bytes::<45>(
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    )?;
    let open = |associated: &[u8]| opened::<AesGcm128>(RECIPIENT, &encapsulated, &ciphertext, associated);
    ensure!(open(b"Count-0")?.as_deref() == Some(PLAINTEXT), "A.1.1");
    counts.add("opened");
    ensure!(open(b"Count-1")?.is_none(), "other associated data");
    counts.add("refused");
    Ok(counts)
}

fn openssl(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    let sealed = hex::decode(SEALED_BY_OPENSSL).map_err(|error| anyhow!("{error}"))?;
    let open = |sealed: &[u8]| opened::<AesGcm256>(RECIPIENT, &sealed[..32], &sealed[32..], &[]);
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
