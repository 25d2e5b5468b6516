//! The device's identity keys: handles of WebCrypto, or bytes where a browser lacks a curve.
//!
//! A private key is made extractable only so that it can be wrapped at once; what is kept is ciphertext, and what is used
//! is a handle unwrapped from it that nobody can extract. Where a browser lacks a curve (Ed25519 came to Chromium late),
//! that half is made in wasm and lies in the sealed record; which of both it is, "about this device" shows.

use std::rc::Rc;

use chopar_engine::input::DeviceKeysPublic;
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use web_sys::CryptoKey;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::VaultError;
use crate::platform::Exception;
use crate::platform::webcrypto::{Curve, NONCE, WebCrypto};

/// Both identity keys, ready to be used. Cloning copies handles, or the reference to the one copy in memory.
#[derive(Clone)]
pub struct Identity {
    signing: Signing,
    agreement: Agreement,
    public: DeviceKeysPublic,
}

/// Where private identity keys live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Both in WebCrypto, not extractable.
    WebCrypto,
    /// At least one in the worker's memory.
    Wasm,
}

#[derive(Clone)]
enum Signing {
    Handle(CryptoKey),
    Bytes(Rc<SigningKey>),
}

#[derive(Clone)]
enum Agreement {
    Handle(CryptoKey),
    Bytes(Rc<StaticSecret>),
}

/// The record, before it is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    signing: StoredHalf,
    agreement: StoredHalf,
}

#[derive(Serialize, Deserialize)]
struct StoredHalf {
    public: [u8; 32],
    private: StoredPrivate,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
enum StoredPrivate {
    /// PKCS #8 under the identity wrapping key. Its nonces are random and it wraps two keys per device made.
    Wrapped { nonce: [u8; NONCE], key: Vec<u8> },
    /// The key itself.
    Bytes([u8; 32]),
}

impl Identity {
    /// Makes both keys. Returns them with the record that is to be sealed and stored.
    pub(super) async fn make(
        crypto: &WebCrypto,
        wrapping: &CryptoKey,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), VaultError> {
        let stored = Stored {
            signing: StoredHalf::make(Curve::Ed25519, crypto, wrapping, rng).await?,
            agreement: StoredHalf::make(Curve::X25519, crypto, wrapping, rng).await?,
        };
        let encoded = Zeroizing::new(postcard::to_allocvec(&stored).map_err(|_| VaultError::Damaged)?);
        Ok((stored.unwrap(crypto, wrapping).await?, encoded))
    }

    /// Makes handles of what was stored.
    pub(super) async fn restore(
        stored: &[u8],
        crypto: &WebCrypto,
        wrapping: &CryptoKey,
    ) -> Result<Self, VaultError> {
        let stored: Stored = postcard::from_bytes(stored).map_err(|_| VaultError::Damaged)?;
        stored.unwrap(crypto, wrapping).await
    }

    /// The record of the same keys under another wrapping key, to be sealed and stored.
    pub(super) async fn wrap_anew(
        stored: &[u8],
        crypto: &WebCrypto,
        from: &CryptoKey,
        to: &CryptoKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut stored: Stored = postcard::from_bytes(stored).map_err(|_| VaultError::Damaged)?;
        for (curve, half) in [
            (Curve::Ed25519, &mut stored.signing),
            (Curve::X25519, &mut stored.agreement),
        ] {
            if let StoredPrivate::Wrapped { nonce, key } = &mut half.private {
                let mut fresh = [0; NONCE];
                rng.fill_bytes(&mut fresh);
                *key = crypto
                    .wrap_anew(curve, key, (from, nonce), (to, &fresh))
                    .await
                    .map_err(VaultError::Crypto)?;
                *nonce = fresh;
            }
        }
        let encoded = postcard::to_allocvec(&stored).map_err(|_| VaultError::Damaged)?;
        Ok(Zeroizing::new(encoded))
    }

    /// The public halves.
    pub const fn public(&self) -> DeviceKeysPublic {
        self.public
    }

    /// Where the private halves live.
    pub const fn home(&self) -> Home {
        match (&self.signing, &self.agreement) {
            (Signing::Handle(_), Agreement::Handle(_)) => Home::WebCrypto,
            _ => Home::Wasm,
        }
    }

