//! What opened files are sealed and hidden with: a record of the vault.
//!
//! ```text
//! record   blinding key 32 ‖ key 32 …      one key more with each new lock; the last one seals
//! place    HMAC-SHA256(blinding key, conversation ‖ line)[..16] ‖ HMAC-SHA256(blinding key, conversation ‖ line ‖ mark)[..16] ‖ offset u64
//! at rest  which key u32 ‖ nonce 12 ‖ AES-256-GCM(piece) ‖ tag 16
//! AAD      "opened" ‖ 0x00 ‖ place
//! ```
//! A new lock does not seal gigabytes anew. What was written before stays under a key that an older copy of the vault may open, as that
//! copy has the pieces themselves; what is written from then on has a key that it has not.

use chopar_engine::FileHome;
use chopar_wire::AccountId;
use hmac::{Hmac, KeyInit, Mac};
use js_sys::ArrayBuffer;
use rand_core::CryptoRng;
use sha2::Sha256;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::super::keys::{BlindingKey, Keys};
use super::super::{KEYS, Vault, VaultError, to_bytes, to_js};
use super::OPENED;
use crate::platform::Exception;
use crate::platform::webcrypto::{NONCE, WebCrypto};

/// Where the record lies.
pub(in crate::vault) const FILES: &str = "files";

const KEY: usize = 32;
/// Bytes of each blinded part.
const BLINDED: usize = 16;
/// In front of the nonce: which key.
const NUMBER: usize = 4;

/// The record, ready to be used.
pub(in crate::vault) struct FileKeys {
    blinding: BlindingKey,
    /// Handles, oldest first; at least one.
    keys: Vec<CryptoKey>,
}

/// Where the opened files of a line lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinePlace([u8; BLINDED]);

/// Where the pieces of one of them lie.
pub(super) struct Place([u8; 2 * BLINDED]);

impl LinePlace {
    /// Whether a key, or its beginning, is one of the line's.
    pub(super) fn is(&self, key: &[u8]) -> bool {
        key.starts_with(&self.0)
    }

    /// First and last key that may be.
    pub(super) fn bounds(&self) -> (Vec<u8>, Vec<u8>) {
        let with = |rest: u8| [self.0.as_slice(), &[rest; BLINDED + 8]].concat();
        (with(0), with(u8::MAX))
    }
}

impl Place {
    /// The key of the piece that begins there.
    pub(super) fn at(&self, offset: u64) -> Vec<u8> {
        [self.0.as_slice(), &offset.to_be_bytes()].concat()
    }

    /// The key of what says that the file is whole: behind every piece.
    pub(super) fn end(&self) -> Vec<u8> {
        self.at(u64::MAX)
    }
}

impl FileKeys {
    async fn read(record: &[u8], crypto: &WebCrypto) -> Result<Self, VaultError> {
        let (blinding, rest) = record.split_first_chunk::<KEY>().ok_or(VaultError::Damaged)?;
        let (keys, rest) = rest.as_chunks::<KEY>();
        if keys.is_empty() || !rest.is_empty() {
            return Err(VaultError::Damaged);
        }
        let mut handles = Vec::with_capacity(keys.len());
        for key in keys {
            handles.push(crypto.import_bulk_key(key).await.map_err(VaultError::Crypto)?);
        }
        Ok(Self {
            blinding: BlindingKey(*blinding),
            keys: handles,
        })
    }

    pub(super) fn line(&self, conversation: &AccountId, line: u64) -> LinePlace {
        LinePlace(blind(
            &self.blinding,
            &[conversation.as_bytes(), &line.to_be_bytes()],
        ))
    }

    pub(super) fn place(&self, home: &FileHome) -> Place {
        let (conversation, line) = (home.conversation.as_bytes(), home.line.to_be_bytes());
        let mut out = [0; 2 * BLINDED];
        let (of_line, of_file) = out.split_at_mut(BLINDED);
        of_line.copy_from_slice(&self.line(&home.conversation, home.line).0);
        of_file.copy_from_slice(&blind(
            &self.blinding,
            &[conversation, &line, home.file.as_bytes()],
        ));
        Place(out)
    }

    /// Seals a piece for its place. Nonces are random: a key would have to seal 2^32 pieces, four pebibytes, before two of them
    /// are likely to be the same.
    pub(super) async fn seal(
        &self,
        crypto: &WebCrypto,
        at: &[u8],
        piece: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, VaultError> {
        let number = self.keys.len().saturating_sub(1);
        let key = self.keys.get(number).ok_or(VaultError::Damaged)?;
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let sealed = crypto
            .encrypt(key, &nonce, &associated(at), piece)
            .await
            .map_err(VaultError::Crypto)?;
        Ok([&(number as u32).to_be_bytes()[..], &nonce, &sealed].concat())
    }

    /// `None` where it is not the piece of this place.
    pub(super) async fn open(&self, crypto: &WebCrypto, at: &[u8], sealed: &[u8]) -> Option<ArrayBuffer> {
        let (number, rest) = sealed.split_first_chunk::<NUMBER>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let key = self.keys.get(u32::from_be_bytes(*number) as usize)?;
        let opened: Result<_, Exception> = crypto.decrypt_outside(key, nonce, &associated(at), sealed).await;
        opened.ok()
    }
}

impl Vault {
    /// The keys of opened files; `None` where none was ever kept.
    pub(super) async fn file_keys(&self) -> Result<Option<Rc<FileKeys>>, VaultError> {
        if let Some(known) = self.file_keys.borrow().clone() {
            return Ok(Some(known));
        }
        let Some(record) = self.file_record(&self.keys()).await? else {
            return Ok(None);
        };
        self.take_file_keys(&record).await.map(Some)
    }

