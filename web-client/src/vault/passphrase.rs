//! The passphrase's slot: Argon2id makes each guess cost memory and time.

use argon2::{Algorithm, Argon2, Error, Params, Version};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::VaultError;
use super::header::Header;
use super::keys::DataKey;
use super::slot::SecretSlot;
use crate::platform::clock;

const LABEL: &[u8] = b"Chopar v1 vault-slot-passphrase";

/// Memory of Argon2id in KiB: 64 MiB, what a small phone can spare for a moment and a graphics card has only so many times.
const MEMORY_KIB: u32 = 64 * 1024;

/// Passes over that memory, fewest: RFC 9106's second recommendation.
const MIN_PASSES: u32 = 3;

/// How long one guess is to take on this device, in milliseconds: what a person waits for without wondering.
const WANTED_MS: u64 = 700;

/// Below this, in milliseconds, the passes are raised.
const ENOUGH_MS: u64 = 500;

/// Most passes that are chosen, and that a slot is believed: a slot that somebody altered must not hang the browser.
const MAX_PASSES: u32 = 64;

/// Most memory that a slot is believed, in KiB.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

const SALT: usize = 16;

/// `memory KiB u32 ‖ passes u32 ‖ salt 16`.
#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    salt: [u8; SALT],
}

/// Makes the slot, with as many passes as take their time on this device.
pub(super) fn seal(
    passphrase: &str,
    data_key: &DataKey,
    header: &Header,
    rng: &mut impl CryptoRng,
) -> Result<SecretSlot, VaultError> {
    let mut cost = Cost {
        memory_kib: MEMORY_KIB,
        passes: MIN_PASSES,
        salt: [0; SALT],
    };
    rng.fill_bytes(&mut cost.salt);
    let begun = clock::now();
    let mut key = cost.key(passphrase)?;
    let passes = passes_for(clock::now().ms_since(begun));
    if passes > cost.passes {
        cost.passes = passes;
        key = cost.key(passphrase)?;
    }
    SecretSlot::seal(LABEL, cost.to_bytes(), &key, data_key, header, rng)
}

/// The data key; `None` where the passphrase is not the one. [`VaultError::NoMemory`] where that could not be found out.
pub(super) fn open(
    slot: &SecretSlot,
    passphrase: &str,
    header: &Header,
) -> Result<Option<DataKey>, VaultError> {
    let Some(cost) = Cost::parse(&slot.head) else {
        return Ok(None);
    };
    Ok(slot.open(LABEL, &*cost.key(passphrase)?, header))
}

/// Whether the slot's head is one that a passphrase can be tried against.
pub(super) fn is_whole(slot: &SecretSlot) -> bool {
    Cost::parse(&slot.head).is_some()
}

/// The passes that take about [`WANTED_MS`], where [`MIN_PASSES`] took `ms`.
fn passes_for(ms: u64) -> u32 {
    if ms >= ENOUGH_MS {
        return MIN_PASSES;
    }
    let passes = u64::from(MIN_PASSES) * WANTED_MS / ms.max(1);
    u32::try_from(passes).map_or(MAX_PASSES, |passes| passes.clamp(MIN_PASSES, MAX_PASSES))
}

impl Cost {
    fn key(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            self.params().ok_or(VaultError::Damaged)?,
        )
        .hash_password_into(passphrase.as_bytes(), &self.salt, key.as_mut())
        .map_err(|error| match error {
            Error::OutOfMemory => VaultError::NoMemory,
            _ => VaultError::Damaged,
        })?;
        Ok(key)
    }

    /// `None` where Argon2 does not take them.
    fn params(&self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, 1, Some(32)).ok()
    }

    fn to_bytes(self) -> Vec<u8> {
        [
            &self.memory_kib.to_be_bytes()[..],
            &self.passes.to_be_bytes(),
            &self.salt,
        ]
        .concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (memory, rest) = bytes.split_first_chunk::<4>()?;
        let (passes, salt) = rest.split_first_chunk::<4>()?;
        let cost = Self {
            memory_kib: u32::from_be_bytes(*memory),
            passes: u32::from_be_bytes(*passes),
            salt: salt.try_into().ok()?,
        };
        let bounded = cost.memory_kib <= MAX_MEMORY_KIB && cost.passes <= MAX_PASSES;
        (bounded && cost.params().is_some()).then_some(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of the reference implementation (argon2-cffi 25.1): a slot of today must open in ten years.
    /// P-261.
    #[test]
    fn the_key_of_a_passphrase_never_changes() {
        let cost = Cost {
            memory_kib: 64,
            passes: 3,
            salt: *b"sixteen bytes ok",
        };
        assert_eq!(
            hex::encode(*cost.key("to‘rt so‘zli parol").unwrap()),
            "69317cdc38359fde3dffefeec5045777030803ceed3408b861d4e41675e30600"
        );
    }

    /// P-261.
    #[test]
    fn a_guess_takes_its_time_on_fast_devices_and_never_fewer_than_three_passes() {
        for (ms, passes) in [
            (0, MAX_PASSES),
            (10, 64),
            (100, 21),
            (210, 10),
            (499, 4),
            (500, 3),
            (9000, 3),
        ] {
            assert_eq!(passes_for(ms), passes, "{ms} ms");
        }
    }

    /// P-261.
    #[test]
    fn a_slot_that_asks_for_too_much_or_for_nothing_is_not_believed() {
        let cost = |memory_kib, passes| Cost {
            memory_kib,
            passes,
            salt: [1; SALT],
        };
        let parsed = |cost: Cost| Cost::parse(&cost.to_bytes()).map(|cost| (cost.memory_kib, cost.passes));
        assert_eq!(parsed(cost(MEMORY_KIB, 9)), Some((MEMORY_KIB, 9)));
        assert_eq!(parsed(cost(MAX_MEMORY_KIB + 1, 3)), None);
        assert_eq!(parsed(cost(MEMORY_KIB, MAX_PASSES + 1)), None);
        assert_eq!(parsed(cost(0, 3)), None);
        assert_eq!(parsed(cost(MEMORY_KIB, 0)), None);
        assert!(Cost::parse(&[0; 23]).is_none());
    }
}
