//! Bytes that are nearly right, for those who read what browsers and strangers write.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The same bytes twenty thousand times, up to three of them altered; the same ones for the same seed.
pub(super) fn altered(whole: &[u8], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    (0..20_000).map(move |_| {
        let mut bytes = whole.to_vec();
        for _ in 0..random.next_u32() % 4 {
            let at = random.next_u32() as usize % bytes.len();
            bytes[at] = (random.next_u32() & 0xff) as u8;
        }
        bytes
    })
}
