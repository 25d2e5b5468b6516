//! FIPS 203: NIST's vectors for key generation, and the accumulated vectors, 10,000 rounds of everything behind one digest.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};

use super::bytes;
use crate::kem::{Handshakes, Kem, Turns};
use crate::{Counts, Proof, Size};

pub(super) const PROOFS: [Proof; 2] = [
    Proof {
        name: "ml-kem/nist",
        least: &[("ML-KEM-768", 25), ("ML-KEM-1024", 25)],
        run: nist,
    },
    Proof {
        name: "ml-kem/accumulated",
        least: &[("ML-KEM-768", 100)],
        run: accumulated,
    },
];

const KEY_GENERATION: &str = include_str!("../../data/fips203-keygen.txt");

/// Rounds of the published digests of ML-KEM-768 and 1024.
const ROUNDS: usize = 10_000;
/// ML-KEM-768, 100 and 10,000 rounds, as Go's standard library has them.
const GO_100: &str = "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415";
const GO: &str = "8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc";
/// Both sets with the expanded private key among what is digested, as BoringSSL and OpenBSD have them.
const BORING_768: &str = "f959d18d3d1180121433bf0e05f11e7908cf9d03edc150b2b07cb90bef5bc1c1";
const BORING_1024: &str = "e3bf82b013307b2e9d47dde791ff6dfc82e694e6382404abdb948b908b75bad5";

fn nist(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut set = None;
    for line in KEY_GENERATION.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        match (&words[..], set) {
            (["ML-KEM-768"], _) => set = Some("ML-KEM-768"),
            (["ML-KEM-1024"], _) => set = Some("ML-KEM-1024"),
            ([case, seed, digest], Some(set)) => {
                let seed = bytes(seed)?;
                let key = if set == "ML-KEM-768" {
                    Turns::key(&seed)
                } else {
                    Handshakes::key(&seed)
                };
                ensure!(
                    Sha256::digest(key)[..] == bytes::<32>(digest)?,
                    "case {case} of {set}"
                );
                counts.add(set);
            }
            _ => anyhow::bail!("the list has a line that says nothing: {line}"),
        }
    }
    Ok(counts)
}

fn accumulated(size: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    ensure!(
        digest::<Turns>(100, false)? == bytes(GO_100)?,
        "ML-KEM-768, 100 rounds"
    );
    counts.add_many("ML-KEM-768", 100);
    if size == Size::Full {
        ensure!(
            digest::<Turns>(ROUNDS, false)? == bytes(GO)?,
            "ML-KEM-768, as in Go"
        );
        ensure!(
            digest::<Turns>(ROUNDS, true)? == bytes(BORING_768)?,
            "ML-KEM-768, as in BoringSSL"
        );
        ensure!(
            digest::<Handshakes>(ROUNDS, true)? == bytes(BORING_1024)?,
            "ML-KEM-1024, as in BoringSSL"
        );
        counts.add_many("ML-KEM-768", 2 * ROUNDS);
        counts.add_many("ML-KEM-1024", ROUNDS);
    }
    Ok(counts)
}

/// One stream of SHAKE-128 deals seeds, messages and ciphertexts of nobody; another takes every result. The expanded private key
/// is never written down in the product: where it belongs to what is digested, the second implementation says it.
fn digest<K: Kem>(rounds: usize, with_private: bool) -> Result<[u8; 32]> {
    let mut stream = Shake128::default().finalize_xof();
    let mut taken = Shake128::default();
    let (mut seed, mut m, mut noise) = ([0; 64], [0; 32], vec![0; K::CIPHERTEXT]);
    for round in 0..rounds {
        stream.read(&mut seed);
        let key = K::key(&seed);
        taken.update(&key);
        if with_private {
            taken.update(&K::second_key(&seed).1);
        }
        stream.read(&mut m);
        let (ciphertext, shared) = K::encapsulate(&key, &m).context("an own key is refused")?;
        taken.update(&ciphertext);
        taken.update(&shared);
        ensure!(
            K::decapsulate(&seed, &ciphertext) == Some(shared),
            "round {round}"
        );
        stream.read(&mut noise);
        taken.update(&K::decapsulate(&seed, &noise).context("the ciphertext's length")?);
    }
    let mut out = [0; 32];
    taken.finalize_xof().read(&mut out);
    Ok(out)
}
