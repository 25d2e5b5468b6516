//! What reaches a device from outside and is not what a rightful sender made: every bit of an envelope in handshake form and of
//! the handshake in it, other suites, keys that are none. Each is refused by name; nothing is kept of it. (Messages of a
//! running session are altered beside the ratchet, bundles and logs in the crate that verifies them.)

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use chopar_e2ee::SUITE;
use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::handshake::{Acceptance, AcceptanceError, HandshakeHeader, HeaderError, Initiation};
use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::{OpenError, Session};
use chopar_e2ee::seal::{EnvelopeBody, EnvelopeError, FirstContact, UnsealError, Unsealed, seal_handshake};
use chopar_wire::Timestamp;
use chopar_wire::proto::content::FirstContact as Proto;
use prost::Message;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// Points that agree on zero with everybody, and spellings of a coordinate that no canonical key has.
const BAD_POINTS: [(&str, bool); 13] = [
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        true,
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000000",
        true,
    ),
    (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        true,
    ),
    (
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        true,
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        true,
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        false,
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        false,
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        false,
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000080",
        false,
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000080",
        false,
    ),
    (
        "0900000000000000000000000000000000000000000000000000000000000080",
        false,
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        false,
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        false,
    ),
];

static ALICE: LazyLock<Person> = LazyLock::new(|| Person::new(1));
static BOB: LazyLock<Person> = LazyLock::new(|| Person::new(2));

/// The handshake and the first message of a session that Alice begins with Bob.
fn begun() -> (HandshakeHeader, Vec<u8>) {
    let (alice, bob, mut rng) = (&*ALICE, &*BOB, rng(5));
    let bundle = bob.verified_bundle(true);
    let initiation = Initiation::begin(&alice.local, &bob.peer(), &bundle, &mut rng).unwrap();
    let agreed = alice.agreement.agree(initiation.wanted()).unwrap();
    let (secrets, header) = initiation.finish(agreed);
    let mut session = Session::initiator(secrets, NOW);
    let message = session
        .encrypt(&pad(b"the first").unwrap(), NOW, &mut rng)
        .unwrap();
    (header, message)
}

/// The session that Bob makes of a header from Alice.
fn accepted(header: &HandshakeHeader) -> Result<Session, AcceptanceError> {
    let (alice, bob) = (&*ALICE, &*BOB);
    let acceptance = Acceptance::begin(&bob.local, &alice.peer(), header, &bob.prekeys(true))?;
    let agreed = bob.agreement.agree(acceptance.wanted()).unwrap();
    let signed_prekey = bob.signed_prekey.secret.duplicate();
    Ok(Session::responder(acceptance.finish(agreed), signed_prekey, NOW))
}

fn unseal(body: &[u8]) -> Result<Unsealed, UnsealError> {
    match EnvelopeBody::parse(body).unwrap() {
        EnvelopeBody::Handshake(sealed) => sealed.open(&BOB.local, &BOB.sealing_key),
        EnvelopeBody::Session(_) => panic!("handshake form expected"),
    }
}

/// Every bit of the envelope: other form, other key, or it does not open.
///
/// P-081, P-082, T-010.
#[test]
fn no_bit_of_an_envelope_in_handshake_form_may_change() {
    let (header, message) = begun();
    let content = FirstContact {
        log: &ALICE.log,
        device: ALICE.local.device(),
        header: &header,
        message: &message,
    };
    let sealing_key = BOB.sealing_key.public();
    let body = seal_handshake(&BOB.peer(), &sealing_key, &content, &mut rng(6)).unwrap();
    assert!(unseal(&body).is_ok());
    for bit in 0..body.len() * 8 {
        let mut altered = body.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        match (bit / 8, EnvelopeBody::parse(&altered)) {
            // 1 and 2 differ in two bits.
            (0, parsed) => assert_eq!(
                parsed.err(),
                Some(EnvelopeError::UnknownForm(1 ^ (1 << bit))),
                "bit {bit}"
            ),
            (at, Ok(EnvelopeBody::Handshake(_))) => {
                let expected = if at < 5 {
                    UnsealError::OtherKey
                } else {
                    UnsealError::Authentication
                };
                assert_eq!(unseal(&altered).err(), Some(expected), "bit {bit}");
            }
            (at, _) => panic!("byte {at}"),
        }
    }
    for length in 0..body.len() {
        let cut = &body[..length];
        let opened = EnvelopeBody::parse(cut).map(|_| ());
        if length < 1 + 4 + 32 {
            assert_eq!(opened, Err(EnvelopeError::Malformed), "cut to {length}");
        } else if length % 101 == 0 {
            assert_eq!(
                unseal(cut).err(),
                Some(UnsealError::Authentication),
                "cut to {length}"
            );
        }
    }
    assert!(unseal(&body).is_ok(), "what failed changed nothing");
}