    /// The same, made where there are none.
    pub(super) async fn make_file_keys(&self, rng: &mut impl CryptoRng) -> Result<Rc<FileKeys>, VaultError> {
        if let Some(known) = self.file_keys().await? {
            return Ok(known);
        }
        let mut record = Zeroizing::new([0; 2 * KEY]);
        rng.fill_bytes(record.as_mut());
        let sealed = seal_record(&self.keys(), record.as_ref(), rng)?;
        let transaction = self.fenced(&[KEYS]).await?;
        transaction
            .store(KEYS)?
            .put(&to_js(&sealed), Some(&FILES.into()))?;
        transaction.finish().await?;
        self.take_file_keys(record.as_ref()).await
    }

    /// The record for another lock, with one key more, sealed; `None` where there is none.
    pub(in crate::vault) async fn file_keys_anew(
        &self,
        old: &Keys,
        new: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(record) = self.file_record(old).await? else {
            return Ok(None);
        };
        let mut longer = Zeroizing::new(Vec::with_capacity(record.len() + KEY));
        longer.extend_from_slice(&record);
        let mut key = Zeroizing::new([0; KEY]);
        rng.fill_bytes(key.as_mut());
        longer.extend_from_slice(key.as_ref());
        seal_record(new, &longer, rng).map(Some)
    }

    async fn file_record(&self, keys: &Keys) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let transaction = self.database.read(&[KEYS])?;
        let found = transaction.store(KEYS)?.get(JsValue::from_str(FILES))?.await?;
        transaction.finish().await?;
        let sealed = found.as_ref().and_then(to_bytes);
        // What does not open is as good as none: what it opened can be fetched again.
        Ok(sealed.and_then(|sealed| keys.sealer.open(KEYS, FILES.as_bytes(), &sealed).ok()))
    }

    async fn take_file_keys(&self, record: &[u8]) -> Result<Rc<FileKeys>, VaultError> {
        let keys = Rc::new(FileKeys::read(record, &self.crypto).await?);
        self.file_keys.replace(Some(keys.clone()));
        Ok(keys)
    }
}

fn seal_record(keys: &Keys, record: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, VaultError> {
    let sealed = keys.sealer.seal(KEYS, FILES.as_bytes(), record, rng);
    sealed.map_err(|_| VaultError::Damaged)
}

/// Every input has a length that is known by its kind, so no two are the same.
fn blind(key: &BlindingKey, parts: &[&[u8]]) -> [u8; BLINDED] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else {
        unreachable!("HMAC takes a key of any length")
    };
    for part in parts {
        mac.update(part);
    }
    let mut out = [0; BLINDED];
    out.copy_from_slice(&mac.finalize().into_bytes()[..BLINDED]);
    out
}

fn associated(at: &[u8]) -> Vec<u8> {
    [OPENED.as_bytes(), &[0], at].concat()
}

#[cfg(test)]
mod tests {
    use chopar_wire::FileMark;

    use super::*;

    fn keys(seed: u8) -> FileKeys {
        FileKeys {
            blinding: BlindingKey([seed; 32]),
            keys: Vec::new(),
        }
    }

    fn home(line: u64, file: u8) -> FileHome {
        FileHome {
            conversation: AccountId::new([1; 32]),
            line,
            file: FileMark::new([file; 32]),
        }
    }

    /// P-345, T-126.
    #[test]
    fn pieces_of_a_line_lie_together_and_say_nothing() {
        let keys = keys(9);
        let place = keys.place(&home(5, 2));
        let (first, last) = keys.line(&home(5, 2).conversation, 5).bounds();
        let pieces = [place.at(0), place.at(1), place.at(1 << 40), place.end()];
        assert!(pieces.is_sorted());
        assert!(
            pieces
                .iter()
                .all(|key| *key >= first && *key <= last && key.len() == 40)
        );
        assert!(!pieces[0].windows(4).any(|part| part == [1; 4] || part == [2; 4]));
        let line = keys.line(&home(5, 2).conversation, 5);
        assert!(line.is(&keys.place(&home(5, 3)).at(0)));
        assert!(!line.is(&keys.place(&home(6, 2)).at(0)));
        assert_ne!(keys.place(&home(5, 3)).at(0), pieces[0]);
    }

    /// P-345.
    #[test]
    fn another_blinding_key_makes_other_places() {
        assert_ne!(keys(9).place(&home(5, 2)).at(0), keys(8).place(&home(5, 2)).at(0));
    }
}
