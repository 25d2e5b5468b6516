//! WebCrypto: keys whose bytes JavaScript and wasm never see.

use js_sys::{Array, ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, CryptoKeyPair, SubtleCrypto};
use zeroize::Zeroizing;

use super::object::object;
use super::{Exception, scope};

/// Length of every AES-GCM nonce used here, in bytes.
pub const NONCE: usize = 12;

/// The curves of device identity keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Signatures.
    Ed25519,
    /// Agreements.
    X25519,
}

impl Curve {
    const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::X25519 => "X25519",
        }
    }

    /// What a private key of the curve may do.
    fn usages(self) -> Array {
        usages(match self {
            Self::Ed25519 => &["sign"],
            Self::X25519 => &["deriveBits"],
        })
    }
}

/// A new key pair whose private half can still be wrapped.
pub struct Pair {
    /// Extractable, so that it can be wrapped; dropped right after.
    private: CryptoKey,
    /// 32 bytes.
    pub public: [u8; 32],
}

/// `crypto.subtle`.
#[derive(Clone)]
pub struct WebCrypto {
    subtle: SubtleCrypto,
}

impl WebCrypto {
    /// Fails outside a secure context.
    pub fn open() -> Result<Self, Exception> {
        Ok(Self {
            subtle: scope().crypto()?.subtle(),
        })
    }

    /// Makes an AES-256-GCM key that cannot be extracted and can be kept in IndexedDB.
    pub async fn make_slot_key(&self) -> Result<CryptoKey, Exception> {
        let algorithm = object(&[("name", "AES-GCM".into()), ("length", 256.into())]);
        let usages = usages(&["encrypt", "decrypt"]);
        let key = self
            .subtle
            .generate_key_with_object(&algorithm, false, &usages)?
            .await?;
        Ok(key.dyn_into()?)
    }

