//! Sealed to one device and its key, and to nobody else.

use std::sync::LazyLock;

use chopar_identity::{AccountLog, HeadRelation};
use chopar_wire::limits::MAX_ENVELOPE_BODY;
use proptest::prelude::*;

use super::{EnvelopeBody, EnvelopeError, FirstContact, SealError, SenderLog, UnsealError, Unsealed};
use super::{seal_handshake, session_body};
use crate::device::LocalDevice;
use crate::fixture::{Person, rng};
use crate::handshake::{HandshakeHeader, Initiation};

fn header(from: &Person, to: &Person) -> HandshakeHeader {
    let initiation =
        Initiation::begin(&from.local, &to.peer(), &to.verified_bundle(true), &mut rng(5)).unwrap();
    let agreed = from.agreement.agree(initiation.wanted()).unwrap();
    initiation.finish(agreed).1
}

fn seal(from: &Person, to: &Person, message: &[u8]) -> Result<Vec<u8>, SealError> {
    let header = header(from, to);
    let content = FirstContact {
        log: &from.log,
        device: from.local.device(),
        header: &header,
        message,
    };
    seal_handshake(&to.peer(), &to.sealing_key.public(), &content, &mut rng(6))
}

fn open(body: &[u8], to: &Person, local: &LocalDevice) -> Result<Unsealed, UnsealError> {
    match EnvelopeBody::parse(body).unwrap() {
        EnvelopeBody::Handshake(sealed) => sealed.open(local, &to.sealing_key),
        EnvelopeBody::Session(_) => panic!("handshake form expected"),
    }
}

/// P-080, P-082.
#[test]
fn comes_back_with_a_log_that_verifies() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let body = seal(&alice, &bob, b"ratchet message").unwrap();
    let unsealed = open(&body, &bob, &bob.local).unwrap();
    assert_eq!(
        (unsealed.account, unsealed.device),
        (*alice.local.account(), *alice.local.device())
    );
    assert_eq!(unsealed.message, b"ratchet message");
    assert_eq!(unsealed.header, header(&alice, &bob));
    let SenderLog::Whole(entries) = unsealed.log else {
        panic!("a short log travels whole")
    };
    assert_eq!(
        AccountLog::verify(&unsealed.account, &entries).unwrap(),
        alice.log
    );
    // Nothing that names the sender stands in clear.
    for id in [
        &alice.local.account().as_bytes()[..],
        &alice.local.device().as_bytes()[..],
    ] {
        assert!(!body.windows(id.len()).any(|w| w == id));
    }
}

/// P-082.
#[test]
fn a_long_log_is_named_by_its_head() {
    use chopar_identity::{DeviceName, EntryDraft, Signer};
    use ed25519_dalek::Signer as _;

    let (mut alice, bob) = (Person::new(1), Person::new(2));
    let id = *alice.local.device();
    for n in 0..60 {
        let name = DeviceName::parse(&format!("name {n}")).unwrap();
        let draft = EntryDraft::rename_device(&alice.log, &id, &name, Signer::Device(id), 1);
        let signature = alice.signing.sign(&draft.signing_input()).to_bytes();
        alice.log.extend(&[draft.finish(&[signature]).unwrap()]).unwrap();
    }
    let body = seal(&alice, &bob, &[7; 16 * 1024]).unwrap();
    assert!(body.len() < MAX_ENVELOPE_BODY);
    match open(&body, &bob, &bob.local).unwrap().log {
        SenderLog::Head(head) => assert_eq!(alice.log.relation(&head), HeadRelation::Same),
        SenderLog::Whole(_) => panic!("a log over 8 KiB stays behind"),
    }
}

/// P-083.
#[test]
fn sizes_fall_into_steps_and_the_largest_fits() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    assert_eq!(
        seal(&alice, &bob, &[1; 10]).unwrap().len(),
        seal(&alice, &bob, &[1; 100]).unwrap().len()
    );
    // A padded 16 KiB payload with the ratchet's KEM fields.
    assert!(seal(&alice, &bob, &[1; 19 * 1024]).unwrap().len() <= MAX_ENVELOPE_BODY);
    assert_eq!(
        seal(&alice, &bob, &[1; MAX_ENVELOPE_BODY]),
        Err(SealError::TooLong)
    );
}

