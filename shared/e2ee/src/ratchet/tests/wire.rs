//! Bytes on the wire, computed a second time from the text of the protocol alone.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::super::kem_turn::{KEM_CIPHERTEXT, KEM_KEY, KemSecret};
use super::super::root::{Pair, RootKey};
use super::*;
use crate::keys::Agreed;

fn derived<const N: usize>(salt: &[u8], key: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(info, &mut out)
        .unwrap();
    out
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// AES-256-GCM under HKDF(salt, key, label, 44 bytes): 32 of key, 12 of nonce.
fn unsealed(salt: &[u8], key: &[u8], label: &[u8], aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let okm = derived::<44>(salt, key, label);
    let aead = Aes256Gcm::new(&Key::<Aes256Gcm>::try_from(&okm[..32]).unwrap());
    let nonce = okm[32..].try_into().unwrap();
    aead.decrypt(&nonce, Payload { msg, aad }).unwrap()
}

const AD: &[u8] = b"alice and bob";

/// P-060, P-061, P-063, P-064, P-065.
#[test]
fn a_first_message_is_what_the_protocol_says() {
    let (mut alice, _, mut rng) = pair(60);
    for n in 0..3u32 {
        let message = alice.encrypt(b"some content", NOW, &mut rng).unwrap();
        assert_eq!(message.len(), 16 + 16 + 1 + 57 + 12 + 16);
        let (tag, salt, class) = (&message[..16], &message[16..32], message[32]);
        assert_eq!(class, 0);
        // The initiator's first header key is that of `secrets`.
        let tag_key = derived::<32>(&[], &[2; 32], b"Chopar v1 tag");
        assert_eq!(tag, &mac(&tag_key, &n.to_be_bytes())[..16]);
        let aad = [AD, tag, &[class]].concat();
        let header = unsealed(salt, &[2; 32], b"Chopar v1 header", &aad, &message[33..90]);
        let numbers = [&0u32.to_be_bytes()[..], &n.to_be_bytes(), &[0]].concat();
        assert_eq!((header.len(), &header[32..]), (41, &numbers[..]));

        let dh = x25519_dalek::x25519([4; 32], header[..32].try_into().unwrap());
        let rooted = derived::<96>(&[1; 32], &dh, b"Chopar v1 root");
        let mut chain: [u8; 32] = rooted[32..64].try_into().unwrap();
        for _ in 0..n {
            chain = mac(&chain, &[2]);
        }
        let aad = [AD, &header].concat();
        let content = unsealed(
            salt,
            &mac(&chain, &[1]),
            b"Chopar v1 message",
            &aad,
            &message[90..],
        );
        assert_eq!(content, b"some content");
        // What the turn makes besides: the root, and the header key of the same party's next chain.
        assert_eq!(alice.root.0.as_bytes(), &rooted[..32]);
        assert_eq!(alice.next_sending_header.as_bytes(), &rooted[64..]);
    }
}

/// P-301.
#[test]
fn a_session_is_named_as_the_protocol_says() {
    let (alice, bob, _) = pair(60);
    // Root and header keys of `secrets`.
    let keys = [[1; 32], [2; 32], [3; 32]].concat();
    let name = derived::<16>(&[], &keys, b"Chopar v1 session-id");
    assert_eq!(alice.id().as_bytes(), &name);
    assert_eq!(bob.id(), alice.id());
}

/// P-060: a KEM secret in the input, and in the info a hash of everything that made it.
#[test]
fn a_root_step_with_a_kem_is_what_the_protocol_says() {
    let (turning, other) = (
        X25519Secret::from_bytes([5; 32]),
        X25519Secret::from_bytes([6; 32]),
    );
    let pair = Pair {
        turning: &turning.public(),
        other: &other.public(),
    };
    let agreed = Agreed::new([7; 32]).unwrap();
    let kem = KemSecret {
        shared: Secret32::new([8; 32]),
        key: Box::new([9; KEM_KEY]),
        ciphertext: Box::new([10; KEM_CIPHERTEXT]),
    };
    let made = RootKey(Secret32::new([11; 32])).step(b"Chopar v1 root", &agreed, Some(&kem), &pair);
    let bound = Sha256::new()
        .chain_update(turning.public().as_bytes())
        .chain_update(other.public().as_bytes())
        .chain_update([9; 1184])
        .chain_update([10; 1088])
        .finalize();
    let info = [&b"Chopar v1 root"[..], &bound].concat();
    let expected = derived::<96>(&[11; 32], &[[7; 32], [8; 32]].concat(), &info);
    let parts = [*made.root.0.as_bytes(), *made.chain.0.as_bytes()].concat();
    assert_eq!(
        (&parts[..], &made.next_header.as_bytes()[..]),
        expected.split_at(64)
    );
}

/// P-069.
#[test]
fn a_signal_is_what_the_protocol_says() {
    let (mut alice, _, mut rng) = pair(61);
    for counter in 0..2u32 {
        let signal = alice.seal_signal(b"typing", NOW, &mut rng).unwrap();
        let (tag, salt) = (&signal[..16], &signal[16..32]);
        let key = derived::<32>(&[], &[2; 32], b"Chopar v1 signal");
        let tag_key = derived::<32>(&[], &key, b"Chopar v1 signal-tag");
        assert_eq!(tag, &mac(&tag_key, &counter.to_be_bytes())[..16]);
        let text = unsealed(
            salt,
            &key,
            b"Chopar v1 signal-seal",
            &[AD, tag].concat(),
            &signal[32..],
        );
        let head = [&counter.to_be_bytes()[..], &NOW.0.to_be_bytes()].concat();
        assert_eq!(text, [&head[..], b"typing"].concat());
    }
}

/// P-064: two copies of one state encrypt at one position, and share no key and no nonce.
#[test]
fn a_copied_state_repeats_no_nonce() {
    let (mut alice, mut bob, mut rng) = pair(62);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    alice.encrypt(b"turn", NOW, &mut rng).unwrap();
    let record = alice.to_record();
    let [one, two] = [(); 2].map(|()| {
        let mut copy = Session::from_record(&record).unwrap();
        copy.encrypt(b"the same", NOW, &mut rng).unwrap()
    });
    assert_eq!(one[..16], two[..16], "the same position");
    assert_ne!(one[16..32], two[16..32], "another salt");
    let differing = one[33..].iter().zip(&two[33..]).filter(|(a, b)| a != b).count();
    assert!(differing > 60, "{differing} of {} bytes", one.len() - 33);
}

/// P-065: so many tags ahead in the current and in the coming chain, and one for each skipped key.
#[test]
fn so_many_tags_are_expected() {
    let (mut alice, mut bob, mut rng) = pair(63);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let sent: Vec<_> = (0..40)
        .map(|_| alice.encrypt(b"x", NOW, &mut rng).unwrap())
        .collect();
    receive(&mut bob, &sent[3]).unwrap();
    let expected: Vec<_> = bob.expected_tags().map(|(tag, _)| tag).collect();
    let messages = bob
        .expected_tags()
        .filter(|(_, kind)| *kind == TagKind::Message)
        .count();
    assert_eq!(messages, 16 + 8 + 3);
    for (n, message) in sent.iter().enumerate() {
        let known = expected.contains(&Tag::of(message).unwrap());
        assert_eq!(known, n != 3 && n < 20, "message {n}");
    }
}