/// One who may seal to Bob and alters the handshake within: every bit of what is before the KEM ciphertext, one bit of each of
/// its bytes (with `CHOPAR_FULL` every bit of these too). Whatever is still a handshake makes a session in which the message does not open; Bob's prekeys stay.
///
/// P-005, P-007, P-050, P-051, T-010.
#[test]
fn no_bit_of_a_handshake_may_change() {
    let (header, message) = begun();
    let bytes = header.encode();
    let fixed = 2 + 32 + 4 + 1 + 4;
    let kept = |bob: &Person| {
        let records = [
            bob.signed_prekey.encode(),
            bob.last_resort.encode(),
            bob.one_time.encode(),
        ];
        records.map(|record| record.to_vec())
    };
    let before = kept(&BOB);
    let (mut refused, mut opened_nothing) = (0, 0);
    let bits: Vec<_> = match std::env::var_os("CHOPAR_FULL") {
        Some(_) => (0..bytes.len() * 8).collect(),
        None => (0..fixed * 8)
            .chain((fixed..bytes.len()).map(|at| at * 8 + at % 8))
            .collect(),
    };
    let altered_bits = bits.len();
    for bit in bits {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let fault = match HandshakeHeader::parse(&altered) {
            Err(fault) => {
                match bit / 8 {
                    0..2 => assert!(
                        matches!(fault, HeaderError::UnknownSuite(_)),
                        "bit {bit}: {fault}"
                    ),
                    2..34 => assert!(matches!(fault, HeaderError::Ephemeral(_)), "bit {bit}: {fault}"),
                    _ => assert_eq!(fault, HeaderError::Malformed, "bit {bit}"),
                }
                refused += 1;
                continue;
            }
            Ok(header) => match accepted(&header) {
                Err(fault) => {
                    assert_eq!(fault, AcceptanceError::OtherPrekeys, "bit {bit}");
                    refused += 1;
                    continue;
                }
                Ok(session) => session.open(&message, NOW).err().unwrap(),
            },
        };
        // Another root from the first agreement on: not even the header opens.
        assert_eq!(fault, OpenError::UnknownTag, "bit {bit}");
        opened_nothing += 1;
    }
    assert_eq!(refused + opened_nothing, altered_bits);
    assert!(altered_bits >= fixed * 8 + 1568);
    assert!(opened_nothing >= 1568 + 200, "{refused} {opened_nothing}");
    assert_eq!(kept(&BOB), before);
    assert!(accepted(&header).unwrap().open(&message, NOW).is_ok());
}

/// What a sender that breaks the rules seals rightly to Bob, made without the product's own sealing.
fn sealed(content: &[u8]) -> Vec<u8> {
    BOB.sealed(content, &mut rng(7))
}

fn first_contact(change: impl FnOnce(&mut Proto)) -> Vec<u8> {
    let (header, message) = begun();
    let mut proto = Proto {
        account: (*ALICE.local.account()).into(),
        device: (*ALICE.local.device()).into(),
        log_head: Some((&ALICE.log.head()).into()),
        log: ALICE.log.entries(0).to_vec(),
        handshake: header.encode().into(),
        message: message.into(),
    };
    change(&mut proto);
    pad(&proto.encode_to_vec()).unwrap()
}

fn with_handshake(at: usize, bytes: &[u8]) -> Vec<u8> {
    first_contact(|proto| {
        let mut handshake = proto.handshake.to_vec();
        handshake[at..at + bytes.len()].copy_from_slice(bytes);
        proto.handshake = handshake.into();
    })
}

/// Every other suite by its number, one below and the draft's among them: there is no way back.
///
/// P-005, T-009.
#[test]
fn another_suite_is_refused_by_name() {
    assert!(unseal(&sealed(&first_contact(|_| ()))).is_ok());
    for suite in [0, SUITE + 1, 0xff01, u16::MAX] {
        let body = sealed(&with_handshake(0, &suite.to_be_bytes()));
        assert_eq!(unseal(&body).err(), Some(UnsealError::UnknownSuite(suite)));
    }
}

/// P-007, P-082, T-008.
#[test]
fn points_that_are_no_key_are_refused_by_name() {
    let (header, message) = begun();
    let content = FirstContact {
        log: &ALICE.log,
        device: ALICE.local.device(),
        header: &header,
        message: &message,
    };
    let body = seal_handshake(&BOB.peer(), &BOB.sealing_key.public(), &content, &mut rng(6)).unwrap();
    for (point, low_order) in BAD_POINTS {
        let point = hex::decode(point).unwrap();
        // As the ephemeral key of the handshake.
        let fault = unseal(&sealed(&with_handshake(2, &point))).err();
        let Some(UnsealError::Header(HeaderError::Ephemeral(fault))) = fault else {
            panic!("{point:02x?}: {fault:?}")
        };
        let expected = if low_order {
            "has low order"
        } else {
            "not in canonical form"
        };
        assert!(fault.to_string().ends_with(expected), "{point:02x?}: {fault}");
        // As the key of the seal itself: no agreement, or another one.
        let mut altered = body.clone();
        altered[5..37].copy_from_slice(&point);
        assert_eq!(
            unseal(&altered).err(),
            Some(UnsealError::Authentication),
            "{point:02x?}"
        );
    }
}

/// Sealed rightly, and not what an envelope holds.
///
/// P-082, P-083.
#[test]
fn content_that_is_none_is_refused_by_name() {
    let malformed = |content: &[u8]| assert_eq!(unseal(&sealed(content)).err(), Some(UnsealError::Malformed));
    malformed(&[]);
    malformed(&[0; 256]);
    malformed(&[0xff; 300]);
    malformed(&first_contact(|_| ())[1..]);
    malformed(&pad(&[]).unwrap());
    malformed(&pad(&[0xff; 100]).unwrap());
    malformed(&first_contact(|proto| proto.account.truncate(31)));
    malformed(&first_contact(|proto| proto.device.truncate(15)));
    malformed(&first_contact(|proto| proto.log_head = None));
    for length in [0, 1, 2, 33, 42, 43, 1610] {
        let fault = unseal(&sealed(&first_contact(|proto| proto.handshake.truncate(length)))).err();
        assert_eq!(
            fault,
            Some(UnsealError::Header(HeaderError::Malformed)),
            "{length}"
        );
    }
    for kind in [0, 3, 255] {
        let fault = unseal(&sealed(&with_handshake(38, &[kind]))).err();
        assert_eq!(
            fault,
            Some(UnsealError::Header(HeaderError::Malformed)),
            "kind {kind}"
        );
    }
}