/// P-082, T-010.
#[test]
fn no_changed_byte_opens() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let body = seal(&alice, &bob, b"x").unwrap();
    for at in (0..body.len()).filter(|at| *at < 60 || at % 61 == 0 || at + 20 > body.len()) {
        let mut changed = body.clone();
        changed[at] ^= 0x40;
        match EnvelopeBody::parse(&changed) {
            Err(fault) => assert_eq!((at, fault), (0, EnvelopeError::UnknownForm(0x41))),
            Ok(EnvelopeBody::Handshake(sealed)) => {
                let fault = sealed.open(&bob.local, &bob.sealing_key).unwrap_err();
                let expected = if at < 5 {
                    UnsealError::OtherKey
                } else {
                    UnsealError::Authentication
                };
                assert_eq!(fault, expected, "byte {at}");
            }
            Ok(EnvelopeBody::Session(_)) => panic!("byte {at}"),
        }
    }
}

/// P-082, T-006.
#[test]
fn another_recipient_or_key_opens_nothing() {
    let (alice, mut bob, eve) = (Person::new(1), Person::new(2), Person::new(3));
    let body = seal(&alice, &bob, b"x").unwrap();
    assert_eq!(
        open(&body, &eve, &eve.local).unwrap_err(),
        UnsealError::Authentication
    );
    // The right key in the name of another device: re-addressed by the relay.
    assert_eq!(
        open(&body, &bob, &eve.local).unwrap_err(),
        UnsealError::Authentication
    );
    let other_account = LocalDevice::new(*eve.local.account(), *bob.local.keys());
    assert_eq!(
        open(&body, &bob, &other_account).unwrap_err(),
        UnsealError::Authentication
    );
    bob.sealing_key.id = 9;
    assert_eq!(open(&body, &bob, &bob.local).unwrap_err(), UnsealError::OtherKey);
}

/// P-007, T-008.
#[test]
fn low_order_encapsulated_keys_open_nothing() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let body = seal(&alice, &bob, b"x").unwrap();
    for low in ["00", "01"] {
        let mut changed = body.clone();
        changed[5..37].fill(0);
        changed[5] = hex::decode(low).unwrap()[0];
        assert_eq!(
            open(&changed, &bob, &bob.local).unwrap_err(),
            UnsealError::Authentication
        );
    }
}

/// P-081.
#[test]
fn forms_are_told_apart() {
    let body = session_body(b"message");
    assert!(matches!(
        EnvelopeBody::parse(&body),
        Ok(EnvelopeBody::Session(b"message"))
    ));
    assert_eq!(EnvelopeBody::parse(&[]).unwrap_err(), EnvelopeError::Malformed);
    assert_eq!(
        EnvelopeBody::parse(&[1; 30]).unwrap_err(),
        EnvelopeError::Malformed
    );
    assert_eq!(
        EnvelopeBody::parse(&[3]).unwrap_err(),
        EnvelopeError::UnknownForm(3)
    );
    let long = vec![2; MAX_ENVELOPE_BODY + 1];
    assert_eq!(EnvelopeBody::parse(&long).unwrap_err(), EnvelopeError::TooLarge);
}

proptest! {
    #[test]
    fn noise_opens_nothing_and_breaks_nothing(mut noise in prop::collection::vec(any::<u8>(), 0..600), form in 0u8..4) {
        let bob = &*BOB;
        if let Some(first) = noise.first_mut() {
            *first = form;
        }
        if let Ok(EnvelopeBody::Handshake(sealed)) = EnvelopeBody::parse(&noise) {
            prop_assert!(sealed.open(&bob.local, &bob.sealing_key).is_err());
        }
        prop_assert!(Unsealed::decode(&noise).is_err());
    }
}

static BOB: LazyLock<Person> = LazyLock::new(|| Person::new(2));
