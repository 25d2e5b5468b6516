//! The vault's header: which schema, whose turn it is to write, and the canary.

use core::fmt;

/// The schema this build writes and reads. A vault of a higher one is left untouched.
pub const SCHEMA: u32 = 1;

const LENGTH: usize = 4 + 8 + 16;

/// `schema u32 BE ‖ epoch u64 BE ‖ canary 16`. In clear: it must be readable before any key is, by every later build, and
/// says nothing about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Which schema the records are in.
    pub(super) schema: u32,
    /// The owner that may write; each owner takes the next number, and a transaction of an earlier one aborts. It is the
    /// store's generation as well.
    pub(super) epoch: u64,
    /// Random, made with the vault, and repeated in localStorage.
    pub(super) canary: [u8; 16],
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; LENGTH] {
        let mut out = [0; LENGTH];
        out[..4].copy_from_slice(&self.schema.to_be_bytes());
        out[4..12].copy_from_slice(&self.epoch.to_be_bytes());
        out[12..].copy_from_slice(&self.canary);
        out
    }

    /// Reads a header. Of a newer schema only the version is looked at, because only its place is promised.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let (schema, rest) = bytes.split_first_chunk::<4>().ok_or(HeaderFault::Malformed)?;
        let schema = u32::from_be_bytes(*schema);
        if schema > SCHEMA {
            return Err(HeaderFault::Newer { schema });
        }
        let (epoch, canary) = rest.split_first_chunk::<8>().ok_or(HeaderFault::Malformed)?;
        let canary = canary.try_into().map_err(|_| HeaderFault::Malformed)?;
        Ok(Self {
            schema,
            epoch: u64::from_be_bytes(*epoch),
            canary,
        })
    }

    pub(super) fn canary(&self) -> Canary {
        Canary {
            vault: self.canary,
            generation: self.epoch,
        }
    }
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Newer { schema: u32 },
    Malformed,
}

/// What localStorage repeats of the header, as text: hex of the canary, a full stop, the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    vault: [u8; 16],
    generation: u64,
}

impl Canary {
    /// Reads it back from localStorage; `None` if somebody else wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let (vault, generation) = text.split_once('.')?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(vault, &mut bytes).ok()?;
        Some(Self {
            vault: bytes,
            generation: generation.parse().ok()?,
        })
    }

    /// The store's generation: the epoch of the owner that wrote this.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What this says about a vault that was found. localStorage is written after the vault, so it may lag behind; where
    /// it runs ahead, the vault is an older copy of itself.
    pub(super) fn judge(&self, header: &Header) -> Story {
        if self.vault != header.canary {
            Story::Another
        } else if self.generation > header.epoch {
            Story::RolledBack
        } else {
            Story::Same
        }
    }
}

/// What two stores tell together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Story {
    /// The same.
    Same,
    /// The vault is the one remembered, in an earlier state: what it lacks is lost, what its ratchets would repeat must
    /// not be sent.
    RolledBack,
    /// The vault is another one: the one remembered is gone.
    Another,
}

impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", hex::encode(self.vault), self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        schema: SCHEMA,
        epoch: 7,
        canary: [0xab; 16],
    };

    #[test]
    fn headers_come_back_and_cut_ones_do_not() {
        let bytes = HEADER.to_bytes();
        assert_eq!(Header::parse(&bytes), Ok(HEADER));
        for length in 0..bytes.len() {
            assert_eq!(Header::parse(&bytes[..length]), Err(HeaderFault::Malformed));
        }
    }

    #[test]
    fn a_newer_schema_is_named_whatever_follows_it() {
        assert_eq!(
            Header::parse(&[0, 0, 0, 2, 99]),
            Err(HeaderFault::Newer { schema: 2 })
        );
    }

    #[test]
    fn the_canary_survives_as_text_and_may_only_lag_behind() {
        let canary = HEADER.canary();
        assert_eq!(Canary::parse(&canary.to_string()), Some(canary));
        assert_eq!(canary.judge(&Header { epoch: 8, ..HEADER }), Story::Same);
        assert_eq!(canary.judge(&HEADER), Story::Same);
        assert_eq!(canary.judge(&Header { epoch: 6, ..HEADER }), Story::RolledBack);
        let other = Header {
            canary: [1; 16],
            ..HEADER
        };
        assert_eq!(canary.judge(&other), Story::Another);
        for text in ["", "ab", "abab.1", "zz.1", "abababababababababababababababab.x"] {
            assert_eq!(Canary::parse(text), None, "{text}");
        }
    }
}