    /// Signs each input.
    pub async fn sign(&self, crypto: &WebCrypto, inputs: &[Vec<u8>]) -> Result<Vec<[u8; 64]>, Exception> {
        let mut signatures = Vec::with_capacity(inputs.len());
        for input in inputs {
            signatures.push(match &self.signing {
                Signing::Handle(key) => crypto.sign(key, input).await?,
                Signing::Bytes(key) => key.sign(input).to_bytes(),
            });
        }
        Ok(signatures)
    }

    /// Agrees with another X25519 key. The output is not checked for contribution; the engine does that.
    pub async fn agree(&self, crypto: &WebCrypto, with: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, Exception> {
        match &self.agreement {
            Agreement::Handle(key) => crypto.agree(key, with).await,
            Agreement::Bytes(key) => Ok(Zeroizing::new(
                key.diffie_hellman(&PublicKey::from(*with)).to_bytes(),
            )),
        }
    }
}

impl Stored {
    async fn unwrap(&self, crypto: &WebCrypto, wrapping: &CryptoKey) -> Result<Identity, VaultError> {
        Ok(Identity {
            signing: match &self.signing.private {
                StoredPrivate::Wrapped { nonce, key } => Signing::Handle(
                    crypto
                        .unwrap(Curve::Ed25519, key, wrapping, nonce)
                        .await
                        .map_err(|_| VaultError::Damaged)?,
                ),
                StoredPrivate::Bytes(bytes) => Signing::Bytes(Rc::new(SigningKey::from_bytes(bytes))),
            },
            agreement: match &self.agreement.private {
                StoredPrivate::Wrapped { nonce, key } => Agreement::Handle(
                    crypto
                        .unwrap(Curve::X25519, key, wrapping, nonce)
                        .await
                        .map_err(|_| VaultError::Damaged)?,
                ),
                StoredPrivate::Bytes(bytes) => Agreement::Bytes(Rc::new(StaticSecret::from(*bytes))),
            },
            public: DeviceKeysPublic {
                signing: self.signing.public,
                agreement: self.agreement.public,
            },
        })
    }
}

impl StoredHalf {
    async fn make(
        curve: Curve,
        crypto: &WebCrypto,
        wrapping: &CryptoKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, VaultError> {
        match crypto.make_pair(curve).await {
            Ok(pair) => {
                let public = pair.public;
                let mut nonce = [0; NONCE];
                rng.fill_bytes(&mut nonce);
                let key = crypto
                    .wrap(pair, wrapping, &nonce)
                    .await
                    .map_err(VaultError::Crypto)?;
                Ok(Self {
                    public,
                    private: StoredPrivate::Wrapped { nonce, key },
                })
            }
            Err(thrown) if thrown.is("NotSupportedError") => Ok(Self::make_here(curve, rng)),
            Err(thrown) => Err(VaultError::Crypto(thrown)),
        }
    }

    /// Where the browser lacks the curve.
    fn make_here(curve: Curve, rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut());
        let public = match curve {
            Curve::Ed25519 => SigningKey::from_bytes(&secret).verifying_key().to_bytes(),
            Curve::X25519 => PublicKey::from(&StaticSecret::from(*secret)).to_bytes(),
        };
        Self {
            public,
            private: StoredPrivate::Bytes(*secret),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn the_record_of_both_kinds_comes_back() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let agreement = StoredHalf::make_here(Curve::X25519, &mut rng);
        let public = agreement.public;
        let signing = StoredHalf {
            public: [1; 32],
            private: StoredPrivate::Wrapped {
                nonce: [2; NONCE],
                key: vec![3; 64],
            },
        };
        let bytes = postcard::to_allocvec(&Stored { signing, agreement }).unwrap();
        let back: Stored = postcard::from_bytes(&bytes).unwrap();
        assert!(
            matches!(&back.signing.private, StoredPrivate::Wrapped { nonce: [2, ..], key } if key == &[3; 64])
        );
        let StoredPrivate::Bytes(secret) = &back.agreement.private else {
            panic!("kind changed")
        };
        assert_eq!(PublicKey::from(&StaticSecret::from(*secret)).to_bytes(), public);
    }

    #[test]
    fn the_halves_made_here_fit_together() {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let half = StoredHalf::make_here(Curve::Ed25519, &mut rng);
        let StoredPrivate::Bytes(secret) = &half.private else {
            panic!("made here")
        };
        let signature = SigningKey::from_bytes(secret).sign(b"said");
        let key = ed25519_dalek::VerifyingKey::from_bytes(&half.public).unwrap();
        assert!(key.verify_strict(b"said", &signature).is_ok());
        assert!(key.verify_strict(b"not said", &signature).is_err());
    }
}
