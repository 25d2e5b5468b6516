//! The private halves of a device's prekeys: made here, kept sealed in the vault, looked up when a handshake comes.
//!
//! Records have a fixed layout with a leading version byte, so that no decoder's buffers keep a copy of a secret:
//!
//! ```text
//!  X25519 prekey   01 ‖ id u32 BE ‖ made u64 BE ‖ secret 32
//!  ML-KEM prekey   02 ‖ id u32 BE ‖ made u64 BE ‖ seed 64
//!  one-time pair   03 ‖ id u32 BE ‖ made u64 BE ‖ secret 32 ‖ seed 64
//! ```

use chopar_identity::{EcPrekey, OneTimePair, PqPrekey};
use chopar_wire::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::keys::{KemSecret1024, X25519Secret};

/// A record from the vault is none of these. The store is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the prekey record is damaged")]
pub struct DamagedPrekey;

/// The private half of a signed prekey or of a sealing key.
#[derive(Debug)]
pub struct EcPrekeySecret {
    /// The number its bundle gives it.
    pub id: u32,
    /// When it was made: it goes 30 days after its replacement.
    pub made: Timestamp,
    /// The private half.
    pub secret: X25519Secret,
}

/// The private half of a last-resort ML-KEM prekey.
#[derive(Debug)]
pub struct PqPrekeySecret {
    /// The number its bundle gives it.
    pub id: u32,
    /// When it was made: it goes 30 days after its replacement.
    pub made: Timestamp,
    /// The private half.
    pub secret: KemSecret1024,
}

/// The private halves of a one-time pair: deleted with the first authenticated message of its session.
#[derive(Debug)]
pub struct OneTimeSecret {
    /// The number the pair has.
    pub id: u32,
    /// When it was made.
    pub made: Timestamp,
    /// The classical half.
    pub x25519: X25519Secret,
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
    const VERSION: u8 = 1;

    /// Draws a fresh key.
    pub fn random(id: u32, made: Timestamp, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            id,
            made,
            secret: X25519Secret::random(rng),
        }
    }

    /// The public half, for the bundle.
    pub fn public(&self) -> EcPrekey {
        EcPrekey {
            id: self.id,
            public: self.secret.public(),
        }
    }

    /// The record for the vault.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        record(Self::VERSION, self.id, self.made, &[self.secret.as_bytes()])
    }

    /// Reads a record of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`DamagedPrekey`].
    pub fn decode(record: &[u8]) -> Result<Self, DamagedPrekey> {
        let (id, made, rest) = open_record(Self::VERSION, record)?;
        Ok(Self {
            id,
            made,
            secret: X25519Secret::from_bytes(rest.try_into().map_err(|_| DamagedPrekey)?),
        })
    }
}

impl PqPrekeySecret {
    const VERSION: u8 = 2;

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
        record(Self::VERSION, self.id, self.made, &[self.secret.seed()])
    }

    /// Reads a record of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`DamagedPrekey`].
    pub fn decode(record: &[u8]) -> Result<Self, DamagedPrekey> {
        let (id, made, rest) = open_record(Self::VERSION, record)?;
        Ok(Self {
            id,
            made,
            secret: KemSecret1024::from_seed(rest.try_into().map_err(|_| DamagedPrekey)?),
        })
    }
}

impl OneTimeSecret {
    const VERSION: u8 = 3;

    /// Draws a fresh pair.
    pub fn random(id: u32, made: Timestamp, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            id,
            made,
            x25519: X25519Secret::random(rng),
            kem: KemSecret1024::random(rng),
        }
    }

    /// The public halves, to be signed and uploaded. Costs a key generation.
    pub fn public(&self) -> OneTimePair {
        OneTimePair {
            id: self.id,
            x25519: self.x25519.public(),
            kem: self.kem.public(),
        }
    }

    /// The record for the vault.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        record(
            Self::VERSION,
            self.id,
            self.made,
            &[self.x25519.as_bytes(), self.kem.seed()],
        )
    }

    /// Reads a record of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`DamagedPrekey`].
    pub fn decode(record: &[u8]) -> Result<Self, DamagedPrekey> {
        let (id, made, rest) = open_record(Self::VERSION, record)?;
        let (x25519, kem) = rest.split_at_checked(32).ok_or(DamagedPrekey)?;
        Ok(Self {
            id,
            made,
            x25519: X25519Secret::from_bytes(x25519.try_into().map_err(|_| DamagedPrekey)?),
            kem: KemSecret1024::from_seed(kem.try_into().map_err(|_| DamagedPrekey)?),
        })
    }
}

fn record(version: u8, id: u32, made: Timestamp, secrets: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    // The whole size at once: growing would leave copies behind.
    let size = 13 + secrets.iter().map(|s| s.len()).sum::<usize>();
    let mut record = Zeroizing::new(Vec::with_capacity(size));
    record.push(version);
    record.extend_from_slice(&id.to_be_bytes());
    record.extend_from_slice(&made.0.to_be_bytes());
    for secret in secrets {
        record.extend_from_slice(secret);
    }
    record
}

fn open_record(version: u8, record: &[u8]) -> Result<(u32, Timestamp, &[u8]), DamagedPrekey> {
    let (head, rest) = record.split_first_chunk::<13>().ok_or(DamagedPrekey)?;
    let [found, i0, i1, i2, i3, made @ ..] = *head;
    if found != version {
        return Err(DamagedPrekey);
    }
    Ok((
        u32::from_be_bytes([i0, i1, i2, i3]),
        Timestamp(u64::from_be_bytes(made)),
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn records_come_back_and_damage_is_named() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let ec = EcPrekeySecret::random(7, Timestamp(5), &mut rng);
        let pq = PqPrekeySecret::random(8, Timestamp(6), &mut rng);
        let pair = OneTimeSecret::random(9, Timestamp(7), &mut rng);

        let back = EcPrekeySecret::decode(&ec.encode()).unwrap();
        assert_eq!((back.public(), back.made), (ec.public(), ec.made));
        let back = PqPrekeySecret::decode(&pq.encode()).unwrap();
        assert_eq!((back.public(), back.made), (pq.public(), pq.made));
        let back = OneTimeSecret::decode(&pair.encode()).unwrap();
        assert_eq!((back.public(), back.made), (pair.public(), pair.made));

        assert_eq!(EcPrekeySecret::decode(&pq.encode()).unwrap_err(), DamagedPrekey);
        for length in 0..pair.encode().len() {
            assert_eq!(
                OneTimeSecret::decode(&pair.encode()[..length]).unwrap_err(),
                DamagedPrekey
            );
        }
        assert!(!format!("{pair:?}").contains("9, 9"));
    }
}
