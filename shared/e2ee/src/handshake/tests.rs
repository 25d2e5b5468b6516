//! Both sides agree, and on nothing with anybody else in between.

use crate::device::PeerDevice;
use crate::fixture::{Person, rng};
use crate::handshake::{
    Acceptance, AcceptanceError, HandshakeHeader, HandshakeSecrets, Initiation, InitiationError, KemPrekeyId,
};
use crate::keys::X25519Secret;

fn initiate(from: &Person, to: &Person, one_time: bool) -> (HandshakeSecrets, HandshakeHeader) {
    let bundle = to.verified_bundle(one_time);
    let initiation = Initiation::begin(&from.local, &to.peer(), &bundle, &mut rng(77)).unwrap();
    let agreed = from.agreement.agree(initiation.wanted()).unwrap();
    initiation.finish(agreed)
}

fn accept(
    to: &Person,
    from: &PeerDevice,
    header: &HandshakeHeader,
    one_time: bool,
) -> Result<HandshakeSecrets, AcceptanceError> {
    let acceptance = Acceptance::begin(&to.local, from, header, &to.prekeys(one_time))?;
    let agreed = to.agreement.agree(acceptance.wanted()).unwrap();
    Ok(acceptance.finish(agreed))
}

fn same(a: &HandshakeSecrets, b: &HandshakeSecrets) -> bool {
    a.root == b.root
        && a.initiator_header_key == b.initiator_header_key
        && a.responder_header_key == b.responder_header_key
        && a.associated_data == b.associated_data
        && a.responder_ratchet == b.responder_ratchet
}

/// P-054.
#[test]
fn both_sides_agree_with_and_without_a_one_time_pair() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    for one_time in [true, false] {
        let (ours, header) = initiate(&alice, &bob, one_time);
        let header = HandshakeHeader::parse(&header.encode()).unwrap();
        let expected = if one_time {
            KemPrekeyId::OneTime(4)
        } else {
            KemPrekeyId::LastResort(3)
        };
        assert_eq!((header.signed_prekey(), header.kem_prekey()), (1, expected));
        let theirs = accept(&bob, &alice.peer(), &header, one_time).unwrap();
        assert!(same(&ours, &theirs));
        assert_ne!(ours.root, ours.initiator_header_key);
        assert_ne!(ours.initiator_header_key, ours.responder_header_key);
        assert_eq!(ours.associated_data.len(), 2 + 66 + 2 * (2 + 32 + 2 + 16) + 32);
    }
}

#[test]
fn another_sender_another_secret() {
    let (alice, bob, eve) = (Person::new(1), Person::new(2), Person::new(3));
    let (ours, header) = initiate(&alice, &bob, true);
    let as_eve = accept(&bob, &eve.peer(), &header, true).unwrap();
    assert_ne!(ours.root, as_eve.root);
    assert_ne!(ours.associated_data, as_eve.associated_data);
}

#[test]
fn whatever_byte_of_the_header_changes_nothing_is_agreed() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (ours, header) = initiate(&alice, &bob, true);
    let bytes = header.encode();
    for at in (0..bytes.len()).filter(|at| *at < 48 || at % 97 == 0) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let Ok(header) = HandshakeHeader::parse(&changed) else {
            continue;
        };
        match accept(&bob, &alice.peer(), &header, true) {
            Ok(theirs) => assert!(!same(&ours, &theirs), "byte {at}"),
            Err(fault) => assert_eq!(fault, AcceptanceError::OtherPrekeys, "byte {at}"),
        }
    }
}

#[test]
fn prekeys_the_header_does_not_name_are_refused() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (_, header) = initiate(&alice, &bob, true);
    assert_eq!(
        accept(&bob, &alice.peer(), &header, false).unwrap_err(),
        AcceptanceError::OtherPrekeys
    );
    let mut renamed = header.clone();
    renamed.signed_prekey = 9;
    assert_eq!(
        accept(&bob, &alice.peer(), &renamed, true).unwrap_err(),
        AcceptanceError::OtherPrekeys
    );
}

/// The same key under another number is another handshake: the ids are in the associated data.
#[test]
fn a_renumbered_prekey_changes_the_associated_data() {
    let (alice, mut bob) = (Person::new(1), Person::new(2));
    let (ours, mut header) = initiate(&alice, &bob, true);
    bob.one_time.id = 5;
    header.kem_prekey = KemPrekeyId::OneTime(5);
    let theirs = accept(&bob, &alice.peer(), &header, true).unwrap();
    assert_eq!(ours.root, theirs.root);
    assert_ne!(ours.associated_data, theirs.associated_data);
}

/// P-025.
#[test]
fn a_bundle_of_another_device_and_a_session_with_oneself_are_refused() {
    let (alice, bob, eve) = (Person::new(1), Person::new(2), Person::new(3));
    let begin = |from: &Person, to: &Person, bundle: &Person| {
        Initiation::begin(
            &from.local,
            &to.peer(),
            &bundle.verified_bundle(true),
            &mut rng(1),
        )
        .err()
    };
    assert_eq!(begin(&alice, &bob, &eve), Some(InitiationError::OtherDevice));
    assert_eq!(begin(&alice, &alice, &alice), Some(InitiationError::OwnDevice));
    let (_, header) = initiate(&alice, &bob, true);
    assert_eq!(
        accept(&bob, &bob.peer(), &header, true).unwrap_err(),
        AcceptanceError::OwnDevice
    );
}

