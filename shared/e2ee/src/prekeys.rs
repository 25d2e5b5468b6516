//! The private halves of a device's prekeys: made here, kept sealed in the vault, looked up when a handshake comes.
//!
//! Records have a fixed layout with a leading form byte, so that no decoder's buffers keep a copy of a secret:
//!
//! ```text
//!  X25519 prekey   04 ‖ id u32 BE ‖ made u64 BE ‖ public 32 ‖ secret 32
//!  ML-KEM prekey   02 ‖ id u32 BE ‖ made u64 BE ‖ seed 64
//!  one-time pair   05 ‖ id u32 BE ‖ made u64 BE ‖ public 32 ‖ secret 32 ‖ seed 64
//! ```
//! The public X25519 half saves a multiplication for each of up to a hundred pairs at every start. Forms 1 and 3 are 4 and 5
//! without it: they are still read and never written. A form is never given another meaning.

use chopar_identity::{EcPrekey, OneTimePair, PqPrekey, X25519Public};
use chopar_wire::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::keys::{KemSecret1024, X25519Secret};

/// A record from the vault is no prekey of the kind asked for. The store is at fault, or a newer version wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrekeyRecordError {
    /// Of another kind, of another length, or with a public half that is no key.
    #[error("the prekey record is damaged")]
    Damaged,
    /// Written by a version this one does not know.
    #[error("the prekey record has the unknown form {0}")]
    UnknownForm(u8),
}

/// First byte of each kind's record: what is written, and what older versions wrote. One list, so that no number serves twice.
mod form {
    pub(super) const EC_WITHOUT_PUBLIC: u8 = 1;
    pub(super) const PQ: u8 = 2;
    pub(super) const ONE_TIME_WITHOUT_PUBLIC: u8 = 3;
    pub(super) const EC: u8 = 4;
    pub(super) const ONE_TIME: u8 = 5;
}

/// The private half of a signed prekey or of a sealing key.
pub struct EcPrekeySecret {
    /// The number its bundle gives it.
    pub id: u32,
    /// When it was made: it goes 30 days after its replacement.
    pub made: Timestamp,
    /// The private half.
    pub secret: X25519Secret,
    public: X25519Public,
}

/// The private half of a last-resort ML-KEM prekey.
pub struct PqPrekeySecret {
    /// The number its bundle gives it.
    pub id: u32,
    /// When it was made: it goes 30 days after its replacement.
    pub made: Timestamp,
    /// The private half.
    pub secret: KemSecret1024,
}

/// The private halves of a one-time pair: deleted with the first authenticated message of its session.
pub struct OneTimeSecret {
    /// The number the pair has.
    pub id: u32,
    /// When it was made.
    pub made: Timestamp,
    /// The classical half.
    pub x25519: X25519Secret,
    pub(crate) x25519_public: X25519Public,
    /// The post-quantum half.
    pub kem: KemSecret1024,
}

/// The private halves that a handshake header names, looked up by its ids.
#[derive(Clone, Copy, Debug)]
pub struct Prekeys<'a> {
    /// The signed prekey.
    pub signed: &'a EcPrekeySecret,
    /// The one-time pair, or what stands in for it.
    pub one_time: OneTimeOrLastResort<'a>,
}

/// Which KEM prekey a handshake uses.
#[derive(Clone, Copy, Debug)]
pub enum OneTimeOrLastResort<'a> {
    /// A pair used once.
    OneTime(&'a OneTimeSecret),
    /// The key that serves where no pair was left: replays of the header must be remembered as long as it lives.
    LastResort(&'a PqPrekeySecret),
}

impl EcPrekeySecret {
    /// Draws a fresh key.
    pub fn random(id: u32, made: Timestamp, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let secret = X25519Secret::random(rng);
        Self {
            id,
            made,
            public: secret.public(),
            secret,
        }
    }

    /// The public half, for the bundle.
    pub fn public(&self) -> EcPrekey {
        EcPrekey {
            id: self.id,
            public: self.public,
        }
    }

    /// The record for the vault.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        record(
            form::EC,
            self.id,
            self.made,
            &[self.public.as_bytes(), self.secret.as_bytes()],
        )
    }

    /// Reads a record of [`encode`](Self::encode), of this version or an older one.
    ///
    /// # Errors
    /// [`PrekeyRecordError`].
    pub fn decode(record: &[u8]) -> Result<Self, PrekeyRecordError> {
        let (form, id, made, rest) = open_record(record)?;
        let (secret, public) = match form {
            form::EC => with_public(rest)?,
            form::EC_WITHOUT_PUBLIC => without_public(rest)?,
            _ => return Err(PrekeyRecordError::Damaged),
        };
        Ok(Self {
            id,
            made,
            secret,
            public,
        })
    }
}

