//! ML-KEM of the product beside a second, independently written implementation (RustCrypto's `ml-kem`), on random seeds.

use anyhow::{Context, Result, ensure};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::kem::{Handshakes, Kem, Turns};
use crate::{Counts, Proof, Size};

pub(crate) const PROOFS: [Proof; 2] = [
    Proof {
        name: "ml-kem-768/rustcrypto",
        least: &[
            ("seeds", 300),
            ("damaged ciphertexts", 1200),
            ("damaged keys", 300),
        ],
        run: |size| agree::<Turns>(size, 0x76),
    },
    Proof {
        name: "ml-kem-1024/rustcrypto",
        least: &[
            ("seeds", 300),
            ("damaged ciphertexts", 1200),
            ("damaged keys", 300),
        ],
        run: |size| agree::<Handshakes>(size, 0x10),
    },
];

/// Random pairs: enough that every byte of key and ciphertext has had hundreds of values.
const SEEDS: usize = 300;
const SEEDS_FULL: usize = 5000;
/// Ways of damaging each ciphertext.
const DAMAGES: usize = 4;

fn agree<K: Kem>(size: Size, start: u8) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut rng = ChaCha20Rng::from_seed([start; 32]);
    let seeds = if size == Size::Full { SEEDS_FULL } else { SEEDS };
    for round in 0..seeds {
        let (mut seed, mut m) = ([0; 64], [0; 32]);
        rng.fill_bytes(&mut seed);
        rng.fill_bytes(&mut m);
        let key = K::key(&seed);
        ensure!(key == K::second_key(&seed).0, "key {round}");
        let (ciphertext, shared) = K::encapsulate(&key, &m).context("an own key is refused")?;
        ensure!(
            K::second_encapsulate(&key, &m) == Some((ciphertext.clone(), shared)),
            "encapsulation {round}"
        );
        ensure!(
            K::decapsulate(&seed, &ciphertext) == Some(shared),
            "decapsulation {round}"
        );
        ensure!(
            K::second_decapsulate(&seed, &ciphertext) == Some(shared),
            "second {round}"
        );
        counts.add("seeds");

        // Implicit rejection is part of the agreement: the same unrelated secret of the same damaged ciphertext.
        for damage in 0..DAMAGES {
            let damaged = damaged(&ciphertext, damage, &mut rng);
            let ours = K::decapsulate(&seed, &damaged).context("the length is right")?;
            ensure!(
                ours != shared,
                "damage {damage} of ciphertext {round} goes unnoticed"
            );
            ensure!(
                K::second_decapsulate(&seed, &damaged) == Some(ours),
                "damage {damage} of {round}"
            );
            counts.add("damaged ciphertexts");
        }

        // A key with one byte set to a random value is either out of range to both or a key to both.
        let mut other = key;
        let at = position(&mut rng, other.len());
        other[at] = 0xff;
        ensure!(
            K::encapsulate(&other, &m) == K::second_encapsulate(&other, &m),
            "damaged key {round}"
        );
        counts.add("damaged keys");
    }
    Ok(counts)
}

/// One bit, one byte, a cut-off half, or noise altogether.
fn damaged(ciphertext: &[u8], how: usize, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut damaged = ciphertext.to_vec();
    let at = position(rng, damaged.len());
    match how {
        0 => damaged[at] ^= 1 << (at % 8),
        1 => damaged[at] = damaged[at].wrapping_add(0x55),
        2 => {
            let half = damaged.len() / 2;
            damaged[half..].fill(0);
        }
        _ => rng.fill_bytes(&mut damaged),
    }
    damaged
}

fn position(rng: &mut ChaCha20Rng, length: usize) -> usize {
    // The bias of the remainder does not matter here.
    usize::try_from(rng.next_u32()).unwrap_or(0) % length
}