#[test]
fn every_handshake_is_fresh() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bundle = bob.verified_bundle(false);
    let mut rng = rng(9);
    let mut roots = Vec::new();
    for _ in 0..3 {
        let initiation = Initiation::begin(&alice.local, &bob.peer(), &bundle, &mut rng).unwrap();
        let agreed = alice.agreement.agree(initiation.wanted()).unwrap();
        let (secrets, header) = initiation.finish(agreed);
        assert!(
            roots
                .iter()
                .all(|(root, digest)| *root != secrets.root && *digest != header.digest())
        );
        roots.push((secrets.root, header.digest()));
    }
}

/// The product's suite, computed a second time from the text of the protocol alone.
/// P-050, P-051.
#[test]
fn the_full_suite_is_what_the_protocol_says() {
    use hkdf::Hkdf;
    use sha2::{Digest, Sha256};

    let (alice, bob) = (Person::new(1), Person::new(2));
    let (ours, header) = initiate(&alice, &bob, true);
    let raw = |secret: &X25519Secret, public: &[u8; 32]| x25519_dalek::x25519(*secret.as_bytes(), *public);
    let ephemeral = header.ephemeral().as_bytes();
    let (identity, prekey) = (alice.agreement.public(), bob.signed_prekey.secret.public());
    let fields = [
        &[0, 1][..],
        ephemeral,
        &[0, 0, 0, 1, 1, 0, 0, 0, 4],
        header.kem_ciphertext.as_bytes(),
    ];
    assert_eq!(header.encode(), fields.concat());
    let ikm = [
        [0xff; 32],
        raw(&bob.signed_prekey.secret, identity.as_bytes()),
        raw(&bob.agreement, ephemeral),
        raw(&bob.signed_prekey.secret, ephemeral),
        raw(&bob.one_time.x25519, ephemeral),
        *bob.one_time.kem.decapsulate(&header.kem_ciphertext).as_bytes(),
    ]
    .concat();
    let mut okm = [0; 96];
    Hkdf::<Sha256>::new(None, &ikm)
        .expand(b"Chopar v1 handshake", &mut okm)
        .unwrap();
    assert_eq!(ours.root.as_bytes(), &okm[..32]);
    assert_eq!(ours.initiator_header_key.as_bytes(), &okm[32..64]);
    assert_eq!(ours.responder_header_key.as_bytes(), &okm[64..]);

    let mut prekeys = Sha256::new();
    prekeys.update(b"Chopar v1 handshake-prekeys\0");
    prekeys.update([0, 0, 0, 1, 0x05]);
    prekeys.update(prekey.as_bytes());
    prekeys.update([1, 0, 0, 0, 4, 0x0a]);
    prekeys.update(bob.one_time.kem.public().as_bytes());
    prekeys.update([0x05]);
    prekeys.update(bob.one_time.x25519.public().as_bytes());
    let (a, b) = (&alice.local, &bob.local);
    let expected = [
        &[0, 1, 0x05][..],
        identity.as_bytes(),
        &[0x05],
        bob.agreement.public().as_bytes(),
        &[0, 32],
        a.account().as_bytes(),
        &[0, 16],
        a.device().as_bytes(),
        &[0, 32],
        b.account().as_bytes(),
        &[0, 16],
        b.device().as_bytes(),
        &prekeys.finalize(),
    ]
    .concat();
    assert_eq!(ours.associated_data, expected);
    assert_eq!(ours.responder_ratchet, prekey);
}

/// T-085: who steals Bob's identity key alone cannot write to him as Alice: the agreement of her identity key with his signed
/// prekey is missing. Who steals the signed prekey computes just that, and Bob takes the thief for Alice, as long as the prekey
/// lives: the property that breaks is that the initiator is who they say.
#[test]
fn a_stolen_signed_prekey_impersonates_and_a_stolen_identity_key_does_not() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bundle = bob.verified_bundle(true);
    let is_taken_for_alice = |agreed: crate::keys::Agreed| {
        let initiation = Initiation::begin(&alice.local, &bob.peer(), &bundle, &mut rng(66)).unwrap();
        let (thief, header) = initiation.finish(agreed);
        same(&thief, &accept(&bob, &alice.peer(), &header, true).unwrap())
    };
    let alices = alice.agreement.public();
    let stolen = &bob.agreement;
    assert!(!is_taken_for_alice(stolen.agree(&alices).unwrap()));
    assert!(!is_taken_for_alice(
        stolen.agree(&bob.signed_prekey.public().public).unwrap()
    ));
    let stolen = &bob.signed_prekey.secret;
    assert!(is_taken_for_alice(stolen.agree(&alices).unwrap()));
}
