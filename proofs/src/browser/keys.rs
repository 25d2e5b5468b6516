//! Private keys on their way between wasm and WebCrypto: wrapped on the one side, unwrapped on the other, as the vault has them.

use anyhow::{Context, Result, anyhow};
use chopar_e2ee::ratchet::primitives::{aead_open, aead_seal};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use web_sys::CryptoKey;

use super::Exception;
use super::webcrypto::{Curve, NONCE, Pair, WebCrypto};
use crate::Size;

/// Random cases of what goes both ways.
pub(super) const CASES: usize = 100;
const CASES_FULL: usize = 2000;

/// PKCS #8 (RFC 8410) of a key of 32 bytes: everything before the key itself. Ed25519 and X25519 differ in one byte.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const CURVE_AT: usize = 11;

/// WebCrypto, and a key that it wraps under and wasm knows.
pub(super) struct Crossing {
    pub(super) crypto: WebCrypto,
    pub(super) rng: ChaCha20Rng,
    key: [u8; 32],
    wrapping: CryptoKey,
}

impl Crossing {
    pub(super) async fn open() -> Result<Self> {
        let crypto = WebCrypto::open().map_err(thrown)?;
        let mut rng = ChaCha20Rng::from_seed([0x5c; 32]);
        let key = random(&mut rng);
        let wrapping = crypto.import_wrapping_key(&key).await.map_err(thrown)?;
        Ok(Self {
            crypto,
            rng,
            key,
            wrapping,
        })
    }

    /// A handle of WebCrypto on a private key of wasm's: sealed here, unwrapped there.
    pub(super) async fn into_webcrypto(&mut self, curve: Curve, private: &[u8; 32]) -> Result<CryptoKey> {
        let nonce: [u8; NONCE] = random(&mut self.rng);
        let mut wrapped = [&prefix(curve)[..], private].concat();
        let tag = aead_seal(self.key, nonce, &[], &mut wrapped);
        wrapped.extend_from_slice(&tag);
        let handle = self.crypto.unwrap(curve, &wrapped, &self.wrapping, &nonce).await;
        handle.map_err(thrown)
    }

    /// The private bytes of a pair that WebCrypto made, and a handle on them: wrapped there, opened here and there.
    pub(super) async fn out_of_webcrypto(
        &mut self,
        curve: Curve,
        pair: Pair,
    ) -> Result<([u8; 32], CryptoKey)> {
        let nonce: [u8; NONCE] = random(&mut self.rng);
        let wrapped = self
            .crypto
            .wrap(pair, &self.wrapping, &nonce)
            .await
            .map_err(thrown)?;
        let handle = self.crypto.unwrap(curve, &wrapped, &self.wrapping, &nonce).await;
        let (sealed, tag) = wrapped
            .split_last_chunk::<16>()
            .context("a wrapped key without a tag")?;
        let mut plain = sealed.to_vec();
        anyhow::ensure!(
            aead_open(self.key, nonce, &[], &mut plain, tag),
            "what WebCrypto wrapped does not open"
        );
        let private = plain
            .strip_prefix(&prefix(curve)[..])
            .context("another form of PKCS #8")?;
        Ok((
            private.try_into().context("not 32 private bytes")?,
            handle.map_err(thrown)?,
        ))
    }

    /// A fresh pair of WebCrypto's.
    pub(super) async fn pair(&self, curve: Curve) -> Result<Pair> {
        self.crypto.make_pair(curve).await.map_err(thrown)
    }
}

/// How many random cases.
pub(super) fn cases(size: Size) -> usize {
    if size == Size::Full { CASES_FULL } else { CASES }
}

/// Random bytes.
pub(super) fn random<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// What JavaScript threw, by its name.
pub(super) fn thrown(exception: Exception) -> anyhow::Error {
    anyhow!("WebCrypto threw {exception}")
}

fn prefix(curve: Curve) -> [u8; 16] {
    let mut prefix = PKCS8;
    if curve == Curve::X25519 {
        prefix[CURVE_AT] = 0x6e;
    }
    prefix
}
