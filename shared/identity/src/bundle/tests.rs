//! What a hostile relay could try with a bundle.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::identity::{Bundle, BundleBody, OneTimeBody, Signed};
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use prost::Message;

use super::{
    BundleBase, BundleError, EcPrekey, MAX_BUNDLE_BODY, OneTimePair, PqPrekey, VerifiedBundle, signed,
    verify_base, verify_one_time,
};
use crate::device::DeviceKeys;
use crate::keys::{Ed25519Public, KemPublic1024, KeyError, X25519Public};

const ACCOUNT: AccountId = AccountId::new([5; 32]);

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn keys(seed: u8) -> DeviceKeys {
    DeviceKeys {
        signing: Ed25519Public::parse(secret(seed).verifying_key().as_bytes()).unwrap(),
        agreement: X25519Public::parse(&[seed + 2; 32]).unwrap(),
    }
}

fn x25519(byte: u8) -> X25519Public {
    X25519Public::parse(&[byte; 32]).unwrap()
}

fn kem(byte: u8) -> KemPublic1024 {
    // Small nibbles in all places keep both coefficients below 3329.
    KemPublic1024::parse(&[byte; KemPublic1024::LEN]).unwrap()
}

fn base(seed: u8) -> BundleBase {
    BundleBase {
        account: ACCOUNT,
        device: keys(seed).device_id(),
        sequence: 7,
        time: 1000,
        signed_prekey: EcPrekey {
            id: 1,
            public: x25519(11),
        },
        sealing_key: EcPrekey {
            id: 2,
            public: x25519(12),
        },
        last_resort: PqPrekey {
            id: 3,
            public: kem(3),
        },
    }
}

fn pair() -> OneTimePair {
    OneTimePair {
        id: 4,
        x25519: x25519(14),
        kem: kem(4),
    }
}

fn sign_base(seed: u8, body: Vec<u8>) -> Signed {
    let signature = secret(seed).sign(&BundleBase::signing_input(&body)).to_bytes();
    signed(body, signature)
}

fn sign_pair(seed: u8, body: Vec<u8>) -> Signed {
    let signature = secret(seed).sign(&OneTimePair::signing_input(&body)).to_bytes();
    signed(body, signature)
}

fn bundle(seed: u8) -> Bundle {
    Bundle {
        base: Some(sign_base(seed, base(seed).body())),
        one_time: Some(sign_pair(seed, pair().body(&keys(seed).device_id()))),
    }
}

/// The base of device 1 with its body changed and signed again by the device itself.
fn changed_base(change: impl FnOnce(&mut BundleBody)) -> Result<BundleBase, BundleError> {
    let mut body = BundleBody::decode(base(1).body().as_slice()).unwrap();
    change(&mut body);
    verify_base(&ACCOUNT, &keys(1), &sign_base(1, body.encode_to_vec()))
}

fn changed_pair(change: impl FnOnce(&mut OneTimeBody)) -> Result<OneTimePair, BundleError> {
    let mut body = OneTimeBody::decode(pair().body(&keys(1).device_id()).as_slice()).unwrap();
    change(&mut body);
    verify_one_time(&keys(1), &sign_pair(1, body.encode_to_vec()))
}

#[test]
fn comes_back_with_and_without_a_one_time_pair() {
    let whole = VerifiedBundle::verify(&ACCOUNT, &keys(1), &bundle(1)).unwrap();
    assert_eq!((whole.base(), whole.one_time()), (&base(1), Some(&pair())));
    let drained = Bundle {
        one_time: None,
        ..bundle(1)
    };
    let drained = VerifiedBundle::verify(&ACCOUNT, &keys(1), &drained).unwrap();
    assert_eq!((drained.base(), drained.one_time()), (&base(1), None));
    let empty = Bundle {
        base: None,
        ..bundle(1)
    };
    assert_eq!(
        VerifiedBundle::verify(&ACCOUNT, &keys(1), &empty),
        Err(BundleError::Missing("base"))
    );
}

/// P-042, T-001.
#[test]
fn parts_of_another_device_are_refused() {
    // Signed by another device.
    let verify = |bundle: &Bundle| VerifiedBundle::verify(&ACCOUNT, &keys(1), bundle);
    assert_eq!(verify(&bundle(2)), Err(BundleError::BadSignature));
    let mixed = Bundle {
        one_time: bundle(2).one_time,
        ..bundle(1)
    };
    assert_eq!(verify(&mixed), Err(BundleError::BadSignature));
    // Signed by the right key, about another device or account.
    let other = DeviceId::new([9; 16]);
    assert_eq!(
        changed_base(|b| b.device = other.into()),
        Err(BundleError::OtherDevice)
    );
    assert_eq!(
        changed_base(|b| b.account = vec![1; 32].into()),
        Err(BundleError::OtherDevice)
    );
    assert_eq!(
        changed_pair(|b| b.device = other.into()),
        Err(BundleError::OtherDevice)
    );
}