    /// Encrypts under a slot key.
    pub async fn encrypt(
        &self,
        key: &CryptoKey,
        nonce: &[u8; NONCE],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Exception> {
        let algorithm = aes_gcm(nonce, associated);
        let sealed = self
            .subtle
            .encrypt_with_object_and_u8_array(&algorithm, key, plain)?
            .await?;
        bytes(sealed)
    }

    /// Decrypts under a slot key.
    pub async fn decrypt(
        &self,
        key: &CryptoKey,
        nonce: &[u8; NONCE],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Exception> {
        let algorithm = aes_gcm(nonce, associated);
        let plain = self
            .subtle
            .decrypt_with_object_and_u8_array(&algorithm, key, sealed)?
            .await?;
        let view = view(plain)?;
        let plain = Zeroizing::new(view.to_vec());
        // The copy on the JavaScript side would otherwise lie there until it is collected.
        view.fill(0, 0, view.length());
        Ok(plain)
    }

    /// Imports an AES-256-GCM key that can only wrap and unwrap other keys.
    pub async fn import_wrapping_key(&self, key: &[u8; 32]) -> Result<CryptoKey, Exception> {
        self.import(key, &["wrapKey", "unwrapKey"]).await
    }

    /// Imports an AES-256-GCM key that encrypts and decrypts what is large, off this worker's own thread.
    pub async fn import_bulk_key(&self, key: &[u8; 32]) -> Result<CryptoKey, Exception> {
        self.import(key, &["encrypt", "decrypt"]).await
    }

    /// Decrypts under a bulk key into memory of JavaScript, from where a blob takes it.
    pub async fn decrypt_outside(
        &self,
        key: &CryptoKey,
        nonce: &[u8; NONCE],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<ArrayBuffer, Exception> {
        let algorithm = aes_gcm(nonce, associated);
        let plain = self
            .subtle
            .decrypt_with_object_and_u8_array(&algorithm, key, sealed)?
            .await?;
        Ok(plain.dyn_into()?)
    }

    async fn import(&self, key: &[u8; 32], for_what: &[&str]) -> Result<CryptoKey, Exception> {
        let data = Uint8Array::from(&key[..]);
        let algorithm = object(&[("name", "AES-GCM".into())]);
        let imported = self
            .subtle
            .import_key_with_object("raw", &data, &algorithm, false, &usages(for_what))?
            .await;
        data.fill(0, 0, data.length());
        Ok(imported?.dyn_into()?)
    }

    /// Makes a key pair; `NotSupportedError` where the browser lacks the curve.
    pub async fn make_pair(&self, curve: Curve) -> Result<Pair, Exception> {
        let algorithm = object(&[("name", curve.name().into())]);
        let usages = match curve {
            Curve::Ed25519 => usages(&["sign", "verify"]),
            Curve::X25519 => usages(&["deriveBits"]),
        };
        let pair = self
            .subtle
            .generate_key_with_object(&algorithm, true, &usages)?
            .await?;
        let pair: CryptoKeyPair = pair.unchecked_into();
        let public = bytes(self.subtle.export_key("raw", &pair.get_public_key())?.await?)?;
        let public = public.try_into().map_err(|_| Exception::named("DataError"))?;
        Ok(Pair {
            private: pair.get_private_key(),
            public,
        })
    }

    /// Wraps the private half. Consumes the pair: from here on the key is ciphertext or a handle.
    pub async fn wrap(
        &self,
        pair: Pair,
        wrapping: &CryptoKey,
        nonce: &[u8; NONCE],
    ) -> Result<Vec<u8>, Exception> {
        let algorithm = aes_gcm(nonce, &[]);
        let wrapped = self
            .subtle
            .wrap_key_with_object("pkcs8", &pair.private, wrapping, &algorithm)?
            .await?;
        bytes(wrapped)
    }

    /// Unwraps a private key into a handle that cannot be extracted.
    pub async fn unwrap(
        &self,
        curve: Curve,
        wrapped: &[u8],
        wrapping: &CryptoKey,
        nonce: &[u8; NONCE],
    ) -> Result<CryptoKey, Exception> {
        self.unwrap_as(curve, wrapped, wrapping, nonce, false).await
    }

    /// Wraps a private key anew: from under one key (with its nonce) to under another. In between it is in the browser's hands
    /// only, never in ours.
    pub async fn wrap_anew(
        &self,
        curve: Curve,
        wrapped: &[u8],
        (from, from_nonce): (&CryptoKey, &[u8; NONCE]),
        (to, to_nonce): (&CryptoKey, &[u8; NONCE]),
    ) -> Result<Vec<u8>, Exception> {
        let key = self.unwrap_as(curve, wrapped, from, from_nonce, true).await?;
        let algorithm = aes_gcm(to_nonce, &[]);
        let wrapped = self
            .subtle
            .wrap_key_with_object("pkcs8", &key, to, &algorithm)?
            .await?;
        bytes(wrapped)
    }

    async fn unwrap_as(
        &self,
        curve: Curve,
        wrapped: &[u8],
        wrapping: &CryptoKey,
        nonce: &[u8; NONCE],
        extractable: bool,
    ) -> Result<CryptoKey, Exception> {
        let unwrapped = self.subtle.unwrap_key_with_u8_array_and_object_and_object(
            "pkcs8",
            wrapped,
            wrapping,
            &aes_gcm(nonce, &[]),
            &object(&[("name", curve.name().into())]),
            extractable,
            &curve.usages(),
        )?;
        Ok(unwrapped.await?.dyn_into()?)
    }

    /// An Ed25519 signature.
    pub async fn sign(&self, key: &CryptoKey, data: &[u8]) -> Result<[u8; 64], Exception> {
        let signature = self
            .subtle
            .sign_with_str_and_u8_array("Ed25519", key, data)?
            .await?;
        bytes(signature)?
            .try_into()
            .map_err(|_| Exception::named("DataError"))
    }

    /// An X25519 agreement. An output of zeros is an `OperationError` of WebCrypto; it is handed on as zeros, so that the
    /// engine names the fault (the other side's key contributes nothing) in every browser alike.
    pub async fn agree(&self, key: &CryptoKey, with: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, Exception> {
        let algorithm = object(&[("name", "X25519".into())]);
        let public: CryptoKey = self
            .subtle
            .import_key_with_object(
                "raw",
                &Uint8Array::from(&with[..]),
                &algorithm,
                true,
                &usages(&[]),
            )?
            .await?
            .dyn_into()?;
        let algorithm = object(&[("name", "X25519".into()), ("public", public.into())]);
        let shared = match self.subtle.derive_bits_with_object(&algorithm, key, 256)?.await {
            Ok(shared) => view(shared)?,
            Err(thrown) => {
                let thrown = Exception::from(thrown);
                return if thrown.is("OperationError") {
                    Ok(Zeroizing::new([0; 32]))
                } else {
                    Err(thrown)
                };
            }
        };
        if shared.length() != 32 {
            return Err(Exception::named("DataError"));
        }
        let mut out = Zeroizing::new([0; 32]);
        shared.copy_to(out.as_mut());
        shared.fill(0, 0, 32);
        Ok(out)
    }
}

fn aes_gcm(nonce: &[u8; NONCE], associated: &[u8]) -> Object {
    object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(&nonce[..]).into()),
        ("additionalData", Uint8Array::from(associated).into()),
        ("tagLength", 128.into()),
    ])
}

fn usages(names: &[&str]) -> Array {
    names.iter().map(|name| JsValue::from_str(name)).collect()
}

fn bytes(buffer: JsValue) -> Result<Vec<u8>, Exception> {
    Ok(view(buffer)?.to_vec())
}

fn view(buffer: JsValue) -> Result<Uint8Array, Exception> {
    let buffer: JsValue = buffer.dyn_into::<ArrayBuffer>()?.into();
    Ok(Uint8Array::new(&buffer))
}