impl PqPrekeySecret {
    /// Draws a fresh key.
    pub fn random(id: u32, made: Timestamp, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            id,
            made,
            secret: KemSecret1024::random(rng),
        }
    }

    /// The public half, for the bundle. Costs a key generation.
    pub fn public(&self) -> PqPrekey {
        PqPrekey {
            id: self.id,
            public: self.secret.public(),
        }
    }

    /// The record for the vault.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        record(form::PQ, self.id, self.made, &[self.secret.seed()])
    }

    /// Reads a record of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`PrekeyRecordError`].
    pub fn decode(record: &[u8]) -> Result<Self, PrekeyRecordError> {
        let (form::PQ, id, made, rest) = open_record(record)? else {
            return Err(PrekeyRecordError::Damaged);
        };
        Ok(Self {
            id,
            made,
            secret: KemSecret1024::from_seed(exact(rest)?),
        })
    }
}

impl OneTimeSecret {
    /// Draws a fresh pair.
    pub fn random(id: u32, made: Timestamp, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let x25519 = X25519Secret::random(rng);
        Self {
            id,
            made,
            x25519_public: x25519.public(),
            x25519,
            kem: KemSecret1024::random(rng),
        }
    }

    /// The public halves, to be signed and uploaded. Costs a key generation.
    pub fn public(&self) -> OneTimePair {
        OneTimePair {
            id: self.id,
            x25519: self.x25519_public,
            kem: self.kem.public(),
        }
    }

    /// The record for the vault.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        record(
            form::ONE_TIME,
            self.id,
            self.made,
            &[
                self.x25519_public.as_bytes(),
                self.x25519.as_bytes(),
                self.kem.seed(),
            ],
        )
    }

    /// Reads a record of [`encode`](Self::encode), of this version or an older one.
    ///
    /// # Errors
    /// [`PrekeyRecordError`].
    pub fn decode(record: &[u8]) -> Result<Self, PrekeyRecordError> {
        let (form, id, made, rest) = open_record(record)?;
        let (x25519, seed) = rest.split_last_chunk::<64>().ok_or(PrekeyRecordError::Damaged)?;
        let (x25519, x25519_public) = match form {
            form::ONE_TIME => with_public(x25519)?,
            form::ONE_TIME_WITHOUT_PUBLIC => without_public(x25519)?,
            _ => return Err(PrekeyRecordError::Damaged),
        };
        Ok(Self {
            id,
            made,
            x25519,
            x25519_public,
            kem: KemSecret1024::from_seed(*seed),
        })
    }
}

// Ids and moments. A public half would tell from a log who was written to.

impl core::fmt::Debug for EcPrekeySecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EcPrekeySecret({}, {:?})", self.id, self.made)
    }
}

impl core::fmt::Debug for PqPrekeySecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PqPrekeySecret({}, {:?})", self.id, self.made)
    }
}

impl core::fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OneTimeSecret({}, {:?})", self.id, self.made)
    }
}

fn record(form: u8, id: u32, made: Timestamp, keys: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    // The whole size at once: growing would leave copies behind.
    let size = 13 + keys.iter().map(|key| key.len()).sum::<usize>();
    let mut record = Zeroizing::new(Vec::with_capacity(size));
    record.push(form);
    record.extend_from_slice(&id.to_be_bytes());
    record.extend_from_slice(&made.0.to_be_bytes());
    for key in keys {
        record.extend_from_slice(key);
    }
    record
}

/// Form, id, moment, and the keys after them.
fn open_record(record: &[u8]) -> Result<(u8, u32, Timestamp, &[u8]), PrekeyRecordError> {
    let (&form, _) = record.split_first().ok_or(PrekeyRecordError::Damaged)?;
    if !(form::EC_WITHOUT_PUBLIC..=form::ONE_TIME).contains(&form) {
        return Err(PrekeyRecordError::UnknownForm(form));
    }
    let (head, rest) = record
        .split_first_chunk::<13>()
        .ok_or(PrekeyRecordError::Damaged)?;
    let [_, i0, i1, i2, i3, made @ ..] = *head;
    let id = u32::from_be_bytes([i0, i1, i2, i3]);
    Ok((form, id, Timestamp(u64::from_be_bytes(made)), rest))
}

fn with_public(keys: &[u8]) -> Result<(X25519Secret, X25519Public), PrekeyRecordError> {
    let (public, secret) = keys.split_first_chunk::<32>().ok_or(PrekeyRecordError::Damaged)?;
    let public = X25519Public::parse(public).map_err(|_| PrekeyRecordError::Damaged)?;
    Ok((X25519Secret::from_bytes(exact(secret)?), public))
}

fn without_public(secret: &[u8]) -> Result<(X25519Secret, X25519Public), PrekeyRecordError> {
    let secret = X25519Secret::from_bytes(exact(secret)?);
    let public = secret.public();
    Ok((secret, public))
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], PrekeyRecordError> {
    bytes.try_into().map_err(|_| PrekeyRecordError::Damaged)
}

#[cfg(test)]
mod tests;
