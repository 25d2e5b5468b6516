//! The transcripts that independent implementations made with fixed keys, bit for bit: X3DH and the Double Ratchet by the PyPI
//! packages X3DH 1.3.0 and DoubleRatchet 1.3.0, PQXDH by OpenSSL 4 and kyber-py.

use anyhow::{Result, anyhow, ensure};
use chopar_e2ee::handshake::HandshakeSecrets;
use chopar_e2ee::handshake::oracle::{OracleHandshake, OracleKem, OracleSecrets};
use chopar_e2ee::keys::X25519Secret;
use chopar_e2ee::ratchet::primitives::Given;
use chopar_e2ee::ratchet::{OpenError, Oracle, Session};
use chopar_wire::Timestamp;
use sha2::{Digest, Sha256};

use crate::vectors::bytes;
use crate::{Counts, Proof, Size};

pub(crate) const PROOFS: [Proof; 2] = [
    Proof {
        name: "transcripts/handshake",
        least: &[("agreements", 3)],
        run: handshakes,
    },
    Proof {
        name: "transcripts/ratchet",
        least: &[("messages", 4), ("bits refused", 520)],
        run: conversation,
    },
];

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ASSOCIATED: &str = "05a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209\
                          055dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22";
const HELLO_BOB: &str = "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f130000000000000000\
                         8448ff9da016dadc811794b7defe4a75dfeaaf63b27c6f7283";
const SECOND: &str = "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f130000000000000001\
                      f66bd0238001e0182ad56fc3ff88235a95b425ca2f1e";
const HELLO_ALICE: &str = "052a50773ac8d91773f2dc9662e12f0defe915e415b8a1c8e20a5a3d6ab2b8430000000000000000\
                           86eeff35c5eee9f95e4aa11e0b5d5d6b7de37f2a87a0dc3a62bf23";
const THIRD: &str = "197fc2c567dc03ee2aadf0ed86681dac24daa76e83ca555875dd3be7376e53060000000200000000\
                     08d34be103acccc7ba0f0336124266ce3aedcfa286";

/// A handshake's label, KEM, secret, and the digests of KEM key and ciphertext.
const HANDSHAKES: [(&str, OracleKem, &str, [&str; 2]); 3] = [
    (
        "Example X3DH v1",
        OracleKem::None,
        "871c79423ab5806307f7e5329dfc16006a58f8838a31d6cb32626739656d73bc",
        ["", ""],
    ),
    (
        "Example_X25519_SHA-256_ML-KEM-768",
        OracleKem::MlKem768,
        "c85dc13ed4ad4d47df7e0384117272e9a1a4c690c7d0e1beb781cddbe8464ac5",
        [
            "5fe09f109d4ccd040e5dc170e337361bdd0092739ca71d3d56c9c7eea95ddc37",
            "6779d1663c935eb8a56e7352a15c70d86784ad2e0a9c6b793ab0bda402e3323e",
        ],
    ),
    (
        "Example_X25519_SHA-256_ML-KEM-1024",
        OracleKem::MlKem1024,
        "421c1017c4dfa1ec7f6324a9c623d4603d0914a2a773f4258f24a8f3202849de",
        [
            "5b4f1353bfe21613d2050fa0eddb78c3e3bceabf902da4ffe9fb849fbdc1a477",
            "584fbddfaeb8fb291f8ef868e3edd2645198f9c62718160e3b01fb5eed1ecd02",
        ],
    ),
];

fn handshakes(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    for (label, kem, secret, digests) in HANDSHAKES {
        let [alice, bob] = agreed(label, kem, digests)?;
        for side in [alice, bob] {
            ensure!(
                side.root.as_bytes() == &bytes::<32>(secret)?,
                "the secret of {label}"
            );
            ensure!(
                hex::encode(&side.associated_data) == ASSOCIATED,
                "the associated data of {label}"
            );
        }
        counts.add("agreements");
    }
    Ok(counts)
}

