//! The transcript of an independent implementation (PyPI DoubleRatchet 1.3.0, keys fixed), bit for bit.

use std::collections::VecDeque;
use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use super::*;

/// Hands out given private keys, one each time 32 bytes are wanted, and nothing else.
struct Script(VecDeque<[u8; 32]>);

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("the oracle profile draws keys only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("the oracle profile draws keys only")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0.pop_front().expect("one key for each turn"));
        Ok(())
    }
}

impl TryCryptoRng for Script {}

fn oracle() -> Oracle {
    Oracle {
        root: b"Example Root v1".to_vec(),
        message: b"Example Message v1".to_vec(),
    }
}

fn secrets() -> HandshakeSecrets {
    let root = "871c79423ab5806307f7e5329dfc16006a58f8838a31d6cb32626739656d73bc";
    let associated = concat!(
        "05a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209",
        "055dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22"
    );
    HandshakeSecrets {
        root: Secret32::new(hex::decode(root).unwrap().try_into().unwrap()),
        initiator_header_key: Secret32::new([0; 32]),
        responder_header_key: Secret32::new([0; 32]),
        associated_data: hex::decode(associated).unwrap(),
        responder_ratchet: signed_prekey().public(),
    }
}

const HELLO_BOB: &str = concat!(
    "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f130000000000000000",
    "8448ff9da016dadc811794b7defe4a75dfeaaf63b27c6f7283"
);
const SECOND: &str = concat!(
    "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f130000000000000001",
    "f66bd0238001e0182ad56fc3ff88235a95b425ca2f1e"
);
const HELLO_ALICE: &str = concat!(
    "052a50773ac8d91773f2dc9662e12f0defe915e415b8a1c8e20a5a3d6ab2b8430000000000000000",
    "86eeff35c5eee9f95e4aa11e0b5d5d6b7de37f2a87a0dc3a62bf23"
);
const THIRD: &str = concat!(
    "197fc2c567dc03ee2aadf0ed86681dac24daa76e83ca555875dd3be7376e53060000000200000000",
    "08d34be103acccc7ba0f0336124266ce3aedcfa286"
);

fn receive(session: &mut Session<Oracle>, message: &str) -> Result<Vec<u8>, OpenError> {
    let opened = session.open(&hex::decode(message).unwrap(), NOW)?;
    assert_eq!(session.commit(opened.draft).unwrap(), TagChanges::default());
    Ok(opened.plaintext.to_vec())
}

#[test]
fn the_transcript_comes_out_bit_for_bit() {
    let mut alice = Session::initiator_with(oracle(), secrets(), NOW);
    let mut bob = Session::responder_with(oracle(), secrets(), signed_prekey(), NOW);
    // Private keys in order of creation: Alice 11, Bob 12, Alice 13; Bob's 14 waits for a message he never writes.
    let mut keys = Script(VecDeque::from([[0x11; 32], [0x12; 32], [0x13; 32]]));
    let mut send = |session: &mut Session<Oracle>, text: &str| {
        hex::encode(session.encrypt(text.as_bytes(), NOW, &mut keys).unwrap())
    };
    assert_eq!(send(&mut alice, "hello bob"), HELLO_BOB);
    assert_eq!(send(&mut alice, "second"), SECOND);
    assert_eq!(receive(&mut bob, HELLO_BOB).unwrap(), b"hello bob");
    assert_eq!(send(&mut bob, "hello alice"), HELLO_ALICE);
    assert_eq!(receive(&mut alice, HELLO_ALICE).unwrap(), b"hello alice");
    assert_eq!(send(&mut alice, "third"), THIRD);
    let mut bob = Session::from_record_with(oracle(), &bob.to_record()).unwrap();
    assert_eq!(receive(&mut bob, THIRD).unwrap(), b"third");
    let mut bob = Session::from_record_with(oracle(), &bob.to_record()).unwrap();
    assert_eq!(receive(&mut bob, SECOND).unwrap(), b"second");
    for message in [HELLO_BOB, SECOND, THIRD] {
        assert_eq!(receive(&mut bob, message), Err(OpenError::Duplicate));
    }
    assert_eq!(bob.expected_tags().count(), 0);
}

#[test]
fn no_bit_of_the_transcript_may_change() {
    let bob = Session::responder_with(oracle(), secrets(), signed_prekey(), NOW);
    let message = hex::decode(HELLO_BOB).unwrap();
    let before = bob.to_record();
    for bit in 0..message.len() * 8 {
        let mut altered = message.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(bob.open(&altered, NOW).is_err(), "bit {bit}");
    }
    let mut low_order = message;
    low_order[..32].fill(0);
    assert_eq!(bob.open(&low_order, NOW).unwrap_err(), OpenError::NonContributory);
    assert_eq!(bob.to_record(), before);
}