/// P-004, P-042, T-001.
#[test]
fn a_signature_for_one_part_is_none_for_the_other() {
    let body = pair().body(&keys(1).device_id());
    assert_eq!(
        verify_one_time(&keys(1), &sign_base(1, body)),
        Err(BundleError::BadSignature)
    );
    let body = base(1).body();
    assert_eq!(
        verify_base(&ACCOUNT, &keys(1), &sign_pair(1, body)),
        Err(BundleError::BadSignature)
    );
}

/// P-005, P-042.
#[test]
fn suites_missing_parts_and_bad_keys_are_named() {
    assert_eq!(changed_base(|b| b.suite = 0), Err(BundleError::UnknownSuite(0)));
    assert_eq!(changed_pair(|b| b.suite = 2), Err(BundleError::UnknownSuite(2)));
    assert_eq!(
        changed_base(|b| b.signed_prekey = None),
        Err(BundleError::Missing("signed prekey"))
    );
    assert_eq!(
        changed_base(|b| b.sealing_key = None),
        Err(BundleError::Missing("sealing key"))
    );
    assert_eq!(
        changed_base(|b| b.last_resort = None),
        Err(BundleError::Missing("last-resort key"))
    );
    let low = BundleError::Key(KeyError::LowOrder("X25519 public key"));
    let zero = || vec![0; 32].into();
    assert_eq!(
        changed_base(|b| b.signed_prekey.as_mut().unwrap().public = zero()),
        Err(low)
    );
    assert_eq!(
        changed_base(|b| b.sealing_key.as_mut().unwrap().public = zero()),
        Err(low)
    );
    assert_eq!(changed_pair(|b| b.x25519 = zero()), Err(low));
    let not_a_key = BundleError::Key(KeyError::NotAKey("ML-KEM-1024 encapsulation key"));
    let large = || vec![0xff; KemPublic1024::LEN].into();
    assert_eq!(
        changed_base(|b| b.last_resort.as_mut().unwrap().public = large()),
        Err(not_a_key)
    );
    assert_eq!(changed_pair(|b| b.kem = large()), Err(not_a_key));
    let noise = sign_base(1, vec![0xff; 30]);
    assert_eq!(
        verify_base(&ACCOUNT, &keys(1), &noise),
        Err(BundleError::Malformed)
    );
    let fat = sign_base(1, vec![0; MAX_BUNDLE_BODY + 1]);
    assert_eq!(verify_base(&ACCOUNT, &keys(1), &fat), Err(BundleError::TooLarge));
}

proptest! {
    #[test]
    fn no_changed_byte_verifies(at in any::<prop::sample::Index>(), xor in 1u8..) {
        let mut part = bundle(1).one_time.unwrap();
        let mut body = part.body.to_vec();
        let at = at.index(body.len());
        body[at] ^= xor;
        part.body = body.into();
        prop_assert_eq!(verify_one_time(&keys(1), &part), Err(BundleError::BadSignature));
    }
}

/// T-010, P-042: each bit of a bundle as it travels. A part that is not the signed one is refused; all that a flip can do
/// without the device's key is to hide the one-time pair, which a relay may do anyway.
#[test]
fn no_bit_of_a_bundle_may_change() {
    let whole = bundle(1);
    let bytes = whole.encode_to_vec();
    let (mut refused, mut hidden) = (0, 0);
    for bit in 0..8 * bytes.len() {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let Ok(altered) = Bundle::decode(altered.as_slice()) else {
            refused += 1;
            continue;
        };
        match VerifiedBundle::verify(&ACCOUNT, &keys(1), &altered) {
            Err(_) => refused += 1,
            Ok(verified) => {
                assert!(altered.base == whole.base, "bit {bit}");
                assert_eq!(verified.base(), &base(1), "bit {bit}");
                assert!(altered.one_time.is_none(), "bit {bit}");
                assert_eq!(verified.one_time(), None, "bit {bit}");
                hidden += 1;
            }
        }
    }
    // The bits of the pair's tag: another field, or another type of one that is not known.
    assert!((1..=8).contains(&hidden), "{hidden} of {refused} flips verify");
}