fn conversation(_: Size) -> Result<Counts> {
    let (label, kem, _, digests) = HANDSHAKES[0];
    let [alice, bob] = agreed(label, kem, digests)?;
    let mut alice = Session::initiator_with(labels(), alice, NOW);
    let mut bob = Session::responder_with(labels(), bob, key(4), NOW);
    let untouched = bob.to_record();
    // Private keys in order of creation: Alice 11, Bob 12, Alice 13; Bob's 14 waits for a message he never writes.
    let keys = [[0x11; 32], [0x12; 32], [0x13; 32]].concat();
    let mut keys = Given(&keys);
    let mut counts = Counts::default();

    sends(&mut alice, "hello bob", HELLO_BOB, &mut keys, &mut counts)?;
    sends(&mut alice, "second", SECOND, &mut keys, &mut counts)?;
    let whole = hex::decode(HELLO_BOB).map_err(|error| anyhow!("{error}"))?;
    for bit in 0..whole.len() * 8 {
        let mut altered = whole.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        ensure!(bob.open(&altered, NOW).is_err(), "bit {bit} was altered");
        counts.add("bits refused");
    }
    ensure!(
        bob.to_record() == untouched,
        "what was refused has changed the session"
    );
    reads(&mut bob, HELLO_BOB, "hello bob")?;
    sends(&mut bob, "hello alice", HELLO_ALICE, &mut keys, &mut counts)?;
    reads(&mut alice, HELLO_ALICE, "hello alice")?;
    sends(&mut alice, "third", THIRD, &mut keys, &mut counts)?;
    let mut bob = stored(&bob)?;
    reads(&mut bob, THIRD, "third")?;
    let mut bob = stored(&bob)?;
    reads(&mut bob, SECOND, "second")?;
    for message in [HELLO_BOB, SECOND, THIRD] {
        ensure!(
            read(&mut bob, message)? == Err(OpenError::Duplicate),
            "{message} opens twice"
        );
    }
    Ok(counts)
}

/// IKa=01, EKa=02, IKb=03, SPKb=04, OPKb=05, d=06, z=07, m=08: what both sides have afterwards.
fn agreed(label: &str, kem: OracleKem, digests: [&str; 2]) -> Result<[HandshakeSecrets; 2]> {
    let handshake = OracleHandshake {
        label: label.into(),
        kem,
    };
    let mut seed = [6; 64];
    seed[32..].fill(7);
    let secrets = OracleSecrets {
        identity: key(3),
        signed_prekey: key(4),
        one_time: Some(key(5)),
        kem_seed: (kem != OracleKem::None).then_some(seed),
    };
    let bundle = handshake.bundle(&secrets)?;
    let made = handshake.initiate(&key(1), &key(2), &[8; 32], &bundle)?;
    for (what, digest) in [&bundle.kem, &made.kem_ciphertext].into_iter().zip(digests) {
        let found = what.as_ref().map(|what| hex::encode(Sha256::digest(what)));
        ensure!(
            found.unwrap_or_default() == digest,
            "a part of the KEM of {label}"
        );
    }
    let accepted = handshake.accept(
        &secrets,
        &key(1).public(),
        &made.ephemeral,
        made.kem_ciphertext.as_deref(),
    )?;
    Ok([made.secrets, accepted])
}

fn sends(
    session: &mut Session<Oracle>,
    text: &str,
    expected: &str,
    keys: &mut Given<'_>,
    counts: &mut Counts,
) -> Result<()> {
    let made = session.encrypt(text.as_bytes(), NOW, keys)?;
    ensure!(hex::encode(made) == expected, "{text}");
    counts.add("messages");
    Ok(())
}

fn reads(session: &mut Session<Oracle>, message: &str, text: &str) -> Result<()> {
    ensure!(read(session, message)? == Ok(text.into()), "{text}");
    Ok(())
}

fn read(session: &mut Session<Oracle>, message: &str) -> Result<Result<Vec<u8>, OpenError>> {
    let message = hex::decode(message).map_err(|error| anyhow!("{error}"))?;
    match session.open(&message, NOW) {
        Ok(opened) => {
            session.commit(opened.draft)?;
            Ok(Ok(opened.plaintext.to_vec()))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// To its record and back.
fn stored(session: &Session<Oracle>) -> Result<Session<Oracle>> {
    Ok(Session::from_record_with(labels(), &session.to_record())?)
}

fn labels() -> Oracle {
    Oracle {
        root: b"Example Root v1".to_vec(),
        message: b"Example Message v1".to_vec(),
    }
}

fn key(byte: u8) -> X25519Secret {
    X25519Secret::from_bytes([byte; 32])
}
